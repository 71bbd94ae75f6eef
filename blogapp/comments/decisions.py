"""The record of who decided what about a comment, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import BY_AUTHOR, BY_COMMAND, BY_OWNER, BY_RULES, REMOVE, Comment, CommentDecision
from blogapp.comments.permissions import Author
from blogapp.values import frozen


@frozen
class Decider:
    """Who decides: BY_OWNER with the owner's id, BY_AUTHOR, BY_COMMAND (the command line) or BY_RULES. `batch` is a
    random number for the decisions of one press, by which they can be undone."""

    actor: str
    owner_id: int | None = None
    batch: int | None = None


COMMAND = Decider(BY_COMMAND)
RULES = Decider(BY_RULES)


def decider_of(author: Author, comment: Comment) -> Decider:
    """The comment's author if `author` wrote it, else the owner."""
    return Decider(BY_AUTHOR if author.wrote(comment) else BY_OWNER, author.owner_id)


def record(session: Session, comment: Comment, act: str, decider: Decider, now: datetime) -> None:
    """Record a decision. Call this before the comment's status changes, inside the same transaction."""
    session.add(
        CommentDecision(
            comment_id=comment.id,
            act=act,
            actor=decider.actor,
            owner_id=decider.owner_id,
            revision=comment.revision,
            status_before=comment.status,
            decided_at=now,
            batch=decider.batch,
        )
    )


def status_before_removal(session: Session, comment: Comment) -> str | None:
    """The status that the comment had when it was last removed; None if that was before decisions were recorded."""
    return session.scalar(
        select(CommentDecision.status_before)
        .where(CommentDecision.comment_id == comment.id, CommentDecision.act == REMOVE)
        .order_by(CommentDecision.id.desc())
        .limit(1)
    )
