from __future__ import annotations

from benchmarks import texts

print(texts.table())
