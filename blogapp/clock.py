"""The only module that reads the clock. Everything else takes `now` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC, truncated to whole seconds, as tables store it and pages show it."""
    return datetime.now(UTC).replace(microsecond=0)
