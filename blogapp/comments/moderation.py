"""The owner's word on comments: approve, remove, and what waits for it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import PENDING, PUBLISHED, REMOVED, SPAM, Comment
from blogapp.comments.threads import conversation_for_writing, hide, reveal
from blogapp.web.errors import NotFound


def list_waiting(session: Session) -> list[tuple[Comment, Article]]:
    """Comments that wait for approval, what the trap caught among them, oldest first."""
    query = select(Comment, Article).join(Article, Article.id == Comment.article_id)
    rows = session.execute(query.where(Comment.status.in_((PENDING, SPAM))).order_by(Comment.id))
    return [(comment, article) for comment, article in rows]


def list_latest(session: Session, limit: int) -> list[tuple[Comment, Article]]:
    """The latest comments in whatever state, newest first."""
    query = select(Comment, Article).join(Article, Article.id == Comment.article_id)
    return [(comment, article) for comment, article in session.execute(query.order_by(Comment.id.desc()).limit(limit))]


def approve(session: Session, comment_id: int) -> Comment:
    """Publish what waits or was removed; a published one stays as it is. Raises NotFound."""
    comment = _find(session, comment_id)
    conversation = conversation_for_writing(session, comment.article_id)
    session.refresh(comment)
    if comment.status != PUBLISHED:
        reveal(session, conversation, comment)
    return comment


def remove(session: Session, comment_id: int) -> Comment:
    """Take a comment from readers' view; it stays in the database. Raises NotFound."""
    comment = _find(session, comment_id)
    conversation = conversation_for_writing(session, comment.article_id)
    session.refresh(comment)
    if comment.status != REMOVED:
        hide(session, conversation, comment, REMOVED)
    return comment


def _find(session: Session, comment_id: int) -> Comment:
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    return comment
