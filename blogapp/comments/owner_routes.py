"""Routes for the owner to remove and restore comments on the article page."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for

from blogapp.comments import moderation
from blogapp.comments.current_author import current_author
from blogapp.comments.decisions import Decider
from blogapp.comments.models import BY_OWNER
from blogapp.comments.routes.answers import changed, confirm_page, find_for_change
from blogapp.comments.routes.read import Answer
from blogapp.db.transactions import write_transaction
from blogapp.text.i18n import gettext
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_moderation", __name__)


@bp.get("/comments/<id:comment_id>/removal")
def confirm(comment_id: int) -> Answer:
    """Ask for confirmation of a removal, or offer to restore a removed comment."""
    comment, article = find_for_change(comment_id, moderation.find_removable)
    return confirm_page(article, comment, removes=True)


@bp.post("/comments/<id:comment_id>/removal")
def remove(comment_id: int) -> Answer:
    comment, article = find_for_change(comment_id, moderation.find_removable)
    with write_transaction(article.id) as session:
        comment = moderation.remove(session, comment_id, _owner(), current_author().now)
    if not is_htmx() and not comment.shown:
        return redirect(url_for("comment_moderation.confirm", comment_id=comment.id), 303)
    return changed(article, comment, gettext("The comment has been removed."))


@bp.post("/comments/<id:comment_id>/restoration")
def restore(comment_id: int) -> Answer:
    comment, article = find_for_change(comment_id, moderation.find_removable)
    with write_transaction(article.id) as session:
        comment = moderation.restore(session, comment_id, _owner(), current_author().now)
    return changed(article, comment, gettext("The comment has been restored."))


def _owner() -> Decider:
    return Decider(BY_OWNER, current_author().owner_id)
