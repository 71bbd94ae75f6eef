"""The owner removes and restores comments on the article page."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for

from blogapp.articles.models import Article
from blogapp.comments import moderation
from blogapp.comments.current_author import current_author
from blogapp.comments.decisions import Decider
from blogapp.comments.models import BY_OWNER, FINAL, Comment
from blogapp.comments.routes.author import changed
from blogapp.comments.routes.read import Answer, article_of
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text.i18n import gettext
from blogapp.web.errors import NotFound
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_moderation", __name__)


@bp.get("/comments/<id:comment_id>/removal")
def confirm(comment_id: int) -> Answer:
    """Ask before a removal; for a comment that is removed already, offer to restore it."""
    comment, article = _find(comment_id)
    template = "comments/_delete.html" if is_htmx() else "comments/delete.html"
    return render_template(template, article=article, comment=comment, removes=True)


@bp.post("/comments/<id:comment_id>/removal")
def remove(comment_id: int) -> Answer:
    comment, article = _find(comment_id)
    author = current_author()
    with write_transaction(article.id) as session:
        comment = moderation.remove(session, comment_id, Decider(BY_OWNER, author.owner_id), author.now)
    if not is_htmx() and not comment.shown:
        return redirect(url_for("comment_moderation.confirm", comment_id=comment.id), 303)
    return changed(article, comment, gettext("The comment has been removed."))


@bp.post("/comments/<id:comment_id>/restoration")
def restore(comment_id: int) -> Answer:
    comment, article = _find(comment_id)
    author = current_author()
    with write_transaction(article.id) as session:
        comment = moderation.restore(session, comment_id, Decider(BY_OWNER, author.owner_id), author.now)
    return changed(article, comment, gettext("The comment has been restored."))


def _find(comment_id: int) -> tuple[Comment, Article]:
    """A comment that still has a text, for the owner. Raises NotAllowed for everybody else, or NotFound."""
    current_author().check_is_owner()
    comment = db.session.get(Comment, comment_id)
    if comment is None or comment.status in FINAL:
        raise NotFound
    return comment, article_of(comment)
