"""Benchmarks: run them with `make bench`. Tests assert no times."""
