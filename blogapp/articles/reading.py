"""Finding what readers may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session, defer

from blogapp.articles.models import Article
from blogapp.web.errors import NotFound

ARTICLES_PER_PAGE = 20
# Put together once: it is asked for every view.
FIND_ID = select(Article.id, Article.lang, Article.draft, Article.published_at).where(Article.slug == bindparam("slug"))


@dataclass(frozen=True)
class ArticleList:
    """Some articles, newest first; `before` is the cursor of the next page, None at the end."""

    articles: list[Article]
    before: int | None


def find_article(session: Session, slug: str, now: datetime) -> Article:
    """The published article at `slug`. Raises NotFound for no such, a draft, or one whose date is to come."""
    _check_slug(slug)
    article = session.scalar(select(Article).where(Article.slug == slug))
    if article is None or article.draft or article.published_at > now:
        raise NotFound
    return article


def find_article_id(session: Session, slug: str, now: datetime) -> tuple[int, str]:
    """The number and the language of the published article at `slug`, without its text. Raises NotFound likewise."""
    _check_slug(slug)
    row = session.execute(FIND_ID, {"slug": slug}).first()
    if row is None or row.draft or row.published_at > now:
        raise NotFound
    return row.id, row.lang


def _check_slug(slug: str) -> None:
    """PostgreSQL takes no zero byte in a text, not even to say that it has none such."""
    if "\0" in slug:
        raise NotFound


def list_articles(session: Session, now: datetime, before: int | None = None) -> ArticleList:
    """A page of published articles; `before` is the id of the last one of the page that came before."""
    query = (
        select(Article)
        .options(defer(Article.body_source), defer(Article.body_html))
        .where(Article.draft.is_(False), Article.published_at <= now)
        .order_by(Article.published_at.desc(), Article.id.desc())
        .limit(ARTICLES_PER_PAGE + 1)
    )
    if before is not None:
        cursor = select(Article.published_at, Article.id).where(Article.id == before).scalar_subquery()
        query = query.where(tuple_(Article.published_at, Article.id) < cursor)
    found = list(session.scalars(query))
    articles = found[:ARTICLES_PER_PAGE]
    return ArticleList(articles, articles[-1].id if len(found) > ARTICLES_PER_PAGE else None)
