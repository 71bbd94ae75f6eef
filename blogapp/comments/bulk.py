"""Decide about many comments at once.

The comments are changed in batches, each in a transaction of its own, so that a writer never waits longer than for one
batch. Readers do not wait at all. Comments that no reader sees, such as a wave of spam that awaits approval, need three
statements a batch; visible ones change counters and threads and are changed one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from blogapp.comments import bayes, moderation
from blogapp.comments.decisions import Decider
from blogapp.comments.editing import ERASED_VALUES
from blogapp.comments.models import (
    APPROVE,
    ERASE,
    ERASED,
    FINAL,
    MARK_AS_SPAM,
    PUBLISHED,
    REMOVE,
    REMOVED,
    RESTORE,
    SPAM,
    Comment,
    CommentDecision,
    CommentRevision,
    Like,
)
from blogapp.comments.visibility import lock_conversation, lock_conversations
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.values import frozen

# Comments changed in one transaction: invisible ones together, visible ones one by one.
# A transaction should be over long before the write queue counts as stalled (one second, db/write_queue.py), also on a
# slow host.
BATCH = 500
VISIBLE_BATCH = 25
# Comments of one batch from which the word filter learns.
LEARNED_AT_MOST = 50
# Visible comments changed by one press: a press must end before proxies give up (about 30 seconds).
VISIBLE_AT_MOST = 1_000

Act = Callable[[Session, Comment, Decider, datetime], Comment]

# The state of an invisible comment after each act that needs no counters.
STATUS_AFTER = {MARK_AS_SPAM: SPAM, REMOVE: REMOVED, ERASE: ERASED}
ACTS: dict[str, Act] = {
    # Only texts that were seen are selected (`seen_before`, `at_revisions`).
    APPROVE: lambda session, comment, decider, now: moderation.approve(
        session, comment.id, comment.revision, decider, now
    ),
    MARK_AS_SPAM: lambda session, comment, *who: moderation.mark_as_spam(session, comment.id, *who),
    REMOVE: lambda session, comment, *who: moderation.remove(session, comment.id, *who),
    RESTORE: lambda session, comment, *who: moderation.restore(session, comment.id, *who),
    ERASE: lambda session, comment, *who: moderation.erase(session, comment.id, *who),
}


@frozen
class Outcome:
    """How many comments were changed, and whether there are more that match."""

    changed: int
    more: bool


def seen_before(last_id: int, moment: datetime) -> ColumnElement[bool]:
    """Comments that existed with their present text when the owner's page was made, at `moment`; `last_id` is the id of
    the newest comment then. Times are whole seconds, so a text edited in that second was perhaps not seen."""
    return and_(Comment.id <= last_id, or_(Comment.edited_at.is_(None), Comment.edited_at < moment))


def at_revisions(revisions: Iterable[tuple[int, int]]) -> ColumnElement[bool]:
    """The comments with these ids, each if its text still is of this revision."""
    pairs = list(revisions)
    ids = [comment_id for comment_id, _ in pairs]
    return and_(Comment.id.in_(ids), tuple_(Comment.id, Comment.revision).in_(pairs))


def decide_about_many(
    session: Session, act: str, selected: ColumnElement[bool], decider: Decider, now: datetime
) -> Outcome:
    """Apply `act` to all comments that match `selected`; deleted ones are left out. No transaction may be open. The
    decisions can be undone by `decider.batch`."""
    left_out = {*FINAL, STATUS_AFTER.get(act, PUBLISHED if act == APPROVE else "")}
    matching = and_(selected, Comment.status.not_in(left_out))
    if act == RESTORE:
        matching = and_(selected, Comment.status == REMOVED)
    changed = 0
    if act in STATUS_AFTER:
        while ids := _some(session, and_(matching, _is_invisible()), BATCH):
            changed += _change_invisible(act, ids, matching, decider, now)
    for _ in range(VISIBLE_AT_MOST // VISIBLE_BATCH):
        if not (ids := _some(session, matching, VISIBLE_BATCH)):
            return Outcome(changed, more=False)
        for article_id in articles_of(session, ids):
            changed += _change_each(act, article_id, ids, matching, decider, now)
    return Outcome(changed, more=bool(_some(session, matching, 1)))


def articles_of(session: Session, ids: Sequence[int]) -> Sequence[int]:
    """The articles that comments belong to. Visible comments are changed in a transaction for each article, which
    raises only the content version of that article."""
    return session.scalars(select(Comment.article_id).where(Comment.id.in_(ids)).distinct()).all()


def _is_invisible() -> ColumnElement[bool]:
    return and_(Comment.shown.is_(False), Comment.status != PUBLISHED)


def _some(session: Session, condition: ColumnElement[bool], limit: int) -> Sequence[int]:
    session.rollback()  # each batch is read from a new snapshot
    return session.scalars(select(Comment.id).where(condition).order_by(Comment.id.desc()).limit(limit)).all()


def _change_invisible(
    act: str, ids: Sequence[int], matching: ColumnElement[bool], decider: Decider, now: datetime
) -> int:
    """Change the comments with these ids that still match, in a few statements. Readers see no difference."""
    values: dict[str, Any] = {"status": STATUS_AFTER[act]}
    if act == REMOVE:
        values["digest"] = None
    if act == ERASE:
        values |= ERASED_VALUES
    with write_transaction(Changes.NOTHING) as session:
        lock_conversations(session, select(Comment.article_id).where(Comment.id.in_(ids)))
        still = and_(Comment.id.in_(ids), matching, _is_invisible())
        rows = session.execute(select(Comment.id, Comment.revision, Comment.status).where(still)).all()
        if not rows:
            return 0
        same = {"act": act, "actor": decider.actor, "owner_id": decider.owner_id, "batch": decider.batch}
        decisions = [
            {"comment_id": row.id, "revision": row.revision, "status_before": row.status, "decided_at": now, **same}
            for row in rows
        ]
        session.execute(insert(CommentDecision), decisions)
        found = [row.id for row in rows]
        if act == MARK_AS_SPAM:
            # A wave of spam says little new after its first comments.
            some = select(Comment).where(Comment.id.in_(found[:LEARNED_AT_MOST]))
            bayes.learn(session, session.scalars(some, execution_options={"populate_existing": True}), bayes.SPAM)
            session.flush()
        if act == ERASE:
            session.execute(delete(CommentRevision).where(CommentRevision.comment_id.in_(found)))
            session.execute(delete(Like).where(Like.comment_id.in_(found)))
        session.execute(
            update(Comment).where(Comment.id.in_(found)).values(values),
            execution_options={"synchronize_session": False},
        )
        return len(found)


def _change_each(
    act: str, article_id: int, ids: Sequence[int], matching: ColumnElement[bool], decider: Decider, now: datetime
) -> int:
    with write_transaction(article_id) as session:
        lock_conversation(session, article_id)
        still = select(Comment).where(Comment.id.in_(ids), Comment.article_id == article_id, matching)
        comments = session.scalars(still.order_by(Comment.id), execution_options={"populate_existing": True}).all()
        for comment in comments:
            ACTS[act](session, comment, decider, now)
        return len(comments)
