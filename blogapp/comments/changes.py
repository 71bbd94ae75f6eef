"""Load changed comments: those since a version, for the live refresh, and those after a write, for its response."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment, ConversationInfo, FullComment
from blogapp.comments.threads import INFO, Node, as_nodes, conversation_of, load_threads, read_comments
from blogapp.values import frozen

MAX_CHANGES = 50


def load_changes(session: Session, article_id: int, since: int) -> list[Node]:
    """The comments that changed for readers after version `since`: at most MAX_CHANGES, oldest change first."""
    changed = INFO.where(Comment.article_id == article_id, Comment.changed_in > since)
    return as_nodes(session, read_comments(session, changed.order_by(Comment.changed_in).limit(MAX_CHANGES)))


def version_of(session: Session, article_id: int, comment_id: int) -> int:
    """The version in which readers first saw this comment, or the last published comment before it."""
    seen = (
        select(Comment.published_in)
        .where(Comment.article_id == article_id, Comment.id <= comment_id, Comment.published_in > 0)
        .order_by(Comment.id.desc())
        .limit(1)
    )
    return session.scalar(seen) or 0


@frozen
class Written:
    """A comment that was just written, and what a page displays with it: its thread if it is a reply (a list of one or
    none), and the article's conversation."""

    node: Node
    threads: list[Node]
    conversation: ConversationInfo


def load_after_write(session: Session, written: FullComment, conversation: ConversationInfo | None = None) -> Written:
    """Load what a page displays with a comment after its write transaction, in one snapshot. The session's objects are
    discarded first, because other transactions may have changed their rows. With the `conversation` of that
    transaction, a new comment that is no reply needs no query."""
    session.expunge_all()
    if conversation is not None and written.root_id is None:
        return Written(Node(written), [], conversation)
    threads = load_threads(session, [written.root_id] if written.root_id else [])
    (node,) = as_nodes(session, [written])
    return Written(node, threads, conversation_of(session, written.article_id))
