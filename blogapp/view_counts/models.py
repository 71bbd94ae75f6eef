"""Tables of views: totals, which are kept, and the visitors of the day, which are deleted when the day ends.

The daily tables are clustered by day (`WITHOUT ROWID` on SQLite), so that the totals of a month are stored side by
side and a row takes no more space than its content.
"""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.db.base import Model, RowId

CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class ViewCount(Model):
    """An article's views: those from `before` its import, and those `counted` since then."""

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
    """The views of one article in one year, from the days that are too old to be kept separately."""

    __tablename__ = "yearly_views"
    __table_args__ = CLUSTERED

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class DailyRefusals(Model):
    """Requests of the whole blog that were not counted on one UTC day, by reason."""

    __tablename__ = "daily_refusals"
    __table_args__ = CLUSTERED

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class YearlyRefusals(Model):
    """Requests that were not counted in one year, from the days that are too old to be kept separately."""

    __tablename__ = "yearly_refusals"
    __table_args__ = CLUSTERED

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(String(16), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class DailyReferrals(Model):
    """How many of an article's views on one UTC day came from a link on `host`; "" stands for all hosts beyond the
    number that is stored by name."""

    __tablename__ = "daily_referrals"
    __table_args__ = CLUSTERED

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    views: Mapped[int] = mapped_column(BigInteger)


class ViewMark(Model):
    """A visitor who was counted for this article today. Deleted with the day's key."""

    __tablename__ = "view_marks"
    __table_args__ = CLUSTERED

    visitor: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    article_id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)


class NetworkHour(Model):
    """The number of new visitors from one network (a digest made with today's key) in one hour of the day."""

    __tablename__ = "network_hours"
    __table_args__ = CLUSTERED

    network: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    visitors: Mapped[int] = mapped_column(Integer)
