"""Everything that is measured, as the text of docs/BENCHMARKS.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import conversations, texts, views
from tests.harness.postgres import Postgres

print("## Conversations\n")
print("One article; a third of the comments answer in one thread, one thread is 200 deep. In-process, no network.\n")
with tempfile.TemporaryDirectory() as folder:
    print(conversations.table(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", "SQLite"))
cluster = Postgres()
try:
    print(conversations.table(cluster.url, "PostgreSQL"))
finally:
    cluster.stop()
print("## Views\n")
print("granian with two processes; the one who asks runs on the same two cores. 32 connections, 204 for an answer.\n")
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
print(texts.table())
