from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, Moment, RowId


class Owner(Model):
    """An owner's account. The password is stored as an argon2id hash; older hashes (scrypt) are replaced when their
    owner signs in."""

    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))


class OwnerSession(Model):
    """One browser in which an owner is signed in. Deleting the row ends the session for every copy of its cookie.

    The cookie itself is not stored, only its SHA-256 hash. `browser` is a short name such as "Firefox, Linux". No IP
    address is stored.
    """

    __tablename__ = "owner_sessions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey(Owner.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    browser: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class SignInAttempts(Model):
    """The number of sign-in attempts since `started_at`: from one network, for one account, or in one known
    browser. `key` is a keyed digest, so no IP address or name is stored."""

    __tablename__ = "sign_in_attempts"

    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(Moment, index=True)
