"""The archive: all articles by the year of their publication, in the time zone of the site."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import Session, load_only

from blogapp.articles.models import Article, listed
from blogapp.articles.reading import ArticleList, page_of

ARTICLES_PER_PAGE = 500
COLUMNS = (Article.id, Article.slug, Article.kind, Article.lang, Article.title, Article.published_at)


def count_by_year(session: Session, now: datetime, zone: ZoneInfo) -> dict[int, int]:
    """The number of articles that lists show of each year, newest year first."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    # PostgreSQL would else take the year in the time zone of its server.
    moment = Article.published_at if is_sqlite else func.timezone("UTC", Article.published_at)
    year, month, day = (cast(extract(part, moment), Integer) for part in ("year", "month", "day"))
    # A database cannot compute with time zones alike, and on these two days only the local year may be another one.
    is_at_edge = or_(and_(month == 12, day == 31), and_(month == 1, day == 1))
    edge = case((is_at_edge, Article.published_at))
    query = select(year.label("utc_year"), edge.label("edge"), func.count()).where(listed(now))
    counts: Counter[int] = Counter()
    for utc_year, moment_at_edge, count in session.execute(query.group_by("utc_year", "edge")):
        counts[moment_at_edge.astimezone(zone).year if moment_at_edge else utc_year] += count
    return dict(sorted(counts.items(), reverse=True))


def list_year(session: Session, year: int, now: datetime, zone: ZoneInfo, before: int | None = None) -> ArticleList:
    """A page of the articles of a year; `before` is the id of the last article on the previous page."""
    begin, end = (datetime(each, 1, 1, tzinfo=zone).astimezone(UTC) for each in (year, year + 1))
    condition = and_(listed(now), Article.published_at >= begin, Article.published_at < end)
    query = select(Article).options(load_only(*COLUMNS))
    return page_of(session, query, condition, (Article.published_at, Article.id), before, ARTICLES_PER_PAGE)
