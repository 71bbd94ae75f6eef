"""The owner's decisions about single comments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments import bayes
from blogapp.comments.decisions import Decider, record, status_before_removal
from blogapp.comments.editing import erase_content
from blogapp.comments.models import (
    APPROVE,
    AWAITING_APPROVAL,
    ERASE,
    ERASED,
    FINAL,
    MARK_AS_SPAM,
    PENDING,
    PUBLISHED,
    REMOVE,
    REMOVED,
    RESTORE,
    SPAM,
    UNDO,
    Comment,
    Conversation,
)
from blogapp.comments.visibility import hide, lock_comment, publish
from blogapp.text.i18n import gettext
from blogapp.web.errors import Conflict, NotFound


class TextChanged(Conflict):
    """The comment was edited after the owner read it. `revision` is the current revision."""

    def __init__(self, revision: int) -> None:
        super().__init__(gettext("This comment has been edited. Review it again before you approve it."))
        self.revision = revision


class Deleted(Conflict):
    """The comment was deleted permanently."""

    def __init__(self) -> None:
        super().__init__(gettext("This comment has been deleted and can no longer be published or removed."))


def find_undeleted(session: Session, comment_id: int) -> Comment:
    """A comment that an owner can decide about: in any state but deleted. Raises NotFound or Deleted."""
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    if comment.status in FINAL:
        raise Deleted
    return comment


def list_awaiting(session: Session) -> list[tuple[Comment, Article]]:
    """Comments that await approval, suspected spam included, oldest first."""
    query = select(Comment, Article).join(Article, Article.id == Comment.article_id)
    rows = session.execute(query.where(Comment.status.in_(AWAITING_APPROVAL)).order_by(Comment.id))
    return [(comment, article) for comment, article in rows]


def list_latest(session: Session, limit: int) -> list[tuple[Comment, Article]]:
    """The latest comments in any state, newest first."""
    query = select(Comment, Article).join(Article, Article.id == Comment.article_id)
    return [(comment, article) for comment, article in session.execute(query.order_by(Comment.id.desc()).limit(limit))]


def approve(session: Session, comment_id: int, revision: int, decider: Decider, now: datetime) -> Comment:
    """Publish a comment that awaits approval or was removed; a published one stays as it is. `revision` is the
    revision of the text that was read. A write transaction must be open. Raises NotFound, Deleted or TextChanged."""
    comment, conversation = _lock(session, comment_id)
    if comment.revision != revision:
        raise TextChanged(comment.revision)
    if not comment.is_published:
        record(session, comment, APPROVE, decider, now)
        bayes.learn(session, [comment], bayes.HONEST)
        publish(session, conversation, comment)
    return comment


def mark_as_spam(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
    """Hide a comment as spam. To its author, it looks as if it still awaited approval. A write transaction must be
    open. Raises NotFound or Deleted."""
    comment, conversation = _lock(session, comment_id)
    if comment.status != SPAM:
        record(session, comment, MARK_AS_SPAM, decider, now)
        bayes.learn(session, [comment], bayes.SPAM)
        hide(session, conversation, comment, SPAM)
    return comment


def remove(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
    """Hide a comment from readers; `restore` undoes it. A write transaction must be open. Raises NotFound or
    Deleted."""
    comment, conversation = _lock(session, comment_id)
    if comment.status != REMOVED:
        record(session, comment, REMOVE, decider, now)
        comment.digest = None  # the same text again is a new comment
        hide(session, conversation, comment, REMOVED)
    return comment


def restore(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
    """Undo a removal: the comment gets the status it had before. A comment that is not removed stays as it is. A write
    transaction must be open. Raises NotFound or Deleted."""
    comment, conversation = _lock(session, comment_id)
    if comment.status == REMOVED:
        before = status_before_removal(session, comment) or (PUBLISHED if comment.published_in else PENDING)
        record(session, comment, RESTORE, decider, now)
        _set_status(session, conversation, comment, before)
    return comment


def erase(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
    """Delete a comment for good: its name, text, link, earlier texts and likes. A placeholder stays if it has replies.
    A write transaction must be open. Raises NotFound or Deleted."""
    comment, conversation = _lock(session, comment_id)
    record(session, comment, ERASE, decider, now)
    erase_content(session, comment)
    hide(session, conversation, comment, ERASED)
    return comment


def revert(session: Session, comment_id: int, status: str, decider: Decider, now: datetime) -> Comment:
    """Undo a decision: give the comment the status that it had before. A write transaction must be open. Raises
    NotFound or Deleted."""
    comment, conversation = _lock(session, comment_id)
    record(session, comment, UNDO, decider, now)
    bayes.learn(session, [comment], "")
    _set_status(session, conversation, comment, status)
    return comment


def _set_status(session: Session, conversation: Conversation, comment: Comment, status: str) -> None:
    if comment.status == status:
        return
    if status == PUBLISHED:
        publish(session, conversation, comment)
    else:
        hide(session, conversation, comment, status)


def _lock(session: Session, comment_id: int) -> tuple[Comment, Conversation]:
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    conversation = lock_comment(session, comment)
    if comment.status in FINAL:
        raise Deleted
    return comment, conversation
