"""Decide whether a text is published immediately, awaits approval, or is marked as spam. Used for posts and for
edits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from blogapp.comments.models import PENDING, PUBLISHED, REMOVED, SPAM, Comment
from blogapp.text import markup

MAX_LINKS = 2


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
    known = select(Comment.id).where(
        Comment.author_token_hash == comment.author_token_hash, Comment.status == PUBLISHED
    )
    return bool(session.scalar(select(exists(known))))


def _is_copy(session: Session, comment: Comment) -> bool:
    """Whether the article has a comment with this text by another author, or one that the owner removed."""
    same = select(Comment.id).where(
        Comment.article_id == comment.article_id, Comment.body_digest == comment.body_digest
    )
    if comment.id is not None:
        same = same.where(Comment.id != comment.id)
    if comment.author_token_hash is not None:
        by_another = Comment.author_token_hash.is_distinct_from(comment.author_token_hash)
        same = same.where(or_(by_another, Comment.status == REMOVED))
    return bool(session.scalar(select(exists(same))))
