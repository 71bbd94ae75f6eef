"""How long totals are kept by the day: 25 months, then by the year."""

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

# What the French authority for data protection allows measurements without consent to keep.
MONTHS = 25
# Days without a view or a refusal after which the calendar is doubted: the web's programs leave no blog alone so long.
LONGEST_GAP = 31
# Rows of one INSERT: SQLite takes 32,766 values in a statement.
ROWS = 1000


def oldest_day(today: date) -> date:
    """The first day whose totals are kept singly: that of today's number 25 months ago, or the last of its month."""
    months = today.year * 12 + today.month - 1 - MONTHS
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def fold_old_days(session: Session, today: date) -> int:
    """Add the totals of days before `oldest_day` to those of their years, and delete them; how many rows that were.

    Where readers came from is deleted altogether. A write transaction must be open. What is added is what was
    deleted: of two who do it at once, the second finds nothing.
    """
    before = oldest_day(today)
    referrals = session.execute(delete(DailyReferrals).where(DailyReferrals.day < before).returning(DailyReferrals.day))
    return (
        len(referrals.all())
        + _fold(session, before, DailyViews, YearlyViews, "article_id")
        + _fold(session, before, DailyRefusals, YearlyRefusals, "reason")
    )


def _fold(session: Session, before: date, daily: Any, yearly: Any, of: str) -> int:
    gone: Sequence[Any] = session.execute(
        delete(daily).where(daily.day < before).returning(daily.day, getattr(daily, of), daily.views)
    ).all()
    totals: Counter[tuple[int, Any]] = Counter()
    for day, key, views in gone:
        totals[day.year, key] += views
    rows = [{"year": year, of: key, "views": views} for (year, key), views in sorted(totals.items())]
    for start in range(0, len(rows), ROWS):
        add_up(session.connection(), yearly, rows[start : start + ROWS])
    return len(gone)


def fold_at_new_day(session: Session, *, day: date, previous: date | None) -> None:
    """Fold old days once a day, in the transaction that makes the day's key: no scheduler is needed.

    A gap of more than LONGEST_GAP days before `day` may mean that the clock is wrong, and folding cannot be undone.
    Then nothing is folded until a second such day begins, or somebody runs `flask views prune`.
    """
    known = [previous, *(_latest_before(day, table, session) for table in (DailyViews, DailyRefusals))]
    latest = max(filter(None, known), default=day)
    if (day - latest).days > LONGEST_GAP:
        log.warning("no views between %s and %s, the clock may be wrong: old days are not folded today", latest, day)
        return
    fold_old_days(session, day)


def _latest_before(day: date, table: Any, session: Session) -> date | None:
    latest: date | None = session.scalar(select(func.max(table.day)).where(table.day < day))
    return latest
