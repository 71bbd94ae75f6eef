"""Undo what one press of an owner has decided, about one comment or many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from blogapp.comments import bayes
from blogapp.comments.bulk import articles_of
from blogapp.comments.decisions import Decider
from blogapp.comments.models import ERASE, FINAL, PUBLISHED, UNDO, Comment, CommentDecision
from blogapp.comments.moderation import revert
from blogapp.comments.visibility import lock_conversations
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.text.i18n import gettext
from blogapp.web.errors import Conflict

# How long a decision can be undone: 30 seconds, and some for slow connections.
UNDO_PERIOD = timedelta(seconds=40)
# Comments changed in one transaction, as in bulk.py.
BATCH = 500
VISIBLE_BATCH = 25

Decision = Row[tuple[int, int, str, str, int]]


class TooLate(Conflict):
    """The decisions can no longer be undone."""

    def __init__(self) -> None:
        super().__init__(gettext("This can no longer be undone."))


def find_done(session: Session, batch: int, now: datetime) -> tuple[str, int] | None:
    """The act and the number of comments of a press; None if it is unknown or can no longer be undone."""
    made = and_(CommentDecision.batch == batch, CommentDecision.decided_at >= now - UNDO_PERIOD)
    query = select(CommentDecision.act, func.count()).where(made).group_by(CommentDecision.act)
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def first_decided(session: Session, batch: int) -> Comment | None:
    """The first comment that a press has decided about, for the page that shows the outcome."""
    decided = select(CommentDecision.comment_id).where(CommentDecision.batch == batch)
    comment_id = session.scalar(decided.order_by(CommentDecision.comment_id).limit(1))
    return session.get(Comment, comment_id) if comment_id else None


def undo(session: Session, batch: int, decider: Decider, now: datetime) -> int:
    """Give the comments of one press the status that they had before, unless something else was decided since. Returns
    their number. No transaction may be open. Raises TooLate."""
    since, undone = now - UNDO_PERIOD, 0
    hidden = and_(Comment.shown.is_(False), Comment.status != PUBLISHED, CommentDecision.status_before != PUBLISHED)
    while ids := _some(session, batch, since, hidden, BATCH):
        with write_transaction(Changes.NOTHING) as writer:
            undone += _undo_hidden(writer, _locked(writer, batch, since, ids, hidden), decider, now)
    while ids := _some(session, batch, since, None, VISIBLE_BATCH):
        for article_id in articles_of(session, ids):
            with write_transaction(article_id) as writer:
                for row in _locked(writer, batch, since, ids, Comment.article_id == article_id):
                    revert(writer, row.id, row.status_before, decider, now)
                    undone += 1
    if not undone:
        raise TooLate
    return undone


def _undoable(batch: int, since: datetime, also: ColumnElement[bool] | None) -> Any:
    """The comments of the press that were not decided about again: an undone one was."""
    later = aliased(CommentDecision)
    is_overtaken = exists().where(later.comment_id == Comment.id, later.id > CommentDecision.id)
    query = (
        select(Comment.id, Comment.article_id, Comment.status, CommentDecision.status_before, Comment.revision)
        .join(CommentDecision, CommentDecision.comment_id == Comment.id)
        .where(
            CommentDecision.batch == batch,
            CommentDecision.decided_at >= since,
            CommentDecision.act.not_in({ERASE, UNDO}),
            Comment.status.not_in(FINAL),
            # The owner has not seen a text that its author has changed since.
            CommentDecision.revision == Comment.revision,
            ~is_overtaken,
        )
        .order_by(Comment.article_id, Comment.id)
    )
    return query if also is None else query.where(also)


def _some(session: Session, batch: int, since: datetime, also: ColumnElement[bool] | None, limit: int) -> list[int]:
    session.rollback()  # each batch is read from a new snapshot
    return [row.id for row in session.execute(_undoable(batch, since, also).limit(limit))]


def _locked(
    session: Session, batch: int, since: datetime, ids: list[int], also: ColumnElement[bool] | None
) -> Sequence[Decision]:
    """The comments with these ids that can still be undone, now that their conversations are locked."""
    chosen = _undoable(batch, since, also).where(Comment.id.in_(ids))
    lock_conversations(session, select(chosen.subquery().c.article_id))
    return session.execute(chosen).all()


def _undo_hidden(session: Session, rows: Sequence[Decision], decider: Decider, now: datetime) -> int:
    """Readers see no difference, so a few statements change all."""
    same = {
        "act": UNDO,
        "actor": decider.actor,
        "owner_id": decider.owner_id,
        "batch": decider.batch,
        "decided_at": now,
    }
    decisions = [{"comment_id": row.id, "revision": row.revision, "status_before": row.status, **same} for row in rows]
    if decisions:
        session.execute(insert(CommentDecision), decisions)
    learned = select(Comment).where(Comment.id.in_([row.id for row in rows]), Comment.learned_as != "")
    bayes.learn(session, session.scalars(learned, execution_options={"populate_existing": True}), "")
    session.flush()
    for status in {row.status_before for row in rows}:
        ids = [row.id for row in rows if row.status_before == status]
        change = update(Comment).where(Comment.id.in_(ids)).values(status=status)
        session.execute(change, execution_options={"synchronize_session": False})
    return len(rows)
