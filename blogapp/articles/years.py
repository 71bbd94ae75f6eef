"""The archive: all articles by the year of their publication (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Integer, and_, cast, extract, func, select
from sqlalchemy.orm import Session, load_only

from blogapp.articles.models import Article, listed
from blogapp.articles.reading import ArticleList, page_of

ARTICLES_PER_PAGE = 500
COLUMNS = (Article.id, Article.slug, Article.lang, Article.title, Article.published_at)


def count_by_year(session: Session, now: datetime) -> dict[int, int]:
    """The number of articles that lists show of each year, newest year first."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    # PostgreSQL would else take the year in the time zone of its server.
    moment = Article.published_at if is_sqlite else func.timezone("UTC", Article.published_at)
    year = cast(extract("year", moment), Integer)
    query = select(year, func.count()).where(listed(now)).group_by(year).order_by(year.desc())
    return dict(session.execute(query).all())


def list_year(session: Session, year: int, now: datetime, before: int | None = None) -> ArticleList:
    """A page of the articles of a year; `before` is the id of the last article on the previous page."""
    begin, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    condition = and_(listed(now), Article.published_at >= begin, Article.published_at < end)
    query = select(Article).options(load_only(*COLUMNS))
    return page_of(session, query, condition, (Article.published_at, Article.id), before, ARTICLES_PER_PAGE)
