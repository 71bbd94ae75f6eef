"""Decide whether a text is published immediately, awaits approval, or is marked as spam. Used for posts and for
edits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from blogapp.comments.models import PENDING, PUBLISHED, REMOVED, SPAM, Comment
from blogapp.text import markup

MAX_LINKS = 2

# Statements of every post are built once: building one takes longer than running it.
PUBLISHED_BY = (
    select(Comment.id).where(Comment.author_token_hash == bindparam("token_hash"), Comment.status == PUBLISHED).limit(1)
)
SAME_TEXT = (
    select(Comment.id)
    .where(
        Comment.article_id == bindparam("article_id"),
        Comment.body_digest == bindparam("body_digest"),
        Comment.id != bindparam("but"),
    )
    .limit(1)
)
SAME_TEXT_BY_OTHERS = SAME_TEXT.where(
    or_(Comment.author_token_hash.is_distinct_from(bindparam("token_hash")), Comment.status == REMOVED)
)


@dataclass(frozen=True)
class Rules:
    """The owner's settings: `moderation` is open, first or all; comments close after `close_days` days (0: never)."""

    moderation: str
    close_days: int


def judge(session: Session, comment: Comment, rules: Rules, is_trapped: bool = False) -> str:
    """PUBLISHED, PENDING or SPAM for the current text of a reader's comment, which may not be stored yet. `is_trapped`:
    the hidden field of the form was filled in."""
    if is_trapped:
        return SPAM
    if rules.moderation == "all" or (rules.moderation == "first" and not _is_known(session, comment)):
        return PENDING
    if markup.count_links(comment.body_html) > MAX_LINKS:
        return PENDING
    return PENDING if _is_copy(session, comment) else PUBLISHED


def digest_of(body: str) -> bytes:
    """32 bytes that are the same for texts that differ only in case and white space."""
    return hashlib.sha256(" ".join(body.casefold().split()).encode()).digest()


def _is_known(session: Session, comment: Comment) -> bool:
    """Whether a comment from the same browser is published."""
    if comment.author_token_hash is None:
        return False
    return session.connection().scalar(PUBLISHED_BY, {"token_hash": comment.author_token_hash}) is not None


def _is_copy(session: Session, comment: Comment) -> bool:
    """Whether the article has a comment with this text by another author, or one that the owner removed."""
    same = {"article_id": comment.article_id, "body_digest": comment.body_digest, "but": comment.id or 0}
    if comment.author_token_hash is None:
        return session.connection().scalar(SAME_TEXT, same) is not None
    return (
        session.connection().scalar(SAME_TEXT_BY_OTHERS, {**same, "token_hash": comment.author_token_hash}) is not None
    )
