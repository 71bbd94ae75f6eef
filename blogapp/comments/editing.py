"""Editing and withdrawing, by the author and for a while."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from blogapp.comments.models import PENDING, PUBLISHED, WITHDRAWN, Comment, CommentRevision, Conversation
from blogapp.comments.permissions import Author
from blogapp.comments.posting import LINKS_AT_MOST, Rules
from blogapp.comments.threads import conversation_for_writing, hide, touch
from blogapp.text import markup
from blogapp.web.errors import Conflict, NotFound


class EditedMeanwhile(Conflict):
    """Somebody has saved another edit since this one was begun; `comment` is what it says now."""

    def __init__(self, comment: Comment) -> None:
        super().__init__()
        self.comment = comment


def find_own(session: Session, comment_id: int, author: Author) -> Comment:
    """A comment that `author` may change now. Raises NotFound, or NotAllowed with the reason."""
    comment = session.get(Comment, comment_id)
    if comment is None or comment.status == WITHDRAWN:
        raise NotFound
    # What readers do not see is only there for who wrote it: others are not told that it exists.
    if not comment.is_published and not author.is_owner and not author.wrote(comment):
        raise NotFound
    author.check_may_change(comment)
    return comment


def edit_comment(
    session: Session, comment_id: int, body: str, body_html: str, revision: int, author: Author, rules: Rules
) -> Comment:
    """Give a comment a new text; a write transaction must be open. `revision` is the one that the edit began with.

    The text before is kept for the owner. A text that would have waited for approval when posted waits now. Raises
    NotFound, NotAllowed, EditedMeanwhile.
    """
    comment, conversation = _lock(session, comment_id, author)
    if comment.body_source == body:
        return comment  # the same again, or the same form twice
    if comment.revision != revision:
        raise EditedMeanwhile(comment)
    session.add(
        CommentRevision(
            comment_id=comment.id, revision=comment.revision, body_source=comment.body_source, replaced_at=author.now
        )
    )
    comment.body_source, comment.body_html = body, body_html
    comment.renderer_version = markup.RENDERER_VERSION
    comment.revision += 1
    comment.edited_at = author.now
    if comment.status == PUBLISHED:
        touch(conversation, comment)
        if not author.is_owner and (rules.moderation == "all" or markup.count_links(body_html) > LINKS_AT_MOST):
            hide(session, conversation, comment, PENDING)
    return comment


def withdraw_comment(session: Session, comment_id: int, author: Author) -> Comment:
    """Take a comment back: name, text and earlier texts are deleted, its place stays where it was answered. A write
    transaction must be open. Raises NotFound or NotAllowed."""
    comment, conversation = _lock(session, comment_id, author)
    session.execute(delete(CommentRevision).where(CommentRevision.comment_id == comment.id))
    comment.author_name = comment.author_url = comment.body_source = comment.body_html = ""
    comment.author_token_hash = comment.digest = None
    comment.body_digest = b""
    hide(session, conversation, comment, WITHDRAWN)
    return comment


def _lock(session: Session, comment_id: int, author: Author) -> tuple[Comment, Conversation]:
    comment = find_own(session, comment_id, author)
    conversation = conversation_for_writing(session, comment.article_id)
    session.refresh(comment)
    if comment.status == WITHDRAWN:
        raise NotFound
    return comment, conversation
