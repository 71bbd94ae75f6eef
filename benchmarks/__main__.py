"""Everything that is measured, as the text of docs/BENCHMARKS.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import conversations, texts
from tests.harness.postgres import Postgres

print("## Conversations\n")
print("In-process, without a network; `farther` than 50 comments the number of queries stays, and so does the time.\n")
with tempfile.TemporaryDirectory() as folder:
    print(conversations.table(f"sqlite:///{Path(folder) / 'bench.sqlite3'}", "SQLite"))
cluster = Postgres()
try:
    print(conversations.table(cluster.url, "PostgreSQL"))
finally:
    cluster.stop()
print("## Rendering\n")
print(texts.table())
