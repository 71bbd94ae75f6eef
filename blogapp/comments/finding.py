"""Find single comments that a visitor may see, and the name that a visitor used last."""

from __future__ import annotations

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from blogapp.comments.models import AWAITING_APPROVAL, PUBLISHED, Comment
from blogapp.comments.permissions import Author
from blogapp.web.errors import NotFound


class CommentNotFound(NotFound):
    """Readers see no comment with this number, perhaps since it was deleted."""


def find_comment(session: Session, comment_id: int) -> Comment:
    """The comment or placeholder that readers see. Raises CommentNotFound."""
    comment = session.get(Comment, comment_id)
    if comment is None or not comment.shown:
        raise CommentNotFound
    return comment


def find_visible(session: Session, comment_id: int | None, article_id: int, author: Author) -> Comment | None:
    """The article's comment with this id if `author` may see its name and text, else None."""
    comment = session.get(Comment, comment_id) if comment_id else None
    if comment is None or comment.article_id != article_id or not author.sees(comment):
        return None
    return comment


def last_signature(session: Session, author: Author) -> tuple[str, str]:
    """The name and link of the latest comment from this browser; two empty strings if there is none."""
    if author.token_hash is None or author.is_owner:
        return "", ""
    own = and_(Comment.author_token_hash == author.token_hash, Comment.by_owner.is_(False))
    states = Comment.status.in_({PUBLISHED, *AWAITING_APPROVAL})
    last = select(Comment.author_name, Comment.author_url).where(own, states).order_by(Comment.id.desc()).limit(1)
    row = session.execute(last).first()
    return (row.author_name, row.author_url) if row else ("", "")
