"""Publish and hide comments, and keep counters and versions consistent.

Call these functions inside a write transaction that has locked the article's conversation.
"""

from __future__ import annotations

from sqlalchemy import case, exists, select, update
from sqlalchemy.orm import Session, aliased

from blogapp.comments.models import PUBLISHED, REPLIES_SHOWN, Comment, Conversation
from blogapp.db.transactions import insert_for


def lock_conversation(session: Session, article_id: int) -> Conversation:
    """The article's conversation, locked until the transaction ends. It is created if it does not exist."""
    row = {"article_id": article_id, "last_number": 0, "version": 0, "comment_count": 0}
    # One statement that creates the row, or locks and reads the existing one.
    upsert = (
        insert_for(session, Conversation)
        .values(row)
        .on_conflict_do_update(index_elements=["article_id"], set_={"version": Conversation.version})
        .returning(Conversation)
    )
    locked: Conversation = session.scalars(upsert, execution_options={"populate_existing": True}).one()
    return locked


def lock_comment(session: Session, comment: Comment) -> Conversation:
    """Lock the comment's conversation, and read the comment again: it may have changed before the lock was granted."""
    conversation = lock_conversation(session, comment.article_id)
    session.refresh(comment)
    return conversation


def publish(session: Session, conversation: Conversation, comment: Comment) -> None:
    """Show a comment to readers, and the placeholders of its hidden ancestors."""
    comment.status = PUBLISHED
    conversation.comment_count += 1
    comment.published_in = conversation.version + 1
    _show(session, conversation, comment)
    parent = session.get(Comment, comment.parent_id) if comment.parent_id else None
    while parent is not None and not parent.shown:
        _show(session, conversation, parent)
        parent = session.get(Comment, parent.parent_id) if parent.parent_id else None


def hide(session: Session, conversation: Conversation, comment: Comment, status: str) -> None:
    """Hide a comment from readers. If it has visible replies, a placeholder without name and text stays; otherwise it
    disappears, and so do placeholders above it without other replies."""
    if comment.is_published:
        conversation.comment_count -= 1
    comment.status = status
    touch(conversation, comment)
    hidden: Comment | None = comment
    while hidden is not None and hidden.shown and not hidden.is_published and not _has_shown_replies(session, hidden):
        hidden.shown = False
        touch(conversation, hidden)
        session.flush()
        if hidden.root_id is not None:
            _change_reply_count(session, hidden.root_id, -1)
        hidden = session.get(Comment, hidden.parent_id) if hidden.parent_id else None


def touch(conversation: Conversation, comment: Comment) -> None:
    """Mark the comment as changed for readers, so that open pages fetch it."""
    conversation.version += 1
    comment.changed_in = conversation.version


def _show(session: Session, conversation: Conversation, comment: Comment) -> None:
    was_shown, comment.shown = comment.shown, True
    touch(conversation, comment)
    session.flush()
    if comment.root_id is not None and not was_shown:
        _change_reply_count(session, comment.root_id, 1)


def _has_shown_replies(session: Session, comment: Comment) -> bool:
    replies = select(Comment.id).where(Comment.parent_id == comment.id, Comment.shown.is_(True))
    return bool(session.scalar(select(exists(replies))))


def _change_reply_count(session: Session, root_id: int, change: int) -> None:
    """Update the thread's number of replies, and its fold: the path of the REPLIES_SHOWNth reply."""
    reply = aliased(Comment)
    count = Comment.reply_count + change
    fold = (
        select(reply.path)
        .where(reply.root_id == root_id, reply.shown.is_(True))
        .order_by(reply.path)
        .offset(REPLIES_SHOWN - 1)
        .limit(1)
        .scalar_subquery()
    )
    changed = (
        update(Comment)
        .where(Comment.id == root_id)
        .values(reply_count=count, fold_path=case((count > REPLIES_SHOWN, fold), else_=None))
        .returning(Comment)
    )
    session.scalars(changed, execution_options={"populate_existing": True, "synchronize_session": False}).one()
