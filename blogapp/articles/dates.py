"""Parse dates in the formats that people and blogging tools use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

USUAL = "the date must be written as 2026-11-23 or 2026-11-23 09:30."
EARLIEST_YEAR, LATEST_YEAR = 1000, 9998

DATE = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
    r"(?:(?:[Tt]|[ \t]+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"[ \t]*(?P<zone>[A-Za-z][\w+/-]*|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)


class DateError(ValueError):
    """The text is not a valid date; the message says how to write one."""

    def __init__(self, sentence: str = USUAL) -> None:
        super().__init__(sentence)


def parse_date(text: object, default: tzinfo = UTC) -> datetime:
    """Parse `text` as a datetime in UTC, in whole seconds. A date without a time means midnight; a time without a zone
    is in the zone `default`. Raises DateError."""
    if not isinstance(text, str):
        raise DateError
    text = text.strip()
    found = DATE.fullmatch(text)
    if found is None:
        return _parse_mail_date(text, default)
    year = int(found["year"])
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise DateError(
            f"the year {found['year']} is out of range. If a tool wrote it for a missing date, delete the line."
        )
    zone = _zone(found["zone"]) if found["zone"] else default
    try:
        moment = datetime(
            year,
            int(found["month"]),
            int(found["day"]),
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            tzinfo=zone,
        )
    except ValueError:
        raise DateError("there is no such date or time; write it as 2026-11-23 or 2026-11-23 09:30.") from None
    return moment.astimezone(UTC)


def is_date(text: object) -> bool:
    try:
        parse_date(text)
    except DateError:
        return False
    return True


def _parse_mail_date(text: str, default: tzinfo) -> datetime:
    """`Mon, 23 Nov 2026 09:30:00 +0100`"""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        raise DateError from None
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise DateError
    return (moment if moment.tzinfo else moment.replace(tzinfo=default)).astimezone(UTC)


def _zone(name: str) -> tzinfo:
    if name.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[-2:]) if len(name) > 3 else 0
        if hours > 23 or minutes > 59:
            raise DateError("there is no such time zone; write it as +01:00.")
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if name[0] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise DateError(f"the time zone `{name}` is not known; write it as +01:00 or Europe/Paris.") from None
