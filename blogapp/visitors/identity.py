"""Telling visitors apart for one day, without keeping who they are."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from blinker import Signal
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for
from blogapp.visitors.models import VisitorKey
from blogapp.web.networks import address_block

# How much of an address is left before anything is made of it.
IPV4_BITS = 24
IPV6_BITS = 48

new_day = Signal(
    "The first visitor of a UTC day: sender is the session, `day` the date that begins, `previous` the last day known."
)


CURRENT = (
    select(VisitorKey.day, VisitorKey.key)
    .where(VisitorKey.day.between(bindparam("day"), bindparam("next")))
    .order_by(VisitorKey.day.desc())
    .limit(1)
    # PostgreSQL: who still writes with a key is waited for before the key and all that was made with it go.
    .with_for_update(read=True)
)


@dataclass(frozen=True)
class Visitor:
    """Who posts: `digest` (32 bytes, good for today), `token` of their cookie (empty for a newcomer)."""

    digest: bytes
    token: str = ""

    @property
    def token_hash(self) -> bytes | None:
        """What is stored of the cookie: it proves authorship and cannot be turned back into the cookie."""
        return hash_token(self.token) if self.token else None


def new_token() -> str:
    """A cookie's value: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """The 32 bytes that stand for a cookie in the database. No salt: the token is random and long already."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class DayKey:
    """The 32-byte key that visitors are told apart by, and the UTC day that it stands for."""

    day: date
    key: bytes


def key_of_day(session: Session, day: date) -> DayKey:
    """The key for what happens on `day`, made on first use; older keys go. Call it inside a write transaction.

    Where the key of the day after is there already, it is that one and that day: a clock that is put back over
    midnight brings nobody's day back, and nobody is counted in it twice. A key further ahead is the trace of a clock
    that was wrong, and goes as well.

    Two processes may make the key of a new day at once: the first row stands, and both read it. `new_day` tells
    those who keep something that was made with an older key to delete it.
    """
    days = {"day": day, "next": day + timedelta(days=1)}
    # Who had to wait for the key's end sees the next one only by asking again.
    row = session.execute(CURRENT, days).first() or session.execute(CURRENT, days).first()
    if row is None:
        previous = session.scalar(select(func.max(VisitorKey.day)).where(VisitorKey.day < day))
        session.execute(delete(VisitorKey).where(VisitorKey.day != day))
        values = {"day": day, "key": secrets.token_bytes(32)}
        insert = insert_for(session, VisitorKey).values(values).on_conflict_do_nothing(index_elements=["day"])
        if session.scalar(insert.returning(VisitorKey.day)) is not None:
            new_day.send(session, day=day, previous=previous)
        row = session.execute(CURRENT, days).one()
    return DayKey(row.day, row.key)


def present_key(session: Session, day: date) -> bytes | None:
    """The key of `day` if there is one, without creating or locking it: for pages that only read."""
    days = (day, day + timedelta(days=1))
    present = select(VisitorKey.key).where(VisitorKey.day.between(*days)).order_by(VisitorKey.day.desc()).limit(1)
    return session.scalar(present)


def network_of(address: str | None) -> str:
    """What is left of an address before anything is made of it: the block that one household, school or office has."""
    return address_block(address, IPV4_BITS, IPV6_BITS)


def visitor_digest(key: bytes, network: str, user_agent: str) -> bytes:
    """32 bytes that are the same for one network and browser on one day, and mean nothing the day after."""
    return hmac.digest(key, f"{network}\n{user_agent}".encode(errors="replace"), "sha256")


def network_digest(key: bytes, network: str) -> bytes:
    """32 bytes that are the same for one network on one day."""
    return hmac.digest(key, network.encode(), "sha256")
