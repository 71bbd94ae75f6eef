"""Add and change articles: their text, dates, slugs and redirects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from threading import Thread

from flask import Flask, current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.articles.models import ARTICLE, DRAFT, OPEN, PUBLIC, PUBLISHED, UNLISTED, Article, ArticleRedirect
from blogapp.articles.pictures import record_pictures
from blogapp.articles.translations import join_translations, original_of, rename_original
from blogapp.db import search_index
from blogapp.db.locks import advisory_lock
from blogapp.db.transactions import write_transaction
from blogapp.site.settings import read_site
from blogapp.text import markup
from blogapp.values import frozen

SUMMARY_LENGTH = 220
LONGEST_EXCERPT = 1000
# The key of PostgreSQL's advisory lock for adding and changing articles.
ARTICLES_LOCK = 0x61727473
# Articles re-rendered in one transaction, which blocks other writers for about 0.1 s.
RENDER_BATCH = 10
RENDER_SECONDS = 5
FIELDS = (
    "lang", "title", "summary", "tags", "body_source", "kind", "in_menu", "comments", "cover", "cover_alt",
    "author_name",
)  # fmt: skip


@frozen
class Manuscript:
    """An article to publish. `published_at` None means the stored date, or else the time of publication; `updated_at`
    None means the time of the last change; `unlisted` None means as it is. `old_slugs` redirect to the article.
    `translation_of` is the slug of the original (translations.py). `owner_id` None means the stored account."""

    slug: str
    lang: str
    title: str
    summary: str
    tags: list[str]
    draft: bool
    published_at: datetime | None
    body_source: str
    updated_at: datetime | None = None
    old_slugs: tuple[str, ...] = ()
    unlisted: bool | None = None
    kind: str = ARTICLE
    in_menu: bool = False
    comments: str = OPEN
    cover: str = ""
    cover_alt: str = ""
    translation_of: str = ""
    author_name: str = ""
    owner_id: int | None = None


@frozen
class Published:
    """The result of `publish`: the article, whether it is new, and the names of the fields that changed."""

    article: Article
    is_new: bool
    changes: list[str]


def publish(
    session: Session,
    manuscript: Manuscript,
    now: datetime,
    article: Article | None = None,
    source: str | None = None,
) -> Published:
    """Add an article, or update the fields of `article` that differ (default: the article with the manuscript's slug).

    `source` is the file that the manuscript comes from, if any. A write transaction must be open.
    """
    lock_articles(session)
    is_typeset = read_site(session).typography
    article = article or session.scalar(select(Article).where(Article.slug == manuscript.slug))
    is_new = article is None
    now = now.replace(microsecond=0)
    if article is None:
        article = Article(slug=manuscript.slug, published_at=now, created_at=now, body_source="", edit_version=0)
        session.add(article)
    changes = _change(session, article, manuscript)
    if _set_dates(article, manuscript, now, is_new, changes):
        changes.append("published_at")
    if changes:
        article.edited_at, article.edited_in = now, None
        article.edit_version += 1
    article.source = source or article.source
    if (
        is_new
        or {"body_source", "lang", "title"} & set(changes)
        or article.renderer_version != markup.article_version(is_typeset)
    ):
        render(article, is_typeset)
    elif "summary" in changes:
        article.excerpt = _excerpt(article, is_typeset)
    session.flush()
    if article.is_public and changes:
        index_for_search(session, article)
    if is_new or {"body_source", "cover"} & set(changes):
        record_pictures(session, article)
    join_translations(session, article, manuscript.translation_of)
    _add_redirects(session, article, manuscript.old_slugs)
    return Published(article, is_new, changes)


def lock_articles(session: Session) -> None:
    """Block other transactions from adding, changing or rendering articles until this one ends, so that the slugs and
    sources it has read stay current. Readers are not blocked."""
    advisory_lock(session, ARTICLES_LOCK)


def render_outdated() -> Iterator[int]:
    """Re-render all articles that another version of the renderer has rendered, newest first; yields the size of each
    batch. Each batch is a separate transaction, so that other writers get the lock in between."""
    last: int | None = None
    while True:
        with write_transaction() as session:
            lock_articles(session)
            is_typeset = read_site(session).typography
            query = select(Article).where(Article.renderer_version != markup.article_version(is_typeset))
            if last is not None:
                query = query.where(Article.id < last)
            articles = session.scalars(query.order_by(Article.id.desc()).limit(RENDER_BATCH)).all()
            for article in articles:
                render(article, is_typeset)
        if not articles:
            return
        last = articles[-1].id
        session.expunge_all()  # do not keep all texts of a large blog in memory
        yield len(articles)


def render_in_background() -> None:
    """Re-render articles after a change of the typography. Returns when that is done, or after some seconds; a large
    blog is then rendered by a thread. If the process ends before, the next `flask db upgrade` renders the rest."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run() -> None:
        with app.app_context():
            for _ in render_outdated():
                pass

    thread = Thread(target=run, name="render", daemon=True)
    thread.start()
    thread.join(RENDER_SECONDS)


def render(article: Article, is_typeset: bool) -> None:
    """Set the HTML and the excerpt of an article from its source."""
    article.body_html = markup.render_article(article.body_source, article.lang, article.title, is_typeset)
    article.renderer_version = markup.article_version(is_typeset)
    article.excerpt = _excerpt(article, is_typeset)


def index_for_search(session: Session, article: Article) -> None:
    """Write an article that readers may find, now or later, to the search index. A write transaction must be open."""
    search_index.put_article(session, search_entry(article))


def search_entry(article: Article) -> search_index.Entry:
    others = (markup.plain_text(article.body_html), article.summary, *map(str, article.tags))
    return search_index.entry_of_article(article.id, article.lang, article.title, others)


def _change(session: Session, article: Article, manuscript: Manuscript) -> list[str]:
    changes = []
    if article.slug != manuscript.slug:
        change_slug(session, article, manuscript.slug)
        changes.append("slug")
    for field in FIELDS:
        value = getattr(manuscript, field)
        if getattr(article, field) != value:
            setattr(article, field, value)
            changes.append(field)
    if manuscript.owner_id not in (None, article.owner_id):
        article.owner_id = manuscript.owner_id
        changes.append("owner_id")
    if original_of(article) != manuscript.translation_of:
        changes.append("translation_of")
    status = _status(article.status, manuscript)
    if status != article.status:
        changes.append("unlisted" if status in PUBLIC and article.is_public else "draft")
        article.status = status
    return changes


def _status(status: str | None, manuscript: Manuscript) -> str:
    """The new status of an article that has `status` (None: a new one)."""
    if manuscript.draft:
        return status if status is not None and status not in PUBLIC else DRAFT
    is_unlisted = status == UNLISTED if manuscript.unlisted is None else manuscript.unlisted
    return UNLISTED if is_unlisted else PUBLISHED


def change_slug(session: Session, article: Article, slug: str) -> None:
    """Change an article's slug. The old slug redirects to the article; a redirect from `slug` is deleted."""
    session.execute(delete(ArticleRedirect).where(ArticleRedirect.slug == slug))
    session.add(ArticleRedirect(slug=article.slug, article_id=article.id))
    replace_slug(session, article, slug)


def replace_slug(session: Session, article: Article, slug: str) -> None:
    """Change the slug of an article whose old address is known to nobody."""
    if article.slug != slug:
        rename_original(session, article.slug, slug)
        article.slug = slug


def _set_dates(article: Article, manuscript: Manuscript, now: datetime, is_new: bool, changes: list[str]) -> bool:
    """Set the dates; returns whether `published_at` changed. It is the manuscript's date, else the time of the first
    publication; for a draft without a date it has no meaning yet."""
    was_scheduled = article.first_published_at is not None
    was_published = article.was_public(now)
    before = article.published_at
    if manuscript.published_at is not None:
        # Ignore fractions of a second, which older versions stored.
        if before.replace(microsecond=0) != manuscript.published_at:
            article.published_at = manuscript.published_at
    elif not manuscript.draft and not was_scheduled:
        article.published_at = now
    if not manuscript.draft and not was_published:
        article.first_published_at = article.published_at if is_new else max(article.published_at, now)
    if manuscript.updated_at is not None:
        article.updated_at = manuscript.updated_at
    elif was_published and {"title", "summary", "body_source"} & set(changes):
        article.updated_at = now
    return is_new or article.published_at != before


def _add_redirects(session: Session, article: Article, slugs: tuple[str, ...]) -> None:
    """Redirect old slugs to the article, except those that another article has or had."""
    for slug in slugs:
        is_taken = session.scalar(select(Article.id).where(Article.slug == slug)) is not None
        if not is_taken and session.get(ArticleRedirect, slug) is None:
            session.add(ArticleRedirect(slug=slug, article_id=article.id))
    session.flush()


def _excerpt(article: Article, is_typeset: bool) -> str:
    """The text shown in lists: the summary, else the text before `<!--more-->`, else the beginning of the text."""
    if article.summary:
        return article.summary
    beginning = markup.words_before_more(article.body_source, article.lang, article.title, is_typeset)
    # A text without a sentence, such as a program, is its own excerpt.
    return shorten(beginning, LONGEST_EXCERPT) or shorten(
        markup.prose(article.body_html) or markup.plain_text(article.body_html)
    )


def shorten(text: str, length: int = SUMMARY_LENGTH) -> str:
    """Return `text`, truncated between two words to at most `length` characters, with an ellipsis."""
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(" ,;:.!?«([") + "…"
