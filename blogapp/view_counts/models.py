"""What is kept of views: totals for good, and for the length of a day what tells a reader's second view from the first.

The daily tables are clustered by day (`WITHOUT ROWID` on SQLite): the totals of a month lie side by side, and a row
costs its content only.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.db.base import Model, RowId

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class ViewCount(Model):
    """An article's views: those it had before it came here, and those counted since."""

    __tablename__ = "view_counts"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    before: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    counted: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class DailyViews(Model):
    """The views of one article on one UTC day."""

    __tablename__ = "daily_views"
    __table_args__ = CLUSTERED

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class YearlyViews(Model):
    """The views of one article in the days of one year that are too old to be kept singly."""

    __tablename__ = "yearly_views"
    __table_args__ = CLUSTERED

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class DailyRefusals(Model):
    """What asked to be counted on one UTC day and was not, by reason; of the whole blog."""

    __tablename__ = "daily_refusals"
    __table_args__ = CLUSTERED

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class YearlyRefusals(Model):
    """The same in the days of one year that are too old to be kept singly."""

    __tablename__ = "yearly_refusals"
    __table_args__ = CLUSTERED

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class DailyReferrals(Model):
    """How many of an article's views on one UTC day came from a link at `host`; "" stands for all hosts beyond the
    number that is kept apart."""

    __tablename__ = "daily_referrals"
    __table_args__ = CLUSTERED

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class ViewMark(Model):
    """A visitor of today has been counted for this article. No row outlives its day's key."""

    __tablename__ = "view_marks"
    __table_args__ = CLUSTERED

    visitor: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    article_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)


class NetworkHour(Model):
    """How many new visitors one network, itself only a digest by today's key, has brought in one hour of the day."""

    __tablename__ = "network_hours"
    __table_args__ = CLUSTERED

    network: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    visitors: Mapped[int] = mapped_column(Integer)
