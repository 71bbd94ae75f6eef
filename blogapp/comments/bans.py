"""Bans: a browser (by the hash of its cookie) and its network (by its mark) cannot post for a time, or for ever."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from blogapp.comments.models import Ban, Comment
from blogapp.comments.refusals import Banned
from blogapp.db.query_cache import cached_result
from blogapp.db.transactions import insert_for

# The days for which a ban lasts; 0 is for ever.
DAYS = (1, 7, 0)

# Built once: they are executed for every post.
ANY = select(Ban.id).limit(1)
CURRENT = (
    select(Ban.until)
    .where(
        # Not IN: SQLAlchemy would write the statement anew for each list.
        or_(Ban.mark == bindparam("browser"), Ban.mark == bindparam("network")),
        or_(Ban.until.is_(None), Ban.until > bindparam("now")),
    )
    .limit(1)
)


def check_not_banned(session: Session, browser: bytes | None, network: bytes, now: datetime) -> None:
    """Raise Banned if the browser or the network with these marks is banned."""
    if not cached_result(session, "has bans", lambda: session.connection().scalar(ANY) is not None):
        return
    values = {"browser": browser, "network": network, "now": now}
    row = session.connection().execute(CURRENT, values).first()
    if row is not None:
        raise Banned(row.until)


def ban(session: Session, comment: Comment, days: int, owner_id: int | None, now: datetime) -> int:
    """Ban the browser and the network that a comment came from, for `days` days (0: for ever). A ban that exists gets
    the new end. Returns the number of marks, 0 if none is known any more. A write transaction with `Changes.RULES` must
    be open, because it is cached whether there are bans."""
    until = now + timedelta(days=days) if days else None
    marks = {mark for mark in (comment.author_token_hash, comment.network_mark) if mark is not None}
    if comment.by_owner:
        return 0
    for mark in sorted(marks):
        row = {"mark": mark, "until": until, "created_at": now, "owner_id": owner_id, "comment_id": comment.id}
        added = insert_for(session, Ban).values(row)
        session.execute(added.on_conflict_do_update(index_elements=["mark"], set_=row))
    return len(marks)


def list_bans(session: Session, now: datetime) -> list[Ban]:
    """The present bans, newest first."""
    present = select(Ban).where(or_(Ban.until.is_(None), Ban.until > now))
    return list(session.scalars(present.order_by(Ban.id.desc()).limit(500)))


def lift(session: Session, ban_id: int) -> None:
    """End a ban. A write transaction must be open."""
    session.execute(delete(Ban).where(Ban.id == ban_id))


def forget_bans(session: Session, day: date, **extra: Any) -> None:
    """Delete the bans that have ended when a new day begins."""
    session.execute(delete(Ban).where(Ban.until < datetime.combine(day, time(), UTC)))
