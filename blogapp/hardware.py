"""The cores and the memory that this process may use, also inside a container."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# A worker after hours of traffic, and what the system and the main process need (docs/BENCHMARKS.md).
WORKER_BYTES = 100 * 1024 * 1024
OTHER_BYTES = 150 * 1024 * 1024
MOST_WORKERS = 16
CGROUP = Path("/sys/fs/cgroup")


def fitting_workers(cores: int, memory: int | None) -> int:
    """How many worker processes to start: one a core, but at least two, so that one can be replaced while the other
    serves; fewer if `memory` (bytes; None if it is not known) is not enough for them."""
    wanted = min(max(2, cores), MOST_WORKERS)
    if memory is None:
        return wanted
    return max(1, min(wanted, (memory - OTHER_BYTES) // WORKER_BYTES))


def available_cores(cgroup: Path = CGROUP) -> int:
    """The cores that this process may use: those that it may run on, less if its control group has a quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))  # `max` is no number: there is no quota
    return cores


def available_memory(cgroup: Path = CGROUP) -> int | None:
    """Bytes of memory: of the machine, or of the control group if that has less. None if it is not known."""
    found = []
    with suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    # Control groups of version 2 and 1. A very large number stands for no limit.
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            found.append(int((cgroup / name).read_text()))
    return min((size for size in found if size > 0), default=None)
