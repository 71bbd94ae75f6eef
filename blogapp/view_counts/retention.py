"""Daily totals are kept for 25 months, then merged into yearly totals."""

from __future__ import annotations

import logging
from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp.view_counts.counting import add_up
from blogapp.view_counts.models import DailyReferrals, DailyRefusals, DailyViews, YearlyRefusals, YearlyViews

log = logging.getLogger(__name__)

# The limit that the French data protection authority (CNIL) sets for audience measurement without consent.
MONTHS = 25
# Days without a view or a refusal after which the clock may be wrong: bots visit every blog more often than that.
LONGEST_GAP = 31
# Rows of one INSERT: SQLite accepts 32,766 values in a statement.
ROWS = 1000


def oldest_day(today: date) -> date:
    """Return the first day whose totals are kept separately: today 25 months ago, or the last day of that month."""
    months = today.year * 12 + today.month - 1 - MONTHS
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def fold_old_days(session: Session, today: date) -> int:
    """Move the totals of days before `oldest_day` to their years; returns the number of rows.

    Referrals are deleted. A write transaction must be open. Only rows that this transaction deleted are added, so two
    processes that run it at the same time add nothing twice.
    """
    before = oldest_day(today)
    referrals = session.execute(delete(DailyReferrals).where(DailyReferrals.day < before).returning(DailyReferrals.day))
    return (
        len(referrals.all())
        + _fold(session, before, DailyViews, YearlyViews, "article_id")
        + _fold(session, before, DailyRefusals, YearlyRefusals, "reason")
    )


def _fold(session: Session, before: date, daily: Any, yearly: Any, of: str) -> int:
    deleted: Sequence[Any] = session.execute(
        delete(daily).where(daily.day < before).returning(daily.day, getattr(daily, of), daily.views)
    ).all()
    totals: Counter[tuple[int, Any]] = Counter()
    for day, key, views in deleted:
        totals[day.year, key] += views
    rows = [{"year": year, of: key, "views": views} for (year, key), views in sorted(totals.items())]
    for start in range(0, len(rows), ROWS):
        add_up(session.connection(), yearly, rows[start : start + ROWS])
    return len(deleted)


def fold_at_new_day(session: Session, *, day: date, previous: date | None) -> None:
    """Merge old days once a day, in the transaction that creates the day's key, so that no scheduler is needed.

    A gap of more than LONGEST_GAP days before `day` may mean that the clock is wrong, and merging cannot be undone. In
    that case nothing is merged until a second such day begins, or until the owner runs `flask views prune`.
    """
    known = [previous, *(_latest_before(day, table, session) for table in (DailyViews, DailyRefusals))]
    latest = max(filter(None, known), default=day)
    if (day - latest).days > LONGEST_GAP:
        log.warning("no views between %s and %s, the clock may be wrong: old days are not merged today", latest, day)
        return
    fold_old_days(session, day)


def _latest_before(day: date, table: Any, session: Session) -> date | None:
    latest: date | None = session.scalar(select(func.max(table.day)).where(table.day < day))
    return latest
