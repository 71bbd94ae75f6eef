"""Comments, stored so that a page of them is read by range, whatever their number.

A comment is answered at any depth (`parent_id`), but shown at most MAX_DEPTH deep: what answers deeper stands under
the same comment as the one that it answers (`shown_under_id`). `path` orders a thread as it is read: the numbers of
the comments above it on the screen and its own, each NUMBER_WIDTH digits, so that sorting by `path` is reading order
and one range of it is one part of the thread.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.db.base import Model, Moment, RowId

MAX_DEPTH = 4
NUMBER_WIDTH = 7

PUBLISHED = "published"
PENDING = "pending"
SPAM = "spam"
REMOVED = "removed"
WITHDRAWN = "withdrawn"


class Conversation(Model):
    """What is true of all comments of one article. Its row is locked by whoever writes a comment, so numbers are
    given in the order in which readers get to see them; `version` rises with every change that a reader can see."""

    __tablename__ = "conversations"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    comment_count: Mapped[int] = mapped_column(Integer, default=0)


class Comment(Model):
    """One comment, in whatever state. Only `published` ones are shown to everybody."""

    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(BigInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
    root_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
    shown_under_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
    depth: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(String((MAX_DEPTH + 1) * NUMBER_WIDTH))
    status: Mapped[str] = mapped_column(String(16))
    # Whether readers find something at its place: the comment, or the trace of a removed one that was answered.
    shown: Mapped[bool] = mapped_column(Boolean)
    # The conversation's versions in which readers first saw the comment, and in which it last changed for them;
    # 0 until then. A refresh asks for what came after a version.
    published_in: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_in: Mapped[int] = mapped_column(BigInteger, default=0)
    like_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # How often it was edited: who saves an edit says which one they started from.
    revision: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    # Posted by the owner's session, whatever the name.
    by_owner: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    # Of the first comment of a thread: how many replies are shown, and the path of the last one before "show more".
    reply_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    fold_path: Mapped[str | None] = mapped_column(String((MAX_DEPTH + 1) * NUMBER_WIDTH))
    author_name: Mapped[str] = mapped_column(String(100))
    author_url: Mapped[str] = mapped_column(String(500), default="")
    author_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    body_source: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    renderer_version: Mapped[int] = mapped_column(SmallInteger)
    # Same visitor, parent, name and text: the same comment. Forgotten with the day's key that it was made with.
    digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    # Same text, whoever wrote it.
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        Index(None, "article_id", "root_id", "shown", "number"),
        Index(None, "article_id", "root_id", "shown", "like_count", "number"),
        Index(None, "root_id", "shown", "path"),
        Index(None, "article_id", "changed_in"),
        Index(None, "article_id", "body_digest"),
        Index(None, "article_id", "author_token_hash"),
        Index(None, "status", "id"),
        Index(None, "parent_id"),
        Index(None, "shown_under_id"),
    )

    @property
    def is_published(self) -> bool:
        return self.status == PUBLISHED


class CommentRevision(Model):
    """What a comment said before an edit, kept for the owner; it goes when its author withdraws the comment."""

    __tablename__ = "comment_revisions"

    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    body_source: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(Moment)


class Like(Model):
    """One visitor's like of a comment, for as long as the day's key can tell visitors apart; the count stays."""

    __tablename__ = "likes"

    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
    visitor: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
