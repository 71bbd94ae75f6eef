"""Likes: one a visitor a comment, given and taken back by the same button."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment, Like
from blogapp.comments.permissions import Author
from blogapp.comments.threads import conversation_for_writing, touch
from blogapp.db.transactions import insert_for
from blogapp.text.i18n import gettext
from blogapp.web.errors import NotAllowed, NotFound


def toggle_like(session: Session, comment_id: int, visitor: bytes, author: Author) -> tuple[Comment, bool]:
    """Give the visitor's like, or take it back: the comment, and whether it is liked now. A write transaction must be
    open. Raises NotFound, or NotAllowed for one's own comment."""
    comment = session.get(Comment, comment_id)
    if comment is None or not comment.is_published:
        raise NotFound
    if author.wrote(comment) or (author.is_owner and comment.by_owner):
        raise NotAllowed(gettext("This is your own comment; a like comes from others."))
    conversation = conversation_for_writing(session, comment.article_id)
    session.refresh(comment)
    row = {"comment_id": comment_id, "visitor": visitor}
    given = insert_for(session, Like).values(row).on_conflict_do_nothing(index_elements=["comment_id", "visitor"])
    is_liked = session.scalar(given.returning(Like.comment_id)) is not None
    if not is_liked:
        taken: CursorResult[Any] = session.execute(delete(Like).filter_by(**row))  # type: ignore[assignment]
        assert taken.rowcount == 1
    comment.like_count += 1 if is_liked else -1
    touch(conversation, comment)
    return comment, is_liked


def forget_who_liked(session: Session, day: date, **extra: Any) -> None:
    """The counts stay; who gave them could not be told from today's visitors anyway."""
    session.execute(delete(Like))
