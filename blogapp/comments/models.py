"""The tables of the comments, designed so that a page reads ranges of indexes, regardless of the number of comments.

A reply may be nested to any depth (`parent_id`), but it is displayed at most MAX_DEPTH levels deep: a deeper reply is
displayed under the same comment as its parent (`shown_under_id`). `path` is the reading order within a thread: the
numbers of the displayed ancestors and the comment's own number, each padded to NUMBER_WIDTH digits. Sorting by `path`
gives the reading order, and a range of paths is a part of the thread.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import (
    JSON,
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
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.db.base import Model, Moment, RowId
from blogapp.owners.models import Owner

MAX_DEPTH = 4
NUMBER_WIDTH = 7
# Replies of a thread that a page shows before "show more".
REPLIES_SHOWN = 10

# The states of a comment. `deleted` (by the author) and `erased` keep neither name nor text and are final;
# `removed` (by the owner) can be undone.
PUBLISHED = "published"
PENDING = "pending"
SPAM = "spam"
REMOVED = "removed"
DELETED = "deleted"
ERASED = "erased"

AWAITING_APPROVAL = frozenset({PENDING, SPAM})
FINAL = frozenset({DELETED, ERASED})

# Acts of comment_decisions.
APPROVE = "approve"
MARK_AS_SPAM = "spam"
REMOVE = "remove"
RESTORE = "restore"
ERASE = "erase"
UNDO = "undo"
DELETE = "delete"
HOLD = "hold"

# Actors of comment_decisions. HOLD is decided by the site's own rules.
BY_OWNER = "owner"
BY_AUTHOR = "author"
BY_COMMAND = "command"
BY_RULES = "rules"


class Conversation(Model):
    """Counters for all comments of one article. A writer locks this row, so comments of one article are written one
    at a time; `version` increases with every change that readers can see."""

    __tablename__ = "conversations"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    comment_count: Mapped[int] = mapped_column(Integer, default=0)
    # Which comments of this article await approval: `open`, `first` or `all`; None for the site's setting.
    moderation: Mapped[str | None] = mapped_column(String(8))
    # Closed or kept open by an owner, regardless of the article's age and of the site's settings.
    is_closed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    is_kept_open: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    # The first comment of the thread that is shown before all others. Not a foreign key: comments refer to articles, as
    # this row does, and a comment's row is never deleted alone.
    pinned_id: Mapped[int | None] = mapped_column(RowId)


class HasStatus(Protocol):
    @property
    def status(self) -> str: ...


class State:
    """What the status of a comment means."""

    __slots__ = ()

    @property
    def is_published(self: HasStatus) -> bool:
        return self.status == PUBLISHED

    @property
    def awaits_approval(self: HasStatus) -> bool:
        return self.status in AWAITING_APPROVAL


class Comment(State, Model):
    """One comment in any state. Only `published` ones are displayed to everyone."""

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
    # Whether readers see the comment, or a placeholder above its replies.
    shown: Mapped[bool] = mapped_column(Boolean)
    # The conversation's versions in which readers first saw the comment and in which it last changed for them; 0 before
    # that. A refresh loads the changes after a version.
    published_in: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_in: Mapped[int] = mapped_column(BigInteger, default=0)
    like_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # The number of edits. Edits and approvals state the revision that they refer to.
    revision: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    # The owner who wrote the current text of another author's comment; empty if the author did.
    edited_by: Mapped[str] = mapped_column(String(60), default="", server_default=text("''"))
    # Posted by a signed-in owner, regardless of the name.
    by_owner: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    # In a thread that an owner has locked, which takes no more replies.
    is_locked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    # For the first comment of a thread: the number of visible replies, and the path of the last one before "show more".
    reply_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    fold_path: Mapped[str | None] = mapped_column(String((MAX_DEPTH + 1) * NUMBER_WIDTH))
    author_name: Mapped[str] = mapped_column(String(100))
    author_url: Mapped[str] = mapped_column(String(500), default="")
    author_token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    # A keyed digest of the network that the comment came from (visitors/identity.py: network_mark), for the owner's
    # filter and bans. Deleted after 30 days.
    network_mark: Mapped[bytes | None] = mapped_column(LargeBinary)
    body_source: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str] = mapped_column(Text)
    # Signs of spam and their details, for the owner (reasons.py); None for comments older than this column.
    reasons: Mapped[list[list[str]] | None] = mapped_column(JSON(none_as_null=True))
    # How the word filter has learned the comment: `spam`, `honest`, or empty.
    learned_as: Mapped[str] = mapped_column(String(8), default="", server_default=text("''"))
    # The hosts of all links, for the owner's filter (link_hosts.py).
    link_hosts: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    renderer_version: Mapped[int] = mapped_column(SmallInteger)
    # Detects a form that a browser without our cookie sends twice. Deleted with the day's key, and when the comment is
    # edited or removed.
    digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    # The digest of the current text, by the author or an owner.
    body_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        Index(None, "article_id", "root_id", "shown", "number"),
        Index(None, "article_id", "root_id", "shown", "like_count", "number"),
        Index(None, "root_id", "shown", "path"),
        Index(None, "article_id", "changed_in"),
        Index(None, "body_digest", "id"),
        Index(None, "author_token_hash", "article_id", "body_digest"),
        Index(None, "author_token_hash", "status", "id"),
        Index(None, "status", "id"),
        Index(None, "article_id", "status", "id"),
        Index(None, "network_mark", "id"),
        Index(None, "parent_id"),
        Index(None, "shown_under_id"),
    )


@dataclass(slots=True, eq=False)
class ConversationInfo:
    """The columns of a conversation. Only `visibility.add_comment` changes them, for a new comment."""

    article_id: int
    last_number: int = 0
    version: int = 0
    comment_count: int = 0
    moderation: str | None = None
    is_closed: bool = False
    is_kept_open: bool = False
    pinned_id: int | None = None


@dataclass(slots=True, eq=False)
class CommentInfo(State):
    """A comment as pages show it, to be read: without its source, and what only lists of owners and checks of new
    comments need. Changes are not stored. Reading it takes half the time of a `Comment`, whose attributes of the same
    names have the same values."""

    author_name: str
    author_url: str
    by_owner: bool
    body_html: str
    created_at: datetime
    id: int = 0
    number: int = 0
    parent_id: int | None = None
    root_id: int | None = None
    shown_under_id: int | None = None
    depth: int = 0
    path: str = ""
    status: str = ""
    shown: bool = False
    published_in: int = 0
    changed_in: int = 0
    like_count: int = 0
    revision: int = 0
    edited_at: datetime | None = None
    edited_by: str = ""
    is_locked: bool = False
    reply_count: int = 0
    fold_path: str | None = None
    author_token_hash: bytes | None = None
    network_mark: bytes | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class NewComment(CommentInfo):
    """A comment that is to be stored: the columns of a `Comment`. Creating it takes a fifth of the time of one."""

    article_id: int
    body_source: str
    link_hosts: str
    renderer_version: int
    body_digest: bytes
    digest: bytes | None = None
    reasons: list[list[str]] | None = None
    learned_as: str = ""


AnyComment = Comment | CommentInfo
# A comment with its source.
FullComment = Comment | NewComment


class CommentRevision(Model):
    """The text of a comment before an edit, kept for the owner until the author deletes the comment. `replaced_by` is
    the owner who edited another author's comment; empty if the author did."""

    __tablename__ = "comment_revisions"

    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    body_source: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(Moment)
    replaced_by: Mapped[str] = mapped_column(String(60), default="", server_default=text("''"))


class CommentDecision(Model):
    """Who changed the state of a comment, when, from which state, and at which revision of its text. Decisions that one
    press made about many comments have the same random number `batch`, and are undone together."""

    __tablename__ = "comment_decisions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"))
    act: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(Owner.id, ondelete="SET NULL"))
    revision: Mapped[int] = mapped_column(Integer)
    status_before: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime] = mapped_column(Moment)
    batch: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (Index(None, "comment_id", "id"), Index(None, "batch", "comment_id"))


class Like(Model):
    """One visitor's like of a comment. The rows are deleted with the day's key; the count stays."""

    __tablename__ = "likes"

    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
    visitor: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class SpamTerm(Model):
    """A word, host or agent (`agent: curl`) of the owner's list: comments with it are spam."""

    __tablename__ = "spam_terms"

    term: Mapped[str] = mapped_column(String(200), primary_key=True)


class SpamWord(Model):
    """The numbers of comments with a word that were marked as spam and that were approved; the empty word counts the
    comments themselves."""

    __tablename__ = "spam_words"

    word: Mapped[str] = mapped_column(String(40), primary_key=True)
    spam: Mapped[int] = mapped_column(Integer)
    honest: Mapped[int] = mapped_column(Integer)


class Ban(Model):
    """A browser or a network that cannot post until `until` (None: for ever). `mark` is the hash of the browser's
    cookie or the network's mark."""

    __tablename__ = "bans"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(Owner.id, ondelete="SET NULL"))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey(Comment.id, ondelete="SET NULL"))
