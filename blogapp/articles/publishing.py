"""Storing an article: new, changed or the same; its dates, its address and the addresses that it had before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRedirect
from blogapp.text import markup

SUMMARY_LENGTH = 220
LONGEST_EXCERPT = 1000
FIELDS = ("lang", "title", "summary", "tags", "draft", "body_source")


@dataclass(frozen=True)
class Manuscript:
    """An article as its author wrote it. `published_at` None: keep the date it has, or the moment of publication.
    `updated_at` None: the moment of the last change. `old_slugs` redirect to it."""

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


@dataclass(frozen=True)
class Published:
    """What `publish` did: the article, whether it is new, and the names of the fields that changed."""

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
    """Add an article, or change what differs in `article` (default: the one at the manuscript's slug).

    `source` is the file that the manuscript comes from, if any. A write transaction must be open.
    """
    article = article or session.scalar(select(Article).where(Article.slug == manuscript.slug))
    is_new = article is None
    now = now.replace(microsecond=0)
    if article is None:
        article = Article(slug=manuscript.slug, published_at=now, created_at=now, body_source="")
        session.add(article)
    changes = _change(session, article, manuscript)
    if _set_dates(article, manuscript, now, is_new, changes):
        changes.append("published_at")
    article.source = source or article.source
    if is_new or {"body_source", "lang", "title"} & set(changes) or article.renderer_version != markup.RENDERER_VERSION:
        render(article)
    elif "summary" in changes:
        article.excerpt = _excerpt(article)
    session.flush()
    _add_redirects(session, article, manuscript.old_slugs)
    return Published(article, is_new, changes)


def render(article: Article) -> None:
    """Make the HTML and the excerpt of an article from its source."""
    article.body_html = markup.render_article(article.body_source, article.lang, article.title)
    article.renderer_version = markup.RENDERER_VERSION
    article.excerpt = _excerpt(article)


def _change(session: Session, article: Article, manuscript: Manuscript) -> list[str]:
    changes = []
    if article.slug != manuscript.slug:
        _move(session, article, manuscript.slug)
        changes.append("slug")
    for field in FIELDS:
        value = getattr(manuscript, field)
        if getattr(article, field) != value:
            setattr(article, field, value)
            changes.append(field)
    return changes


def _move(session: Session, article: Article, slug: str) -> None:
    """Give an article another address; the old one redirects, and `slug` no longer does."""
    session.execute(delete(ArticleRedirect).where(ArticleRedirect.slug == slug))
    session.add(ArticleRedirect(slug=article.slug, article_id=article.id))
    article.slug = slug


def _set_dates(article: Article, manuscript: Manuscript, now: datetime, is_new: bool, changes: list[str]) -> bool:
    """Set the dates; whether the date of publication changed. It is the stated one, else the moment when the article
    was first published: until then a draft without a date has none that means anything."""
    was_published = article.first_published_at is not None
    before = article.published_at
    if manuscript.published_at is not None:
        # What was stored before with fractions of a second is the same date.
        if before.replace(microsecond=0) != manuscript.published_at:
            article.published_at = manuscript.published_at
    elif not manuscript.draft and not was_published:
        article.published_at = now
    if not manuscript.draft and not was_published:
        article.first_published_at = article.published_at if is_new else max(article.published_at, now)
    if manuscript.updated_at is not None:
        article.updated_at = manuscript.updated_at
    elif was_published and {"title", "summary", "body_source"} & set(changes):
        article.updated_at = now
    return is_new or article.published_at != before


def _add_redirects(session: Session, article: Article, slugs: tuple[str, ...]) -> None:
    """Let old addresses lead to the article, except those that another article has or had."""
    for slug in slugs:
        is_taken = session.scalar(select(Article.id).where(Article.slug == slug)) is not None
        if not is_taken and session.get(ArticleRedirect, slug) is None:
            session.add(ArticleRedirect(slug=slug, article_id=article.id))
    session.flush()


def _excerpt(article: Article) -> str:
    """What lists show: the summary, else the text up to `<!--more-->`, else the beginning of the text."""
    if article.summary:
        return article.summary
    beginning = markup.words_before_more(article.body_source, article.lang, article.title)
    return shorten(beginning, LONGEST_EXCERPT) or shorten(markup.plain_text(article.body_html))


def shorten(text: str, length: int = SUMMARY_LENGTH) -> str:
    """At most `length` characters of `text`, cut between words and marked with an ellipsis."""
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(" ,;:.!?«([") + "…"
