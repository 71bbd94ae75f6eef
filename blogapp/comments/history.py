"""What happened to one comment: its post, its edits, and every decision about it, for the owner."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import (
    APPROVE,
    BY_AUTHOR,
    BY_COMMAND,
    BY_RULES,
    DELETE,
    ERASE,
    HOLD,
    MARK_AS_SPAM,
    REMOVE,
    RESTORE,
    UNDO,
    Comment,
    CommentDecision,
    CommentRevision,
)
from blogapp.owners.models import Owner
from blogapp.text.i18n import gettext, pgettext
from blogapp.values import frozen


@frozen
class Event:
    """`what` was done, by `who`, when the comment had its text number `version` (1 is the first one). An edit has the
    text that it replaced in `text`."""

    at: datetime
    what: str
    who: str
    version: int
    text: str = ""


def load_history(session: Session, comment: Comment) -> list[Event]:
    """Everything that happened to the comment, newest first, in two queries."""
    revisions = select(CommentRevision).where(CommentRevision.comment_id == comment.id)
    decisions = session.execute(
        select(CommentDecision, Owner.name)
        .outerjoin(Owner, Owner.id == CommentDecision.owner_id)
        .where(CommentDecision.comment_id == comment.id)
        .order_by(CommentDecision.id)
    )
    events = [Event(comment.created_at, gettext("Posted"), gettext("The author"), 1)]
    events += [
        Event(
            edit.replaced_at,
            gettext("Edited"),
            edit.replaced_by or gettext("The author"),
            edit.revision + 1,
            edit.body_source,
        )
        for edit in session.scalars(revisions.order_by(CommentRevision.revision))
    ]
    events += [
        Event(decision.decided_at, _what(decision.act), _who(decision.actor, name), decision.revision + 1)
        for decision, name in decisions
    ]
    # Stable: what happened at the same time stays in its order.
    return sorted(events, key=lambda event: event.at)[::-1]


def _what(act: str) -> str:
    return {
        APPROVE: lambda: gettext("Approved"),
        MARK_AS_SPAM: lambda: gettext("Marked as spam"),
        REMOVE: lambda: pgettext("decision", "Removed"),
        RESTORE: lambda: gettext("Restored"),
        ERASE: lambda: gettext("Deleted for good"),
        UNDO: lambda: gettext("Decision undone"),
        DELETE: lambda: pgettext("decision", "Deleted"),
        HOLD: lambda: gettext("Held for approval"),
    }[act]()


def _who(actor: str, owner_name: str | None) -> str:
    """The actor of a decision. An owner whose account was deleted has no name."""
    names = {
        BY_AUTHOR: lambda: gettext("The author"),
        BY_COMMAND: lambda: gettext("A command on the server"),
        BY_RULES: lambda: gettext("The rules of the site"),
    }
    return names[actor]() if actor in names else owner_name or gettext("An owner")
