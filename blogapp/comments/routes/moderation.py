"""Routes for owners to decide about one comment: approve, mark as spam, remove, restore, delete for good, undo.

The buttons are the same on the article's page and in the list of comments (templates/comments/_moderation.html).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, make_response, render_template, request, url_for
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.comments import moderation
from blogapp.comments.current_author import current_author
from blogapp.comments.decisions import Decider
from blogapp.comments.models import APPROVE, BY_OWNER, ERASE, MARK_AS_SPAM, REMOVE, RESTORE, Comment
from blogapp.comments.notices import done_sentence
from blogapp.comments.permissions import Author
from blogapp.comments.routes.answers import changed, confirm_page
from blogapp.comments.routes.read import Answer, article_of
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import owner_required
from blogapp.text.i18n import gettext
from blogapp.web.converters import whole_number
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_moderation", __name__)

Decide = Callable[[Session, int, Decider, datetime], Comment]


@bp.post("/comments/<id:comment_id>/approval")
@owner_required
def approve(comment_id: int) -> Answer:
    """Publish the comment. `revision` is the revision of the text that the owner has read."""
    revision = request.form.get("revision", 0, type=whole_number)

    def decide(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
        return moderation.approve(session, comment_id, revision, decider, now)

    try:
        return _decide(comment_id, APPROVE, decide)
    except moderation.TextChanged as refusal:
        return _ask_again(comment_id, refusal)


@bp.post("/comments/<id:comment_id>/spam")
@owner_required
def spam(comment_id: int) -> Answer:
    return _decide(comment_id, MARK_AS_SPAM, moderation.mark_as_spam)


@bp.get("/comments/<id:comment_id>/removal")
@owner_required
def confirm(comment_id: int) -> Answer:
    """Ask for confirmation of a removal, or offer to restore a removed comment."""
    comment = moderation.find_undeleted(db.session(), comment_id)
    return confirm_page(article_of(comment), comment, removes=True)


@bp.post("/comments/<id:comment_id>/removal")
@owner_required
def remove(comment_id: int) -> Answer:
    return _decide(comment_id, REMOVE, moderation.remove)


@bp.post("/comments/<id:comment_id>/restoration")
@owner_required
def restore(comment_id: int) -> Answer:
    return _decide(comment_id, RESTORE, moderation.restore)


@bp.get("/comments/<id:comment_id>/erasure")
@owner_required
def confirm_erasure(comment_id: int) -> Answer:
    comment = moderation.find_undeleted(db.session(), comment_id)
    sentence = gettext("Delete this comment for good? Its text, name and link cannot be restored.")
    return _confirm(comment, "erase", sentence, gettext("Delete for good"))


@bp.post("/comments/<id:comment_id>/erasure")
@owner_required
def erase(comment_id: int) -> Answer:
    return _decide(comment_id, ERASE, moderation.erase)


@bp.post("/owner/comments/undo")
@owner_required
def undo() -> Answer:
    """Undo the decisions of one press, whose number is `batch`."""
    decider = _owner()
    with write_transaction() as session:
        batch = request.form.get("batch", 0, type=whole_number)
        comments = moderation.undo(session, batch, decider, clock.now())
    article = article_of(comments[0])
    return changed(article, comments[0], gettext("Undone."))


def undo_notice(session: Session, author: Author) -> dict[str, object]:
    """For a page after an owner's press without JavaScript (`?undo=`): what was done, and the number to undo it."""
    batch = request.args.get("undo", 0, type=whole_number) if author.is_owner else 0
    found = moderation.find_undoable(session, batch, clock.now()) if batch else None
    return {"undo": batch, "sentence": done_sentence(*found)} if found else {}


def _decide(comment_id: int, act: str, decide: Decide) -> Answer:
    comment = moderation.find_undeleted(db.session(), comment_id)
    article, decider = article_of(comment), _owner()
    with write_transaction(comment.article_id) as session:
        comment = decide(session, comment_id, decider, clock.now())
    return changed(article, comment, done_sentence(act), undo=0 if act == ERASE else decider.batch)


def _owner() -> Decider:
    return Decider(BY_OWNER, current_author().owner_id, batch=secrets.randbits(53))


def _ask_again(comment_id: int, refusal: moderation.TextChanged) -> Answer:
    """The text was edited after the owner read it: show the present text, and ask again."""
    comment = db.session.get_one(Comment, comment_id, populate_existing=True)
    if is_htmx():
        response = changed(article_of(comment), comment, str(refusal))
        response.status_code = refusal.status
        return response
    response = make_response(_confirm(comment, "approve", str(refusal), gettext("Approve")))
    response.status_code = refusal.status
    return response


def _confirm(comment: Comment, endpoint: str, sentence: str, button: str) -> str:
    """A page or fragment that shows the comment and asks before it is changed."""
    return render_template(
        "comments/_confirm.html" if is_htmx() else "comments/confirm.html",
        article=article_of(comment),
        comment=comment,
        url=url_for(f"comment_moderation.{endpoint}", comment_id=comment.id),
        sentence=sentence,
        button=button,
    )
