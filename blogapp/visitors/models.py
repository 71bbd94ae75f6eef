from __future__ import annotations

from datetime import date

from sqlalchemy import Date, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model


class VisitorKey(Model):
    """The random key of one UTC day. It is deleted the day after, and with it all that it could tell apart."""

    __tablename__ = "visitor_keys"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
