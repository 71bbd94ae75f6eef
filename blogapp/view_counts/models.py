from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.database import Model


class ViewCount(Model):
    """An article's views: those it had before it came here, and those counted since."""

    __tablename__ = "view_counts"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    before: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    counted: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class DailyViews(Model):
    """The views of one article on one UTC day."""

    __tablename__ = "daily_views"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)
