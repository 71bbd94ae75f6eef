"""Find published articles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session, defer

from blogapp.articles.models import Article, ArticleRedirect
from blogapp.web.errors import DomainError, NotFound

ARTICLES_PER_PAGE = 20
# Built once: building a statement takes longer than running it.
FIND = select(Article).where(Article.slug == bindparam("slug"))
FIND_ID = select(Article.id, Article.lang, Article.draft, Article.published_at).where(Article.slug == bindparam("slug"))


class ArticleMoved(DomainError):
    """The requested slug is a former slug of an article; `slug` is the current one."""

    status = 301

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug


@dataclass(frozen=True)
class ArticleList:
    """A page of articles, newest first; `before` is the cursor of the next page, None on the last page."""

    articles: list[Article]
    before: int | None


def is_empty(session: Session) -> bool:
    """Whether the blog has no articles, not even drafts."""
    return session.scalar(select(Article.id).limit(1)) is None


def find_article(session: Session, slug: str, now: datetime) -> Article:
    """The published article with this slug. Raises ArticleMoved for a former slug, and NotFound for an unknown slug, a
    draft, or an article with a future date."""
    _check_slug(slug)
    article = session.scalar(FIND, {"slug": slug})
    if article is None:
        raise _moved_or_not_found(session, slug, now)
    if article.draft or article.published_at > now:
        raise NotFound
    return article


def find_article_id(session: Session, slug: str, now: datetime) -> tuple[int, str]:
    """The id and the language of a published article, without its text. Raises the same errors as `find_article`."""
    _check_slug(slug)
    row = session.execute(FIND_ID, {"slug": slug}).first()
    if row is None:
        raise _moved_or_not_found(session, slug, now)
    if row.draft or row.published_at > now:
        raise NotFound
    return row.id, row.lang


def _moved_or_not_found(session: Session, slug: str, now: datetime) -> DomainError:
    present = session.scalar(
        select(Article.slug)
        .join(ArticleRedirect, ArticleRedirect.article_id == Article.id)
        .where(ArticleRedirect.slug == slug, Article.draft.is_(False), Article.published_at <= now)
    )
    return ArticleMoved(present) if present else NotFound()


def _check_slug(slug: str) -> None:
    """Raise NotFound for a NUL character: PostgreSQL rejects it in any text, even in a comparison."""
    if "\0" in slug:
        raise NotFound


def list_articles(session: Session, now: datetime, before: int | None = None) -> ArticleList:
    """A page of published articles; `before` is the id of the last article on the previous page."""
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
