from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, RowId


class Owner(Model):
    """Somebody who may write as the owner. The password is kept as a salted scrypt hash."""

    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
