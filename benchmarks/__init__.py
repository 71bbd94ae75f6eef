"""Speed, measured and not asserted: `make bench`."""
