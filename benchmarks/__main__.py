"""Print all measurements as the text of docs/BENCHMARKS.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import comments, rendering, requests, views
from tests.harness.postgres import Postgres

print("## Requests per second\n")
print("The production server with two processes; wrk runs on the same two cores. 16 connections, medians of three.\n")
with tempfile.TemporaryDirectory() as folder:
    print(requests.table(requests.measure(Path(folder), f"sqlite:///{Path(folder) / 'bench.sqlite3'}"), "SQLite"))
cluster = Postgres()
try:
    with tempfile.TemporaryDirectory() as folder:
        print(requests.table(requests.measure(Path(folder), cluster.url), "PostgreSQL"))
finally:
    cluster.stop()
print("## Comments\n")
print("One article; a third of the comments are replies in one thread, one thread is 200 levels deep. In process.\n")
with tempfile.TemporaryDirectory() as folder:
    print(comments.table(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", "SQLite"))
cluster = Postgres()
try:
    print(comments.table(cluster.url, "PostgreSQL"))
finally:
    cluster.stop()
print("## Views\n")
print("granian with two processes; the load generator runs on the same two cores. 32 connections, answered with 204.\n")
with tempfile.TemporaryDirectory() as folder:
    print(views.bare(Path(folder)))
    print(views.table(Path(folder), f"sqlite:///{Path(folder) / 'views.sqlite3'}", "SQLite"))
cluster = Postgres()
try:
    with tempfile.TemporaryDirectory() as folder:
        print(views.table(Path(folder), cluster.url, "PostgreSQL"))
finally:
    cluster.stop()
print("## Rendering\n")
print(rendering.table())
