"""Names of time zones, such as Europe/Paris."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

# Names without a place: kept for old programs, and confusing in a list.
OLD = ("Etc/", "SystemV/", "US/", "posix/", "right/")


@cache
def time_zones() -> tuple[str, ...]:
    """All names that a person would choose, and UTC."""
    return (*sorted(name for name in available_timezones() if is_choice(name)), "UTC")


def is_choice(name: str) -> bool:
    return "/" in name and not name.startswith(OLD)


def is_time_zone(name: str) -> bool:
    return name in time_zones() or name in available_timezones()  # the second one searches the whole folder


@cache
def time_zone_of_host() -> str:
    """The time zone of the computer that the blog runs on; UTC if it is not known."""
    try:
        link = str(Path("/etc/localtime").resolve())
    except (OSError, RuntimeError):
        link = ""
    found = os.environ.get("TZ", "").lstrip(":") or link.partition("zoneinfo/")[2]
    try:  # time_zones() would search the whole folder, at each start
        return ZoneInfo(found).key if is_choice(found) else "UTC"
    except (OSError, ValueError, KeyError):
        return "UTC"
