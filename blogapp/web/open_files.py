"""How many files the server may have open, which bounds its connections and its threads."""

from __future__ import annotations

import contextlib
import resource

# A process that may have fewer open files than this gets fewer threads, each of which opens up to six for SQLite, and
# closes silent connections after a second. RESERVED_DESCRIPTORS are those that it needs besides connections.
FEW_DESCRIPTORS = 256
RESERVED_DESCRIPTORS = 46
# More are of no use to the server: its connections are limited anyway.
MOST_DESCRIPTORS = 65_536


def raise_open_file_limit() -> None:
    """Raise this process's limit of open files as far as the system lets it. By default, systemd and shells set 1,024,
    and CONNECTIONS are more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has another limit besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_file_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
