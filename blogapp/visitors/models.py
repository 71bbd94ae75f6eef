from datetime import date

from sqlalchemy import Date, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model


class VisitorKey(Model):
    """The random key of one UTC day. When the next day begins, it is deleted with everything that was made with it."""

    __tablename__ = "visitor_keys"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
