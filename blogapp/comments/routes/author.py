"""What one can do to a comment that stands: change it, take it back, like it; and try a text before it does."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, json, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.reading import find_article
from blogapp.comments.editing import EditedMeanwhile, edit_comment, find_own, withdraw_comment
from blogapp.comments.form_view import FormView
from blogapp.comments.forms import BODY_LENGTH, BodyForm, CommentForm
from blogapp.comments.likes import toggle_like
from blogapp.comments.models import MAX_DEPTH, Comment
from blogapp.comments.permissions import current_author
from blogapp.comments.routes.read import address_of, article_of
from blogapp.comments.threads import Node, conversation_of, find_comment, load_threads
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import key_of_day, network_of, visitor_digest
from blogapp.web.converters import whole_number
from blogapp.web.errors import NotFound
from blogapp.web.htmx import is_htmx
from blogapp.web.rate_limits import seconds_to_wait

bp = Blueprint("comment_authors", __name__)

Answer = Response | WerkzeugResponse | str | tuple[str, int]


@bp.get("/comments/<id:comment_id>/edit")
def edit(comment_id: int) -> Answer:
    comment, article = _own(comment_id)
    return _edit_page(article, comment, BodyForm(body=comment.body_source), 200)


@bp.post("/comments/<id:comment_id>/edit")
def update(comment_id: int) -> Answer:
    comment, article = _own(comment_id)
    form = BodyForm(request.form)
    if not form.validate():
        return _edit_page(article, comment, form, 422)
    revision = request.form.get("revision", 0, type=whole_number)
    rules = current_app.config["COMMENT_RULES"]
    try:
        with write_transaction() as session:
            text, html = form.body.data or "", form.body_html
            comment = edit_comment(session, comment_id, text, html, revision, current_author(), rules)
    except EditedMeanwhile as meanwhile:
        return _edit_page(article, meanwhile.comment, form, 409, meanwhile=meanwhile.comment)
    sentence = gettext("Your changes are saved.")
    if not comment.is_published:
        sentence = gettext("Thank you. Your comment waits for approval.")
    return _changed(article, comment, sentence)


@bp.get("/comments/<id:comment_id>/delete")
def confirm(comment_id: int) -> Answer:
    comment, article = _own(comment_id)
    template = "comments/_delete.html" if is_htmx() else "comments/delete.html"
    return render_template(template, article=article, comment=comment)


@bp.post("/comments/<id:comment_id>/delete")
def delete(comment_id: int) -> Answer:
    _, article = _own(comment_id)
    with write_transaction() as session:
        comment = withdraw_comment(session, comment_id, current_author())
    return _changed(article, comment, gettext("Your comment is withdrawn."))


@bp.post("/comments/<id:comment_id>/likes")
def like(comment_id: int) -> Answer:
    article = article_of(find_comment(db.session(), comment_id))
    with write_transaction() as session:
        key = key_of_day(session, clock.now().date()).key
        visitor = visitor_digest(key, network_of(request.remote_addr), request.user_agent.string)
        comment, is_liked = toggle_like(session, comment_id, visitor, current_author())
    if is_htmx():
        return render_template("comments/_like.html", comment=comment, is_liked=is_liked)
    return redirect(address_of(article, comment), 303)


@bp.post("/comments/preview")
def preview() -> Answer:
    """The HTML of `body` as it would be posted: the fragment, or for a plain form the page with the form below it."""
    slug = request.form.get("article", "")
    article = find_article(db.session(), slug, clock.now()) if slug else None
    if article is not None:
        i18n.speak(article.lang)
    if seconds_to_wait(current_app.config["PREVIEW_RATES"], "preview", clock.now()):
        sentence = gettext("Too much came from your network. Wait a moment, then try again.")
        return render_template("comments/_preview.html", html="", sentence=sentence), 429
    form = CommentForm(request.form)
    text = form.body.data or ""
    if len(text) > BODY_LENGTH:
        form.validate()
        return render_template("comments/_preview.html", html="", sentence=form.body.errors[0]), 422
    html = markup.render_comment(text, i18n.current_locale())
    if is_htmx() or article is None:
        return render_template("comments/_preview.html", html=html, sentence="")
    parent = db.session.get(Comment, form.parent) if form.validate() and form.parent else None
    for field in form:
        field.errors = ()
    if parent is not None and parent.article_id != article.id:
        raise NotFound
    view = FormView(article, form, parent=parent)
    return render_template("comments/preview.html", article=article, html=html, form=view)


def _own(comment_id: int) -> tuple[Comment, Article]:
    """A comment that the asking visitor may change, and its article, whose language is spoken from here on."""
    session = db.session()
    comment = session.get(Comment, comment_id)
    if comment is not None:
        i18n.speak(session.get_one(Article, comment.article_id).lang)
    comment = find_own(session, comment_id, current_author())
    return comment, article_of(comment)


def _edit_page(
    article: Article, comment: Comment, form: BodyForm, status: int, meanwhile: Comment | None = None
) -> tuple[str, int]:
    template = "comments/_edit.html" if is_htmx() else "comments/edit.html"
    return render_template(template, article=article, comment=comment, form=form, meanwhile=meanwhile), status


def _changed(article: Article, comment: Comment, sentence: str) -> Answer:
    """The comment as it is now, where it stands or stood, and the words that are spoken."""
    session = db.session()
    if not is_htmx():
        if comment.shown:
            return redirect(address_of(article, comment), 303)
        return redirect(address_of_conversation(article), 303)
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


def address_of_conversation(article: Article) -> str:
    return url_for("articles.show", slug=article.slug, _anchor="comments")
