"""Owners' sessions, stored in the database. Readers have no session."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.owners.cookies import read_session_token
from blogapp.owners.models import Owner, OwnerSession

LIFETIME = timedelta(days=30)
# Sessions that one owner may have at the same time; the oldest end first.
SESSIONS_AT_MOST = 20
# How exactly a session's last use is known.
SEEN_EVERY = timedelta(hours=1)
# How long after a sign-in a new passkey needs no password.
RECENT = timedelta(minutes=10)
# The WSGI environment's key for the owner who sent the request.
OWNER = "blogapp.owner"


def start_session(session: Session, owner: Owner, token: str, user_agent: str, now: datetime) -> None:
    """Sign in `owner` with the random `token` of a new cookie. A write transaction must be open.

    Expired sessions, and the owner's oldest beyond SESSIONS_AT_MOST, are deleted.
    """
    session.execute(delete(OwnerSession).where(OwnerSession.expires_at <= now))
    session.add(
        OwnerSession(
            owner_id=owner.id,
            token_hash=_hash(token),
            browser=browser_name(user_agent),
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    kept = select(OwnerSession.id).where(OwnerSession.owner_id == owner.id)
    ids = list(session.scalars(kept.order_by(OwnerSession.id.desc())))
    session.execute(delete(OwnerSession).where(OwnerSession.id.in_(ids[SESSIONS_AT_MOST:])))


def end_session(session: Session, token: str) -> None:
    """End the session of a cookie. A write transaction must be open."""
    session.execute(delete(OwnerSession).where(OwnerSession.token_hash == _hash(token)))


def end_all_sessions(session: Session, owner_id: int) -> None:
    """End every session of an owner. A write transaction must be open."""
    session.execute(delete(OwnerSession).where(OwnerSession.owner_id == owner_id))


def owner_of_session(session: Session, token: str, now: datetime) -> Owner | None:
    """The owner whose session has this `token`, found in one query; None when the session has ended."""
    if not token:
        return None
    query = select(Owner).join(OwnerSession).where(OwnerSession.token_hash == _hash(token))
    return session.scalar(query.where(OwnerSession.expires_at > now))


def sessions_of(session: Session, owner_id: int, now: datetime) -> list[OwnerSession]:
    """The browsers in which an owner is signed in, the latest first."""
    query = select(OwnerSession).where(OwnerSession.owner_id == owner_id, OwnerSession.expires_at > now)
    return list(session.scalars(query.order_by(OwnerSession.id.desc())))


def revoke_session(session: Session, owner_id: int, session_id: int) -> None:
    """End one session of an owner. A write transaction must be open."""
    session.execute(delete(OwnerSession).where(OwnerSession.id == session_id, OwnerSession.owner_id == owner_id))


def is_session_of(token: str, owner_session: OwnerSession) -> bool:
    """Whether the cookie `token` is that of this session."""
    return bool(token) and hmac.compare_digest(owner_session.token_hash, _hash(token))


def began_recently(session: Session, token: str, now: datetime) -> bool:
    """Whether the owner has signed in with this session in the last RECENT."""
    query = select(OwnerSession.created_at).where(OwnerSession.token_hash == _hash(token))
    began = session.scalar(query)
    return began is not None and timedelta(0) <= now - began <= RECENT


def needs_touch(session: Session, token: str, now: datetime) -> bool:
    """Whether the session has not been seen for SEEN_EVERY."""
    query = select(OwnerSession.last_seen_at).where(OwnerSession.token_hash == _hash(token))
    seen = session.scalar(query)
    return seen is None or now - seen >= SEEN_EVERY


def touch(session: Session, token: str, now: datetime) -> None:
    """Record that the session was used. A write transaction must be open."""
    session.execute(update(OwnerSession).where(OwnerSession.token_hash == _hash(token)).values(last_seen_at=now))


def signed_in_owner(session: Session) -> Owner | None:
    """The owner who sent the current request, or None. A request without an owner's cookie causes no query, and others
    cause one."""
    if OWNER not in request.environ:
        request.environ[OWNER] = owner_of_session(session, read_session_token(request), clock.now())
    owner: Owner | None = request.environ[OWNER]
    return owner


def remember_owner(owner: Owner) -> None:
    """Treat `owner`, who has just signed in, as the sender of the current request."""
    request.environ[OWNER] = owner


# A part of the user agent, and the browser's name. Most user agents name other browsers too, so the first match counts.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Vivaldi": "Vivaldi",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """A short name by which an owner recognizes a browser, such as "Firefox, Linux"."""
    found = [next((name for part, name in known.items() if part in user_agent), "") for known in (BROWSERS, SYSTEMS)]
    first_word = re.match(r"[A-Za-z][\w.-]{0,39}", user_agent)
    return ", ".join(filter(None, found)) or (first_word.group() if first_word else "")


def _hash(token: str) -> bytes:
    """The hash of a cookie's token that is stored. No salt is needed: the token is random and long."""
    return hashlib.sha256(token.encode()).digest()
