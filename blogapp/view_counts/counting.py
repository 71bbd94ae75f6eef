"""Counting views: one for each article, visitor and UTC day. The additions happen in the database, so none is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.db.transactions import insert_for, insert_in
from blogapp.view_counts.bot_filter import AGAIN, LIMIT
from blogapp.view_counts.models import (
    DailyReferrals,
    DailyRefusals,
    DailyViews,
    NetworkHour,
    ViewCount,
    ViewMark,
)
from blogapp.visitors.identity import DayKey, key_of_day, network_digest, visitor_digest

# Hosts that are kept apart on one day; a blog has dozens, and who makes them up has no end of them.
HOSTS_A_DAY = 500

STILL_THERE = (
    select(Article.id)
    .where(Article.id.in_(bindparam("ids", expanding=True)))
    .order_by(Article.id)
    .with_for_update(read=True, key_share=True)
)
VIEWS = select(ViewCount.article_id, ViewCount.before + ViewCount.counted).where(
    ViewCount.article_id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, eq=False)
class Seen:
    """A page that somebody has looked at: the article, the block of their address, their browser's name for itself,
    the moment, and the host of the link that they came by ("" where there was none)."""

    article_id: int
    network: str = field(repr=False)
    user_agent: str = field(repr=False)
    now: datetime
    referrer: str = ""


def start_count(session: Session, article_id: int, before: int) -> None:
    """Give a new article its count: the views that it had elsewhere."""
    session.execute(
        insert_for(session, ViewCount)
        .values(article_id=article_id, before=before, counted=0)
        .on_conflict_do_nothing(index_elements=["article_id"])
    )


def count_views(
    session: Session, seen: Sequence[Seen], visitors_per_hour: int | None, hosts_a_day: int = HOSTS_A_DAY
) -> dict[int, int]:
    """Count what was not counted today, and note what was not and why; the views that each article then has.

    `seen`: one or more, of about one moment; what waited over midnight counts on the later day, whose key stands for
    all of them. `visitors_per_hour`: how many new visitors one network may bring in an hour; None for any number. A
    write transaction must be open. Rows are written in the order of their keys, table by table, so that two who write
    at once wait for each other and never in a circle.
    """
    known = set(session.scalars(STILL_THERE, {"ids": sorted({each.article_id for each in seen})}))
    key = key_of_day(session, max(each.now.date() for each in seen))
    _count_day(session, [each for each in seen if each.article_id in known], key, visitors_per_hour, hosts_a_day)
    return views_of(session, known)


def _count_day(
    session: Session, seen: Sequence[Seen], key: DayKey, visitors_per_hour: int | None, hosts_a_day: int
) -> None:
    visitors = {each: visitor_digest(key.key, each.network, each.user_agent)[:16] for each in seen}
    refused = set()
    if visitors_per_hour is not None:
        refused = _visitors_beyond_limit(session, visitors, key, visitors_per_hour)
    # The first of several that are the same stands for them all.
    wanted: dict[tuple[bytes, int], Seen] = {}
    for each, visitor in visitors.items():
        if visitor not in refused:
            wanted.setdefault((visitor, each.article_id), each)
    counted = [wanted[mark] for mark in _mark(session, sorted(wanted))]
    if counted:
        _add(session, counted, key.day)
        _note_referrals(session, counted, key.day, hosts_a_day)
    limited = sum(visitor in refused for visitor in visitors.values())
    note_refusals(session, {(key.day, LIMIT): limited, (key.day, AGAIN): len(seen) - limited - len(counted)})


def _visitors_beyond_limit(
    session: Session, visitors: dict[Seen, bytes], key: DayKey, visitors_per_hour: int
) -> set[bytes]:
    """Those of `visitors` who are new today, from a network that has brought enough new ones this hour."""
    known = set(session.scalars(select(ViewMark.visitor).where(ViewMark.visitor.in_(set(visitors.values())))))
    newcomers: dict[tuple[bytes, int], dict[bytes, None]] = {}
    for each, visitor in visitors.items():
        if visitor not in known:
            network = network_digest(key.key, each.network)[:16]
            newcomers.setdefault((network, each.now.hour), {})[visitor] = None
    if not newcomers:
        return set()
    rows = [
        {"network": network, "hour": hour, "visitors": len(newcomers[network, hour])}
        for network, hour in sorted(newcomers)
    ]
    brought = session.execute(_bringing(session.get_bind().dialect.name), rows).all()
    refused: set[bytes] = set()
    for network, hour, number in brought:
        came = list(newcomers[network, hour])
        room = max(0, visitors_per_hour - (number - len(came)))
        refused.update(came[room:])
    return refused


def _mark(session: Session, wanted: list[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Mark visitors as counted for articles; those who were not marked before."""
    if not wanted:
        return []
    rows = [{"visitor": visitor, "article_id": article_id} for visitor, article_id in wanted]
    marked = session.execute(_marking(session.get_bind().dialect.name), rows)
    return [(row.visitor, row.article_id) for row in marked]


def _add(session: Session, counted: Sequence[Seen], day: date) -> None:
    views = sorted(Counter(each.article_id for each in counted).items())
    totals = [{"article_id": article_id, "before": 0, "counted": number} for article_id, number in views]
    session.execute(_adding(session.get_bind().dialect.name, ViewCount, "counted"), totals)
    add_up(session, DailyViews, [{"day": day, "article_id": article_id, "views": n} for article_id, n in views])


def _note_referrals(session: Session, counted: Sequence[Seen], day: date, hosts_a_day: int) -> None:
    hosts = {each.referrer for each in counted if each.referrer}
    if not hosts:
        return
    apart = set(
        session.scalars(
            select(DailyReferrals.host).where(DailyReferrals.day == day, DailyReferrals.host.in_(hosts)).distinct()
        )
    )
    number = session.scalar(select(func.count(DailyReferrals.host.distinct())).where(DailyReferrals.day == day)) or 0
    apart.update(sorted(hosts - apart)[: max(0, hosts_a_day - number)])
    views = Counter(
        (each.referrer if each.referrer in apart else "", each.article_id) for each in counted if each.referrer
    )
    add_up(
        session,
        DailyReferrals,
        [{"day": day, "host": host, "article_id": article, "views": n} for (host, article), n in sorted(views.items())],
    )


def note_refusals(session: Session, refusals: dict[tuple[date, str], int]) -> None:
    """Add to the totals of what was not counted: a number for each day and reason."""
    rows = [{"day": day, "reason": reason, "views": n} for (day, reason), n in sorted(refusals.items()) if n]
    add_up(session, DailyRefusals, rows)


def add_up(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    """Add the `views` of each row to those that the row of the same key has already."""
    if rows:
        session.execute(_adding(session.get_bind().dialect.name, table, "views"), rows)


# Statements are put together once for each dialect: that takes SQLAlchemy longer than the database takes to run them.


@cache
def _adding(dialect: str, table: Any, number: str) -> Any:
    """Add to the column `number` of the row with the same key, or make the row."""
    insert = insert_in(dialect, table.__table__)
    column = table.__table__.c[number]
    return insert.on_conflict_do_update(
        index_elements=list(table.__table__.primary_key), set_={number: column + insert.excluded[number]}
    )


@cache
def _marking(dialect: str) -> Any:
    insert = insert_in(dialect, ViewMark.__table__).on_conflict_do_nothing(index_elements=["visitor", "article_id"])
    return insert.returning(ViewMark.visitor, ViewMark.article_id)


@cache
def _bringing(dialect: str) -> Any:
    return _adding(dialect, NetworkHour, "visitors").returning(
        NetworkHour.network, NetworkHour.hour, NetworkHour.visitors
    )


def views_of(session: Session, article_ids: Iterable[int]) -> dict[int, int]:
    """The number of views of each of the articles, in one query; 0 for one that was never counted."""
    ids = list(article_ids)
    found = dict(session.execute(VIEWS, {"ids": ids}).all())
    return {article_id: found.get(article_id, 0) for article_id in ids}


def forget_visitors(session: Session, *, day: date, previous: date | None) -> None:
    """Delete what was made with the key of the day before; the totals stay."""
    session.execute(delete(ViewMark))
    session.execute(delete(NetworkHour))
