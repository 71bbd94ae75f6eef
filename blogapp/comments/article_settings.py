"""An owner's settings for the comments of one article: which await approval, closed, a locked or a pinned thread."""

from __future__ import annotations

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment
from blogapp.comments.visibility import lock_comment, lock_conversation
from blogapp.web.errors import NotFound

POLICIES = ("open", "first", "all")
CLOSED, KEPT_OPEN = "1", "0"


def configure(session: Session, article_id: int, moderation: str, closed: str) -> None:
    """Set which comments of an article await approval (one of POLICIES; anything else for the site's setting), and
    whether it takes comments: CLOSED, KEPT_OPEN, anything else for the site's setting. A write transaction must be
    open."""
    conversation = lock_conversation(session, article_id)
    conversation.moderation = moderation if moderation in POLICIES else None
    conversation.is_closed, conversation.is_kept_open = closed == CLOSED, closed == KEPT_OPEN


def set_locked(session: Session, comment_id: int, is_locked: bool) -> Comment:
    """Lock or unlock the thread that the comment belongs to. A write transaction must be open. Raises NotFound."""
    comment = _find(session, comment_id)
    conversation = lock_comment(session, comment)
    root_id = comment.root_id or comment.id
    conversation.version += 1
    # Open pages load the comments again, with or without the link to reply.
    thread = update(Comment).where(or_(Comment.id == root_id, Comment.root_id == root_id))
    change = thread.values(is_locked=is_locked, changed_in=conversation.version)
    session.execute(change, execution_options={"synchronize_session": False})
    session.refresh(comment)
    return comment


def set_pinned(session: Session, comment_id: int, is_pinned: bool) -> Comment:
    """Show the thread that the comment begins before all others of the article, or no longer. A write transaction must
    be open. Raises NotFound if the comment is a reply, or not published."""
    comment = _find(session, comment_id)
    conversation = lock_comment(session, comment)
    if comment.root_id is not None or not comment.is_published:
        raise NotFound
    if is_pinned:
        conversation.pinned_id = comment.id
    elif conversation.pinned_id == comment.id:
        conversation.pinned_id = None
    return comment


def _find(session: Session, comment_id: int) -> Comment:
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    return comment
