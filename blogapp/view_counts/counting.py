"""Count views: one per article, visitor and UTC day. The database increments the totals, so no view is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, visible
from blogapp.articles.reading import find_article_info
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

# Referring hosts stored by name on one day. A blog has dozens, but a client can make up any number of them.
HOSTS_A_DAY = 500

# Statements are built once: they run for every view.
PUBLISHED = (
    select(Article.id, Article.slug, Article.lang)
    .where(
        Article.slug.in_(bindparam("slugs", expanding=True)),
        visible(bindparam("now")),
    )
    .order_by(Article.id)
    # On PostgreSQL an article cannot be deleted while its views are being counted.
    .with_for_update(read=True, key_share=True)
)
VIEWS = select(ViewCount.article_id, ViewCount.before + ViewCount.counted).where(
    ViewCount.article_id.in_(bindparam("ids", expanding=True))
)

MARKED = select(ViewMark.visitor).where(ViewMark.visitor.in_(bindparam("visitors", expanding=True)))


@dataclass(frozen=True, eq=False)
class Seen:
    """A page view to be counted: the article's slug, the visitor's network and user agent, the time, and the host of
    the link that led to the article ("" if there was none)."""

    slug: str
    network: str = field(repr=False)
    user_agent: str = field(repr=False)
    now: datetime
    referrer: str = ""


class ViewTotal(NamedTuple):
    """An article's number of views, and the language to write it in."""

    lang: str
    views: int


def start_count(session: Session, article_id: int, before: int) -> None:
    """Create the count of a new article, with the views that it had on another site."""
    session.execute(
        insert_for(session, ViewCount)
        .values(article_id=article_id, before=before, counted=0)
        .on_conflict_do_nothing(index_elements=["article_id"])
    )


def count_views(
    session: Session, seen: Sequence[Seen], visitors_per_hour: int | None, hosts_a_day: int = HOSTS_A_DAY
) -> dict[str, ViewTotal]:
    """Count each visitor's first view of an article today, record why other views were not counted, and return each
    article's total by its slug. Slugs without a published article are omitted.

    `seen` are one or more views of about the same time: if they waited over midnight, all count for the later day.
    `visitors_per_hour` is the number of new visitors that one network may bring in an hour (None: no limit). A write
    transaction must be open. Rows are written in the order of their keys, table by table, so that two transactions at
    the same time cannot deadlock.
    """
    slugs, now = sorted({each.slug for each in seen}), max(each.now for each in seen)
    # Rows instead of entities from here on: the connection takes a third less time than the session.
    connection = session.connection()
    articles = {row.slug: row for row in connection.execute(PUBLISHED, {"slugs": slugs, "now": now})}
    key = key_of_day(session, now.date())
    known = [(articles[each.slug].id, each) for each in seen if each.slug in articles]
    totals = _count_day(connection, known, key, visitors_per_hour, hosts_a_day)
    # Read last: other processes may have counted meanwhile.
    if others := [row.id for row in articles.values() if row.id not in totals]:
        totals |= views_of(session, others)
    return {slug: ViewTotal(row.lang, totals[row.id]) for slug, row in articles.items()}


def _count_day(
    connection: Connection,
    seen: Sequence[tuple[int, Seen]],
    key: DayKey,
    visitors_per_hour: int | None,
    hosts_a_day: int,
) -> dict[int, int]:
    """Count views, each with its article's id, for one day; returns the new totals of the articles that gained any."""
    visitors = {each: visitor_digest(key.key, each.network, each.user_agent)[:16] for _, each in seen}
    refused = set()
    if visitors_per_hour is not None:
        refused = _visitors_beyond_limit(connection, visitors, key, visitors_per_hour)
    # Of a visitor's views of an article, the first is counted.
    wanted: dict[tuple[bytes, int], Seen] = {}
    for article_id, each in seen:
        if visitors[each] not in refused:
            wanted.setdefault((visitors[each], article_id), each)
    counted = [(article_id, wanted[visitor, article_id]) for visitor, article_id in _mark(connection, sorted(wanted))]
    totals = {}
    if counted:
        totals = _add(connection, counted, key.day)
        _add_referrals(connection, counted, key.day, hosts_a_day)
    limited = sum(visitor in refused for visitor in visitors.values())
    add_refusals(connection, {(key.day, LIMIT): limited, (key.day, AGAIN): len(seen) - limited - len(counted)})
    return totals


def _visitors_beyond_limit(
    connection: Connection, visitors: dict[Seen, bytes], key: DayKey, visitors_per_hour: int
) -> set[bytes]:
    """Return those of `visitors` who are new today and whose network has reached its limit of new visitors this
    hour."""
    known = set(connection.scalars(MARKED, {"visitors": sorted(set(visitors.values()))}))
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
    refused: set[bytes] = set()
    for network, hour, number in connection.execute(_add_newcomers(connection.dialect.name), rows):
        new = list(newcomers[network, hour])
        room = max(0, visitors_per_hour - (number - len(new)))
        refused.update(new[room:])
    return refused


def _mark(connection: Connection, wanted: list[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Mark visitors as counted for articles; returns those who were not marked before."""
    if not wanted:
        return []
    rows = [{"visitor": visitor, "article_id": article_id} for visitor, article_id in wanted]
    marked = connection.execute(_insert_marks(connection.dialect.name), rows)
    return [(row.visitor, row.article_id) for row in marked]


def _add(connection: Connection, counted: Sequence[tuple[int, Seen]], day: date) -> dict[int, int]:
    """Add to the totals of articles and of the day; returns each article's total."""
    views = sorted(Counter(article_id for article_id, _ in counted).items())
    rows = [{"article_id": article_id, "before": 0, "counted": number} for article_id, number in views]
    totals = connection.execute(_add_to_totals(connection.dialect.name), rows)
    add_up(connection, DailyViews, [{"day": day, "article_id": article_id, "views": n} for article_id, n in views])
    return {row.article_id: row.views for row in totals}


def _add_referrals(connection: Connection, counted: Sequence[tuple[int, Seen]], day: date, hosts_a_day: int) -> None:
    hosts = {each.referrer for _, each in counted if each.referrer}
    if not hosts:
        return
    named = set(
        connection.scalars(
            select(DailyReferrals.host).where(DailyReferrals.day == day, DailyReferrals.host.in_(hosts)).distinct()
        )
    )
    number = connection.scalar(select(func.count(DailyReferrals.host.distinct())).where(DailyReferrals.day == day)) or 0
    named.update(sorted(hosts - named)[: max(0, hosts_a_day - number)])
    views = Counter(
        (each.referrer if each.referrer in named else "", article_id) for article_id, each in counted if each.referrer
    )
    add_up(
        connection,
        DailyReferrals,
        [{"day": day, "host": host, "article_id": article, "views": n} for (host, article), n in sorted(views.items())],
    )


def add_refusals(connection: Connection, refusals: dict[tuple[date, str], int]) -> None:
    """Add to the totals of uncounted requests: a number for each day and reason."""
    rows = [{"day": day, "reason": reason, "views": n} for (day, reason), n in sorted(refusals.items()) if n]
    add_up(connection, DailyRefusals, rows)


def add_up(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Add the `views` of each row to the row of the same key, or insert it."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, "views"), rows)


# SQLAlchemy takes longer to build these statements than the database takes to run them, so they are cached by dialect.


@cache
def _upsert(dialect: str, table: Any, number: str) -> Any:
    """Insert rows, or add to the column `number` of those whose key exists."""
    insert = insert_in(dialect, table.__table__)
    column = table.__table__.c[number]
    return insert.on_conflict_do_update(
        index_elements=list(table.__table__.primary_key), set_={number: column + insert.excluded[number]}
    )


@cache
def _insert_marks(dialect: str) -> Any:
    insert = insert_in(dialect, ViewMark.__table__).on_conflict_do_nothing(index_elements=["visitor", "article_id"])
    return insert.returning(ViewMark.visitor, ViewMark.article_id)


@cache
def _add_newcomers(dialect: str) -> Any:
    return _upsert(dialect, NetworkHour, "visitors").returning(
        NetworkHour.network, NetworkHour.hour, NetworkHour.visitors
    )


@cache
def _add_to_totals(dialect: str) -> Any:
    return _upsert(dialect, ViewCount, "counted").returning(
        ViewCount.article_id, (ViewCount.before + ViewCount.counted).label("views")
    )


def views_of(session: Session, article_ids: Iterable[int]) -> dict[int, int]:
    """Return the number of views of each article, in one query; 0 for an article without a count."""
    ids = list(article_ids)
    found = dict(session.connection().execute(VIEWS, {"ids": ids}).all())
    return {article_id: found.get(article_id, 0) for article_id in ids}


def view_total(session: Session, slug: str, now: datetime) -> ViewTotal:
    """Return the total of the published article at `slug`. Raises the same errors as `find_article`."""
    article = find_article_info(session, slug, now)
    return ViewTotal(article.lang, views_of(session, [article.id])[article.id])


def forget_visitors(session: Session, *, day: date, previous: date | None) -> None:
    """Delete the data made with the previous day's key. The totals are kept."""
    session.execute(delete(ViewMark))
    session.execute(delete(NetworkHour))
