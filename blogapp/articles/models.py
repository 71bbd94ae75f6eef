"""Articles, and redirects from their old slugs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, Moment, RowId


class Article(Model):
    """An article: its Markdown source, and the HTML rendered from it when it was stored."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    lang: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(300))
    summary: Mapped[str] = mapped_column(Text, default="")
    # The text shown in lists: the summary, else the beginning of the text.
    excerpt: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[Any]] = mapped_column(JSON, default=list)
    draft: Mapped[bool] = mapped_column(Boolean, default=False)
    # The date shown to readers: the one in the file, else the time of the first publication.
    published_at: Mapped[datetime] = mapped_column(Moment)
    # When it was first stored; None for articles that are older than this column.
    created_at: Mapped[datetime | None] = mapped_column(Moment)
    # When it first became public, regardless of `published_at`; None if it was never published.
    first_published_at: Mapped[datetime | None] = mapped_column(Moment)
    # When its title, summary or text last changed after publication, if ever.
    updated_at: Mapped[datetime | None] = mapped_column(Moment)
    # The absolute path of the file that it was imported from, if known.
    source: Mapped[str | None] = mapped_column(Text)
    body_source: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    renderer_version: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (Index(None, "published_at", "id"),)

    @property
    def public_since(self) -> datetime:
        """When the article became public, which can be long after the date in its file."""
        return max(self.published_at, self.first_published_at or self.published_at)


class ArticleRedirect(Model):
    """A former slug of an article; it redirects to the current one."""

    __tablename__ = "article_redirects"

    slug: Mapped[str] = mapped_column(String(200), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), index=True)
