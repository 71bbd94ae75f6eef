"""What visitors can do with a posted comment: edit and delete their own, like those of others."""

from __future__ import annotations

from flask import Blueprint, current_app, json, make_response, redirect, render_template, request, url_for

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments import moderation, rates
from blogapp.comments.current_author import current_author
from blogapp.comments.decisions import decider_of
from blogapp.comments.editing import EditedMeanwhile, delete_comment, edit_comment, find_changeable
from blogapp.comments.forms import BodyForm
from blogapp.comments.likes import set_like
from blogapp.comments.models import MAX_DEPTH, Comment
from blogapp.comments.posting import TooMany
from blogapp.comments.routes.read import LIKED, Answer, address_of, article_of
from blogapp.comments.threads import Node, conversation_of, find_comment, load_threads
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import key_of_day, network_of, visitor_digest
from blogapp.web.converters import whole_number
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_authors", __name__)


@bp.get("/comments/<id:comment_id>/edit")
def edit(comment_id: int) -> Answer:
    comment, article = _find_changeable(comment_id)
    return _edit_page(article, comment, BodyForm(body=comment.body_source), 200)


@bp.post("/comments/<id:comment_id>/edit")
def update(comment_id: int) -> Answer:
    comment, article = _find_changeable(comment_id)
    form = BodyForm(request.form)
    try:
        rates.check_edit(current_author())
        if not form.validate():
            return _edit_page(article, comment, form, 422)
        comment = _edit(comment, form)
    except TooMany as refusal:
        form.body.errors = [gettext("Too many changes from your network. Try again in a minute.")]
        return (*_edit_page(article, comment, form, 429), {"Retry-After": str(refusal.retry_after)})
    except EditedMeanwhile as meanwhile:
        return _edit_page(article, meanwhile.comment, form, 409, meanwhile=meanwhile.comment)
    if comment.is_published:
        return changed(article, comment, gettext("Your changes are saved."))
    return changed(article, comment, gettext("Thank you. Your comment is awaiting approval."))


@bp.get("/comments/<id:comment_id>/delete")
def confirm(comment_id: int) -> Answer:
    comment, article = _find_changeable(comment_id)
    if not current_author().may_delete(comment):
        return redirect(url_for("comment_moderation.confirm", comment_id=comment.id), 302)
    template = "comments/_delete.html" if is_htmx() else "comments/delete.html"
    return render_template(template, article=article, comment=comment, removes=False)


@bp.post("/comments/<id:comment_id>/delete")
def delete(comment_id: int) -> Answer:
    """Delete one's own comment. The owner, for whom this address works as well, only removes those of others."""
    comment, article = _find_changeable(comment_id)
    author = current_author()
    with write_transaction(article.id) as session:
        if author.may_delete(comment):
            comment = delete_comment(session, comment_id, author)
            sentence = gettext("Your comment has been deleted.")
        else:
            comment = moderation.remove(session, comment_id, decider_of(author, comment), author.now)
            sentence = gettext("The comment has been removed.")
    return changed(article, comment, sentence)


@bp.post("/comments/<id:comment_id>/likes")
def like(comment_id: int) -> Answer:
    """Give the like (`liked=1`), take it back (`liked=0`), or without the field do whichever is possible."""
    author = current_author()
    rates.check_like(author)
    article = article_of(find_comment(db.session(), comment_id))
    wanted = {"1": True, "0": False}.get(request.form.get("liked", ""))
    with write_transaction(article.id) as session:
        key = key_of_day(session, clock.now().date()).key
        visitor = visitor_digest(key, network_of(request.remote_addr), request.user_agent.string)
        comment, is_liked = set_like(session, comment_id, visitor, author, wanted)
    if is_htmx():
        liked_ids = {comment.id} if is_liked else set()
        return render_template("comments/_like.html", comment=comment, liked_ids=liked_ids)
    return redirect(address_of(article, comment, f"{LIKED}{comment.id}" if is_liked else None), 303)


def changed(article: Article, comment: Comment, sentence: str) -> Answer:
    """The comment as it is now, at its place, and a status message. A plain form leads back to the article."""
    session = db.session()
    if not is_htmx():
        if comment.shown:
            return redirect(address_of(article, comment), 303)
        return redirect(url_for("articles.show", slug=article.slug, _anchor="comments"), 303)
    parent = session.get(Comment, comment.parent_id) if comment.parent_id else None
    page = render_template(
        "comments/_changed.html",
        article=article,
        node=Node(comment, parent if comment.depth > MAX_DEPTH else None),
        threads=load_threads(session, [comment.root_id] if comment.root_id else []),
        conversation=conversation_of(session, article.id),
        sentence=sentence,
    )
    response = make_response(page)
    response.headers["HX-Trigger"] = json.dumps({"comment-changed": {"comment": f"comment-{comment.id}"}})
    return response


def _find_changeable(comment_id: int) -> tuple[Comment, Article]:
    """A comment that this visitor may change, and its article. Sets the language of the answer."""
    session = db.session()
    comment = session.get(Comment, comment_id)
    if comment is not None:
        i18n.speak(session.get_one(Article, comment.article_id).lang)
    comment = find_changeable(session, comment_id, current_author())
    return comment, article_of(comment)


def _edit(comment: Comment, form: BodyForm) -> Comment:
    body = form.body.data or ""
    html = markup.render_comment(body, i18n.current_locale())
    revision = request.form.get("revision", 0, type=whole_number)
    rules = current_app.config["COMMENT_RULES"]
    with write_transaction(comment.article_id) as session:
        return edit_comment(session, comment.id, body, html, revision, current_author(), rules)


def _edit_page(
    article: Article, comment: Comment, form: BodyForm, status: int, meanwhile: Comment | None = None
) -> tuple[str, int]:
    template = "comments/_edit.html" if is_htmx() else "comments/edit.html"
    return render_template(template, article=article, comment=comment, form=form, meanwhile=meanwhile), status
