"""Recognise visitors for one day, without storing their identity."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import date, timedelta

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for
from blogapp.values import frozen
from blogapp.visitors.day import begin_day
from blogapp.visitors.models import VisitorKey
from blogapp.web.networks import address_block

# The leading bits of an IP address that are used; the rest is dropped first.
IPV4_BITS = 24
IPV6_BITS = 48

CURRENT = (
    select(VisitorKey.day, VisitorKey.key)
    .where(VisitorKey.day.between(bindparam("day"), bindparam("next")))
    .order_by(VisitorKey.day.desc())
    .limit(1)
)
# On PostgreSQL, deleting the key then waits for the transactions that still write with it.
CURRENT_LOCKED = CURRENT.with_for_update(read=True)


@frozen
class Visitor:
    """The visitor who posts: `digest` (32 bytes, the same for one day), `token` of their cookie ("" for a new
    visitor)."""

    digest: bytes
    token: str = ""

    @property
    def token_hash(self) -> bytes | None:
        """The hash of the cookie that is stored: it proves authorship, and the cookie cannot be derived from it."""
        return hash_token(self.token) if self.token else None


def new_token() -> str:
    """A cookie's value: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """The 32 bytes stored for a cookie. No salt: the token is random and long."""
    return hashlib.sha256(token.encode()).digest()


@frozen
class DayKey:
    """The 32-byte key of visitor digests, and its UTC day."""

    day: date
    key: bytes


def key_of_day(session: Session, day: date) -> DayKey:
    """The key for `day`, created on first use, when older keys are deleted. A write transaction must be open.

    If the key of the next day exists already, that key and that day are returned, so that nobody is counted twice when
    a clock is set back over midnight. Keys further ahead were made while the clock was wrong, and are deleted.

    Two processes may create the key of a new day at once: the first row is kept, and both read it. Only the process
    that inserted it calls `begin_day`.
    """
    days = _days(day)
    # A query that waited for a deleted key sees the next one only when it is repeated.
    connection = session.connection()
    row = connection.execute(CURRENT_LOCKED, days).first() or connection.execute(CURRENT_LOCKED, days).first()
    if row is None:
        previous = session.scalar(select(func.max(VisitorKey.day)).where(VisitorKey.day < day))
        session.execute(delete(VisitorKey).where(VisitorKey.day != day))
        values = {"day": day, "key": secrets.token_bytes(32)}
        insert = insert_for(session, VisitorKey).values(values).on_conflict_do_nothing(index_elements=["day"])
        if session.scalar(insert.returning(VisitorKey.day)) is not None:
            begin_day(session, day, previous)
        row = connection.execute(CURRENT_LOCKED, days).one()
    return DayKey(row.day, row.key)


def current_key(session: Session, day: date) -> bytes | None:
    """The key of `day` if there is one, without creating or locking it, for read-only pages."""
    row = session.connection().execute(CURRENT, _days(day)).first()
    return row.key if row else None


def _days(day: date) -> dict[str, date]:
    return {"day": day, "next": day + timedelta(days=1)}


def network_of(address: str | None) -> str:
    """The address block of about one household, school or office; the rest of the address is dropped."""
    return address_block(address, IPV4_BITS, IPV6_BITS)


def visitor_digest(key: bytes, network: str, user_agent: str) -> bytes:
    """32 bytes that are the same for one network and browser on one day, and cannot be matched with another day's."""
    return hmac.digest(key, f"{network}\n{user_agent}".encode(errors="replace"), "sha256")


def network_digest(key: bytes, network: str) -> bytes:
    """32 bytes that are the same for one network on one day."""
    return hmac.digest(key, network.encode(), "sha256")


def network_mark(secret: str, network: str) -> bytes:
    """16 bytes that are the same for one network, made with the site's secret key, so that they say nothing to somebody
    who reads only the database."""
    return hmac.digest(secret.encode(), f"network mark\n{network}".encode(), "sha256")[:16]
