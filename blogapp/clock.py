"""The one reader of time. Everything else is handed `now`."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC, cut to whole seconds: what every table stores and every page shows."""
    return datetime.now(UTC).replace(microsecond=0)
