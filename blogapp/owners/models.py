from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String
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
    address is stored. `last_seen_at` is the last hour in which the browser opened a page for owners.
    """

    __tablename__ = "owner_sessions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey(Owner.id, ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    browser: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    last_seen_at: Mapped[datetime | None] = mapped_column(Moment)


class RecoveryCode(Model):
    """A code that an owner can use once instead of a lost password; its row is then deleted. Only a keyed hash is
    stored."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey(Owner.id, ondelete="CASCADE"), index=True)


class UsedResetCode(Model):
    """The hash of a value of RESET_CODE that was used. The variable may stay set, but works only once."""

    __tablename__ = "used_reset_codes"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(Moment)


class SignInAttempts(Model):
    """The number of sign-in attempts since `started_at`: from one network, for one account, or in one known
    browser. `key` is a keyed digest, so no IP address or name is stored."""

    __tablename__ = "sign_in_attempts"

    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    attempts: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Passkey(Model):
    """The public key of a passkey (a WebAuthn credential). `sign_count` is a 32-bit number without a sign."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey(Owner.id, ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class UsedChallenge(Model):
    """The hash of a passkey challenge that was answered, so that the answer works once. Deleted when the challenge has
    expired."""

    __tablename__ = "used_challenges"

    challenge_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime] = mapped_column(Moment, index=True)
