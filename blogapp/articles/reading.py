"""Find published articles."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session, defer

from blogapp.articles.addresses import slug_in
from blogapp.articles.models import (
    DELETED,
    NONE,
    PAGE,
    PUBLIC,
    PUBLISHED,
    UNPUBLISHED,
    Article,
    ArticleRedirect,
    listed,
    public_since,
    visible,
)
from blogapp.db.content_versions import EVERYTHING, remember_versions, version_column
from blogapp.values import frozen
from blogapp.web.errors import DomainError, NotFound
from blogapp.web.page_cache import SITE, depends_on

ARTICLES_PER_PAGE = 20
# Redirects from one unpublished article to the next that are allowed. Browsers follow at most 20.
MOST_REDIRECTS = 10
# Lists need no texts.
WITHOUT_TEXT = (defer(Article.body_source), defer(Article.body_html))
# Built once: building a statement takes longer than running it.
VERSIONS = (version_column(Article.id), version_column(literal_column(str(EVERYTHING))))
FIND_INFO = select(
    Article.id,
    Article.slug,
    Article.kind,
    Article.lang,
    Article.comments,
    Article.status,
    Article.published_at,
    Article.first_published_at,
    Article.redirect_to,
    *VERSIONS,
).where(Article.slug == bindparam("slug"))


class ArticleMoved(DomainError):
    """The requested slug is a former slug of an article; `slug` is the current one."""

    status = 301

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug


class ArticleGone(DomainError):
    """The owner has unpublished the requested article; `redirect_to` is the address to show in its place, if any."""

    status = 410

    def __init__(self, article_id: int, redirect_to: str | None) -> None:
        super().__init__()
        self.article_id, self.redirect_to = article_id, redirect_to


@frozen
class ArticleList:
    """A page of articles, newest first; `before` is the cursor of the next page, None on the last page. `skipped` is
    the number of newer articles, on the pages before this one, and `newer` the cursor of the previous page, None if
    that is the first page."""

    articles: list[Article]
    before: int | None
    skipped: int = 0
    newer: int | None = None


@frozen
class ArticleInfo:
    """A published article without its text, title and metadata: what its comments and its views depend on. Reading it
    takes a quarter of the time of an `Article`, whose attributes of the same names have the same values."""

    id: int
    slug: str
    kind: str
    lang: str
    comments: str
    public_since: datetime


@dataclass(slots=True, eq=False)
class PublishedArticle:
    """A published article as its page shows it, to be read, not changed: without its source, and what only the editor
    needs. Reading it takes half the time of an `Article`, whose attributes of the same names have the same values."""

    id: int
    slug: str
    kind: str
    lang: str
    comments: str
    status: str
    published_at: datetime
    first_published_at: datetime | None
    redirect_to: str | None
    title: str
    excerpt: str
    tags: list[Any]
    updated_at: datetime | None
    body_html: str
    owner_id: int | None
    author_name: str
    cover: str
    cover_alt: str
    translation_group: str

    @property
    def is_page(self) -> bool:
        return self.kind == PAGE

    @property
    def public_since(self) -> datetime:
        return public_since(self.published_at, self.first_published_at)


AnyArticle = Article | ArticleInfo | PublishedArticle
# With what its page shows.
WholeArticle = Article | PublishedArticle
FIND = select(*(getattr(Article, column.name) for column in fields(PublishedArticle)), *VERSIONS).where(
    Article.slug == bindparam("slug")
)


def is_empty(session: Session) -> bool:
    """Whether the blog has no articles, not even drafts."""
    return session.scalar(select(Article.id).limit(1)) is None


def find_article(session: Session, slug: str, now: datetime) -> PublishedArticle:
    """The published article with this slug. Raises ArticleMoved for a former slug, ArticleGone for an unpublished
    article, and NotFound for an unknown slug, a draft, or an article with a future date."""
    return PublishedArticle(*_find(session, FIND, slug, now)[: -len(VERSIONS)])


def find_article_info(session: Session, slug: str, now: datetime, with_comments: bool = False) -> ArticleInfo:
    """Like `find_article`, but reads only an ArticleInfo. Raises the same errors, and NotFound if it must be an article
    `with_comments` and has none."""
    row = _find(session, FIND_INFO, slug, now)
    if with_comments and row.comments == NONE:
        raise NotFound
    since = public_since(row.published_at, row.first_published_at)
    return ArticleInfo(row.id, row.slug, row.kind, row.lang, row.comments, since)


def _find(session: Session, statement: Select[Any], slug: str, now: datetime) -> Row[Any]:
    """The row of a published article. Its last columns are VERSIONS: remembering them saves a query."""
    if "\0" in slug:  # PostgreSQL rejects a NUL character in any text, even in a comparison
        raise NotFound
    row = session.connection().execute(statement, {"slug": slug}).first()
    if row is None:
        raise _moved_or_not_found(session, slug, now)
    remember_versions(session, {row.id: row[-2], EVERYTHING: row[-1]})
    if row.status == UNPUBLISHED:
        raise ArticleGone(row.id, row.redirect_to)
    if row.status not in PUBLIC or row.published_at > now:
        raise NotFound
    return row


def _moved_or_not_found(session: Session, slug: str, now: datetime) -> DomainError:
    present = session.scalar(
        select(Article.slug)
        .join(ArticleRedirect, ArticleRedirect.article_id == Article.id)
        .where(ArticleRedirect.slug == slug, or_(visible(now), Article.status == UNPUBLISHED))
    )
    return ArticleMoved(present) if present else NotFound()


def is_redirect_loop(session: Session, article_id: int, redirect_to: str) -> bool:
    """Whether a redirect from this article leads back to it, directly or by other unpublished articles, or by more than
    MOST_REDIRECTS of them."""
    followed, address = {article_id}, redirect_to
    while slug := slug_in(address):
        present = select(Article.id).where(Article.slug == slug)
        former = select(ArticleRedirect.article_id).where(ArticleRedirect.slug == slug)
        query = select(Article.id, Article.status, Article.redirect_to)
        row = session.execute(query.where(Article.id.in_(present.union_all(former)))).first()
        if row is None:
            return False
        if row.id in followed or len(followed) > MOST_REDIRECTS:
            return True
        if row.status != UNPUBLISHED or row.redirect_to is None:
            return False
        followed.add(row.id)
        address = row.redirect_to
    return False


def count_by_language(session: Session, now: datetime) -> dict[str, int]:
    """The number of articles that lists show in each language."""
    query = select(Article.lang, func.count()).where(listed(now)).group_by(Article.lang).order_by(Article.lang)
    return dict(session.execute(query).all())


def newest_slug(session: Session, now: datetime) -> str | None:
    """The slug of the newest published article, None if there is none."""
    newest = select(Article.slug).where(listed(now)).order_by(Article.published_at.desc(), Article.id.desc())
    return session.scalar(newest.limit(1))


def list_articles(session: Session, now: datetime, before: int | None = None, lang: str | None = None) -> ArticleList:
    """A page of published articles, of those in `lang` if it is given; `before` is the id of the last article on the
    previous page."""
    condition = listed(now) if lang is None else and_(listed(now), Article.lang == lang)
    query = select(Article).options(*WITHOUT_TEXT)
    return page_of(session, query, condition, (Article.published_at, Article.id), before)


def page_of(
    session: Session,
    query: Select[Article],
    condition: ColumnElement[bool],
    order: tuple[Any, Any],
    before: int | None,
    size: int = ARTICLES_PER_PAGE,
) -> ArticleList:
    """A page of `size` articles for which `condition` holds, newest first by `order`, the columns of their date and id.
    One query for the first page, three for each other page."""
    query = query.where(condition).order_by(*(column.desc() for column in order)).limit(size + 1)
    if before is None:
        return _page(list(session.scalars(query)), size)
    page = _page(list(session.scalars(query.where(tuple_(*order) < _place(before)))), size)
    if not page.articles:
        return page
    is_newer = and_(condition, tuple_(*order) > _place(page.articles[0].id))
    skipped = session.scalar(select(func.count()).where(is_newer)) or 0
    last = select(order[1]).where(is_newer).order_by(*order).offset(size).limit(1)
    return replace(page, skipped=skipped, newer=session.scalar(last))


def _page(found: list[Article], size: int) -> ArticleList:
    return ArticleList(found[:size], found[size - 1].id if len(found) > size else None)


def _place(article_id: int) -> ScalarSelect[Any]:
    return select(Article.published_at, Article.id).where(Article.id == article_id).scalar_subquery()


def find_draft(session: Session, secret: str) -> Article:
    """The article with this secret address, unless it is in the bin. Raises NotFound."""
    article = session.scalar(select(Article).where(Article.preview_secret == secret, Article.status != DELETED))
    if article is None:
        raise NotFound
    return article


def depends_on_lists(session: Session, now: datetime) -> None:
    """Cache the response until any content changes, or until the next scheduled article appears."""
    next_article = next_publication(session, now)
    depends_on(session, SITE, max_age=(next_article - now).total_seconds() if next_article else math.inf)


def next_publication(session: Session, now: datetime) -> datetime | None:
    """When the next scheduled article will appear in lists, if there is one."""
    return session.scalar(
        select(func.min(Article.published_at)).where(Article.status == PUBLISHED, Article.published_at > now)
    )
