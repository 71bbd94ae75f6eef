"""Writing an article into the blog: new, changed or the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.text import markup

SUMMARY_LENGTH = 220


@dataclass(frozen=True)
class Manuscript:
    """An article as its author wrote it. `published_at` None: keep the date it has, or the moment of publishing."""

    slug: str
    lang: str
    title: str
    summary: str
    tags: list[str]
    draft: bool
    published_at: datetime | None
    body_source: str


@dataclass(frozen=True)
class Published:
    """What `publish` did: the article, whether it is new, and the names of the fields that changed."""

    article: Article
    is_new: bool
    changes: list[str]


def publish(session: Session, manuscript: Manuscript, now: datetime) -> Published:
    """Add the article, or change of the one at its slug what differs; a write transaction must be open."""
    article = session.scalar(select(Article).where(Article.slug == manuscript.slug))
    is_new = article is None
    if article is None:
        article = Article(slug=manuscript.slug, published_at=now, body_source="")
        session.add(article)
    changes = []
    for field in fields(Manuscript):
        value = getattr(manuscript, field.name)
        if not (field.name == "published_at" and value is None) and getattr(article, field.name) != value:
            setattr(article, field.name, value)
            changes.append(field.name)
    if is_new or {"body_source", "lang"} & set(changes) or article.renderer_version != markup.RENDERER_VERSION:
        article.body_html = markup.render_article(article.body_source, article.lang)
        article.renderer_version = markup.RENDERER_VERSION
    article.excerpt = article.summary or shorten(markup.plain_text(article.body_html))
    session.flush()
    return Published(article, is_new, changes)


def shorten(text: str) -> str:
    """At most SUMMARY_LENGTH characters of `text`, cut between words and marked with an ellipsis."""
    if len(text) <= SUMMARY_LENGTH:
        return text
    return text[:SUMMARY_LENGTH].rsplit(" ", 1)[0].rstrip(" ,;:.!?«([") + "…"


def slug_from(title: str) -> str:
    """`Été à Paris !` -> `ete-a-paris`; empty where the title holds no Latin letter or digit."""
    latin = (
        unicodedata.normalize("NFKD", title.replace("œ", "oe").replace("Œ", "OE")).encode("ascii", "ignore").decode()
    )
    return re.sub(r"[^a-z0-9]+", "-", latin.lower()).strip("-")[:200].rstrip("-")
