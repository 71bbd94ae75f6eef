from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, Moment, RowId


class Article(Model):
    """What the owner wrote: Markdown as it came, and the HTML made of it when it was written."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    lang: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(300))
    summary: Mapped[str] = mapped_column(Text, default="")
    # What lists show: the summary, else the beginning of the text.
    excerpt: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[Any]] = mapped_column(JSON, default=list)
    draft: Mapped[bool] = mapped_column(Boolean, default=False)
    published_at: Mapped[datetime] = mapped_column(Moment)
    body_source: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    renderer_version: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (Index(None, "published_at", "id"),)
