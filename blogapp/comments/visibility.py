"""Publish and hide comments, and keep counters and versions consistent.

Call these functions inside a write transaction that has locked the article's conversation.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from blogapp.comments.models import PUBLISHED, REPLIES_SHOWN, Comment, Conversation, ConversationInfo, NewComment
from blogapp.db import search_index
from blogapp.db.base import Model
from blogapp.db.search_index import Entry
from blogapp.db.transactions import insert_in
from blogapp.text import markup
from blogapp.web.errors import NotFound

# Built once: building a statement takes longer than running it.
_comments = Model.metadata.tables[Comment.__tablename__]
_conversations = Model.metadata.tables[Conversation.__tablename__]
COLUMNS = [column.name for column in _comments.columns if column.name != "id"]
COUNTED = ("last_number", "version", "comment_count")
UPDATE_COUNTERS = (
    update(_conversations)
    .where(_conversations.c.article_id == bindparam("of"))
    .values({name: bindparam(name) for name in COUNTED})
)


def lock_conversation(session: Session, article_id: int) -> Conversation:
    """The article's conversation, locked until the transaction ends. It is created if it does not exist. Raises
    NotFound if the article was deleted."""
    session.flush()  # an IntegrityError of other changes is no NotFound
    upsert = _lock_statement(session.get_bind().dialect.name)
    try:
        locked: Conversation = session.scalars(
            upsert, _new_row(article_id), execution_options={"populate_existing": True}
        ).one()
    except IntegrityError:
        raise NotFound from None
    return locked


def lock_counters(connection: Connection, article_id: int) -> ConversationInfo:
    """Like `lock_conversation`, for `add_comment`. Raises NotFound if the article was deleted."""
    try:
        row = connection.execute(_lock_statement(connection.dialect.name), _new_row(article_id)).one()
        return ConversationInfo(**row._mapping)
    except IntegrityError:
        raise NotFound from None


def lock_conversations(session: Session, article_ids: Select[int]) -> None:
    """Lock the conversations of several articles, always in the same order, so that two transactions cannot deadlock.
    SQLite has locked everything already."""
    locked = select(_conversations.c.article_id).where(_conversations.c.article_id.in_(article_ids))
    session.execute(locked.order_by(_conversations.c.article_id).with_for_update()).all()


def _new_row(article_id: int) -> dict[str, int | bool]:
    counters = {"last_number": 0, "version": 0, "comment_count": 0}
    return {"article_id": article_id, **counters, "is_closed": False, "is_kept_open": False}


@cache  # building the statement takes longer than running it
def _lock_statement(dialect: str) -> Any:
    """One statement that creates the row, or locks and reads the existing one."""
    return (
        insert_in(dialect, Conversation)
        .on_conflict_do_update(index_elements=["article_id"], set_={"version": Conversation.version})
        .returning(Conversation)
    )


@cache
def _insert_statement(dialect: str) -> Any:
    """Inserts a comment, unless another one has the same digest."""
    insert = insert_in(dialect, _comments)
    return insert.on_conflict_do_nothing(index_elements=["digest"]).returning(_comments.c.id)


def lock_comment(session: Session, comment: Comment) -> Conversation:
    """Lock the comment's conversation, and read the comment again: it may have changed before the lock was granted."""
    conversation = lock_conversation(session, comment.article_id)
    session.refresh(comment)
    return conversation


def add_comment(session: Session, conversation: ConversationInfo, comment: NewComment, entry: Entry) -> bool:
    """Store a comment, and update its article's conversation. `entry` is its entry in the search index; the id is set
    here. If it is published, readers see it immediately: its parent is published too. Returns whether it was stored:
    if another comment has the same digest, nothing changes."""
    version = conversation.version + comment.is_published
    comment.shown = comment.is_published
    comment.published_in = comment.changed_in = version if comment.shown else 0
    connection = session.connection()
    insert = _insert_statement(connection.dialect.name)
    inserted = connection.execute(insert, {name: getattr(comment, name) for name in COLUMNS}).first()
    if inserted is None:
        return False
    comment.id = inserted.id
    conversation.last_number, conversation.version = comment.number, version
    conversation.comment_count += comment.is_published
    values = {name: getattr(conversation, name) for name in COUNTED}
    connection.execute(UPDATE_COUNTERS, {"of": comment.article_id, **values})
    if comment.shown:
        search_index.put_comment(connection, replace(entry, id=comment.id))
        if comment.root_id is not None:
            _change_reply_count(session, comment.root_id, 1)
    return True


def publish(session: Session, conversation: Conversation, comment: Comment) -> None:
    """Show a comment to readers, and the placeholders of its hidden ancestors."""
    comment.status = PUBLISHED
    conversation.comment_count += 1
    comment.published_in = conversation.version + 1
    index_for_search(session.connection(), comment)
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
        search_index.delete_comment(session, comment.id)
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


def index_for_search(connection: Connection, comment: Comment) -> None:
    """Write a published comment to the search index."""
    entry = search_index.entry_of_comment(comment.id, markup.plain_text(comment.body_html))
    search_index.put_comment(connection, entry)


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
