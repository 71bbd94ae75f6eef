"""Try the faults and print a table. `python -m tests.faults [--rounds N] [NAME...]`; the exit status is 1 if something
did not hold."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import clock, crowds, disk_full, killed, limit_store, locked_database, postgresql, power_cut, repeats
from tests.faults.report import Row, table

Fault = Callable[[Path, int], list[Row]]
# Each with how often it is repeated by default.
FAULTS: dict[str, tuple[Fault, int]] = {
    "kill": (killed.kill, 200),
    "stop": (killed.stop, 50),
    "power-cut": (power_cut.power_cut, 1),
    "disk-full": (disk_full.disk_full, 1),
    "locked": (locked_database.locked_database, 1),
    "postgresql-restarted": (postgresql.restarted, 1),
    "postgresql-silent": (postgresql.silent, 1),
    "postgresql-slow": (postgresql.slow, 1),
    "valkey-stopped": (limit_store.stopped, 1),
    "valkey-hung": (limit_store.hung, 1),
    "clock": (clock.clock, 1),
    "idle-sockets": (crowds.idle, 1),
    "slow-clients": (crowds.slow, 1),
    "few-descriptors": (crowds.few_descriptors, 1),
    "repeated-post": (repeats.repeated_post, 1),
    "many-requests": (repeats.many_requests, repeats.REQUESTS),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Try what breaks, and print a table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(FAULTS)}; without, all")
    parser.add_argument("--rounds", type=int, help="how often a server is killed or stopped")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(FAULTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    rows = list[Row]()
    for name in arguments.names or FAULTS:
        fault, rounds = FAULTS[name]
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="blogapp-faults-", ignore_cleanup_errors=True) as folder:
            rows += fault(Path(folder) / name, arguments.rounds or rounds)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    print(f"\n{table(rows)}")
    return 1 if any(row.held is False for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
