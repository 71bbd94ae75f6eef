"""Telling visitors apart for one day, without keeping who they are."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from blinker import Signal
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.database import insert_for
from blogapp.visitors.models import VisitorKey

new_day = Signal("The first visitor of a UTC day: sender is the session, `day` the date that begins.")


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


def key_of_day(session: Session, day: date) -> bytes:
    """The day's 32-byte key, made on first use; older keys go. Call it inside a write transaction.

    Two processes may make the key of a new day at once: the first row stands, and both read it. `new_day` tells
    those who keep something that was made with an older key to delete it.
    """
    key = session.scalar(select(VisitorKey.key).where(VisitorKey.day == day))
    if key is not None:
        return key
    session.execute(delete(VisitorKey).where(VisitorKey.day < day))
    row = {"day": day, "key": secrets.token_bytes(32)}
    insert = insert_for(session, VisitorKey).values(row).on_conflict_do_nothing(index_elements=["day"])
    if session.scalar(insert.returning(VisitorKey.day)) is not None:
        new_day.send(session, day=day)
    return session.scalars(select(VisitorKey.key).where(VisitorKey.day == day)).one()


def visitor_digest(key: bytes, address: str | None, user_agent: str) -> bytes:
    """32 bytes that are the same for one address block and browser on one day, and mean nothing the day after."""
    return hmac.digest(key, f"{address_block(address, 24, 48)}\n{user_agent}".encode(), "sha256")


def address_block(address: str | None, ipv4_bits: int, ipv6_bits: int) -> str:
    """The network that an address lies in, as `192.0.2.0/24`; "unknown" for what is no address."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = ipv4_bits if parsed.version == 4 else ipv6_bits
    return str(ip_network((parsed, bits), strict=False))
