"""Routes for posted comments: edit and delete one's own, like those of others."""

from __future__ import annotations

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for

from blogapp import clock
from blogapp.articles.reading import PublishedArticle
from blogapp.comments import rates
from blogapp.comments.bans import check_not_banned
from blogapp.comments.current_author import current_author
from blogapp.comments.editing import EditedMeanwhile, delete_comment, edit_comment, find_changeable
from blogapp.comments.finding import find_comment
from blogapp.comments.forms import BodyForm
from blogapp.comments.likes import set_like
from blogapp.comments.models import Comment
from blogapp.comments.refusals import Invalid, Refused
from blogapp.comments.routes import moderation
from blogapp.comments.routes.answers import changed, confirm_page, find_for_change, saving
from blogapp.comments.routes.read import LIKED, Answer, address_of, article_of, render_comments
from blogapp.comments.site_rules import site_rules
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import key_of_day, network_mark, network_of, visitor_digest
from blogapp.web.converters import whole_number
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_authors", __name__)


@bp.get("/comments/<id:comment_id>/edit")
def edit(comment_id: int) -> Answer:
    comment, article = find_for_change(comment_id, find_changeable)
    return _edit_page(article, comment, BodyForm(body=comment.body_source), 200)


@bp.post("/comments/<id:comment_id>/edit")
def update(comment_id: int) -> Answer:
    comment, article = find_for_change(comment_id, find_changeable)
    form = BodyForm(request.form)
    try:
        rates.check_edit(current_author())
        form.check()
        comment = _edit(comment, form)
    except Refused as refusal:
        return _edit_again(article, comment, form, refusal)
    except EditedMeanwhile as meanwhile:
        return _edit_page(article, meanwhile.comment, form, 409, meanwhile=meanwhile.comment)
    if comment.is_published:
        return changed(article, comment, gettext("Your changes are saved."))
    return changed(article, comment, gettext("Thank you. Your comment is awaiting approval."))


@bp.get("/comments/<id:comment_id>/delete")
def confirm(comment_id: int) -> Answer:
    comment, article = find_for_change(comment_id, find_changeable)
    if not current_author().may_delete(comment):
        return redirect(url_for("comment_moderation.confirm", comment_id=comment.id), 302)
    return confirm_page(article, comment, removes=False)


@bp.post("/comments/<id:comment_id>/delete")
def delete(comment_id: int) -> Answer:
    """Delete one's own comment. For the owner, this URL also removes comments of others."""
    comment, article = find_for_change(comment_id, find_changeable)
    if not current_author().may_delete(comment):
        removed: Answer = moderation.remove(comment_id)
        return removed
    with write_transaction(article.id) as session:
        comment = delete_comment(session, comment_id, current_author())
    return changed(article, comment, gettext("Your comment has been deleted."))


@bp.post("/comments/<id:comment_id>/likes")
def like(comment_id: int) -> Answer:
    """Add the like (`liked=1`), remove it (`liked=0`), or toggle it if the field is missing."""
    author = current_author()
    article = article_of(find_comment(db.session(), comment_id))  # sets the language
    rates.check_like(author)
    wanted = {"1": True, "0": False}.get(request.form.get("liked", ""))
    with write_transaction(article.id, only_adds=True) as session:
        key = key_of_day(session, clock.now().date()).key
        visitor = visitor_digest(key, network_of(request.remote_addr), request.user_agent.string)
        comment, is_liked = set_like(session, comment_id, visitor, author, wanted)
    if is_htmx():
        liked_ids = {comment.id} if is_liked else set()
        return render_comments("comments/_like.html", article, comment=comment, liked_ids=liked_ids)
    return redirect(address_of(article, comment, f"{LIKED}{comment.id}" if is_liked else None), 303)


def _edit(comment: Comment, form: BodyForm) -> Comment:
    body = form.body.data or ""
    author = current_author()
    if not author.is_owner:
        mark = network_mark(current_app.config["SECRET_KEY"], network_of(request.remote_addr))
        check_not_banned(db.session(), author.token_hash, mark, author.now)
    html = markup.render_comment(body, i18n.current_locale())
    revision = request.form.get("revision", 0, type=whole_number)
    rules = site_rules()
    with saving(comment.article_id) as session:
        return edit_comment(session, comment.id, body, html, revision, author, rules)


def _edit_again(article: PublishedArticle, comment: Comment, form: BodyForm, refusal: Refused) -> Answer:
    """The form with the typed text and the error message."""
    if not isinstance(refusal, Invalid):
        form.body.errors = [str(refusal)]
    response = make_response(_edit_page(article, comment, form, refusal.status))
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _edit_page(
    article: PublishedArticle, comment: Comment, form: BodyForm, status: int, meanwhile: Comment | None = None
) -> tuple[str, int]:
    template = "comments/_edit.html" if is_htmx() else "comments/edit.html"
    return render_template(
        template, article=article, comment=comment, form=form, meanwhile=meanwhile, failed=status >= 400
    ), status
