"""Likes: one per visitor and comment, added and removed with the same button."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment, Like
from blogapp.comments.permissions import Author
from blogapp.comments.visibility import lock_comment, touch
from blogapp.db.transactions import insert_for
from blogapp.text.i18n import gettext
from blogapp.web.errors import NotAllowed, NotFound


def set_like(
    session: Session, comment_id: int, visitor: bytes, author: Author, wanted: bool | None = None
) -> tuple[Comment, bool]:
    """Add the visitor's like (`wanted` is True), remove it (False), or toggle it (None).

    Returns the comment and whether the visitor likes it now. A write transaction must be open. Raises NotFound, or
    NotAllowed for the visitor's own comment.
    """
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    conversation = lock_comment(session, comment)
    if not comment.is_published:
        raise NotFound
    if author.wrote(comment):
        raise NotAllowed(gettext("You cannot like your own comment."))
    is_given = wanted is not False and _give(session, comment_id, visitor)
    is_taken = wanted is not True and not is_given and _take_back(session, comment_id, visitor)
    if is_given or is_taken:
        comment.like_count += 1 if is_given else -1
        touch(conversation, comment)
    return comment, is_given or wanted is True


def liked_by(session: Session, visitor: bytes, comment_ids: Iterable[int]) -> frozenset[int]:
    """Which of these comments the visitor likes."""
    likes = select(Like.comment_id).where(Like.visitor == visitor, Like.comment_id.in_(list(comment_ids)))
    return frozenset(session.scalars(likes))


def forget_likes(session: Session, day: date, **extra: Any) -> None:
    """Delete all rows of likes when a new day begins: visitors cannot be recognised from one day to the next. The
    counts are kept."""
    session.execute(delete(Like))


def _give(session: Session, comment_id: int, visitor: bytes) -> bool:
    row = {"comment_id": comment_id, "visitor": visitor}
    insert = insert_for(session, Like).values(row).on_conflict_do_nothing(index_elements=["comment_id", "visitor"])
    return session.scalar(insert.returning(Like.comment_id)) is not None


def _take_back(session: Session, comment_id: int, visitor: bytes) -> bool:
    taken = delete(Like).where(Like.comment_id == comment_id, Like.visitor == visitor)
    return session.scalar(taken.returning(Like.comment_id)) is not None
