"""Post a comment, or preview one."""

from __future__ import annotations

from flask import Response, current_app, json, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.reading import find_article
from blogapp.comments import rates
from blogapp.comments.current_author import current_author, remember_author
from blogapp.comments.forms import CommentForm, FormView, form_id
from blogapp.comments.models import MAX_DEPTH, Comment
from blogapp.comments.posting import (
    Closed,
    Draft,
    Invalid,
    NameTaken,
    ParentGone,
    Refused,
    Sender,
    TooMany,
    find_repeat,
    post_comment,
)

# The same blueprint: everything at an address of the comments is `comments.<name>`.
from blogapp.comments.routes.read import Answer, address_of, asked_sort, render_article_page
from blogapp.comments.routes.read import bp as bp
from blogapp.comments.threads import Node, conversation_of, find_visible, load_threads
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.text.names import is_blank
from blogapp.visitors.cookie import read_token, set_token
from blogapp.visitors.identity import hash_token, key_of_day, network_of, new_token, present_key, visitor_digest
from blogapp.web.errors import answer
from blogapp.web.htmx import is_htmx
from blogapp.web.rate_limits import seconds_to_wait


@bp.post("/articles/<slug>/comments")
def create(slug: str) -> Answer:
    article = find_article(db.session(), slug, clock.now())
    i18n.speak(article.lang)
    form = _parse_form()
    token = read_token(request)
    fresh_token = "" if token else new_token()
    try:
        rates.check_attempt(current_author())
        if not form.validate():
            raise Invalid
        comment, is_new = _post(article, form, token, fresh_token)
    except Refused as refusal:
        return _form_again(article, form, refusal)
    # A repeated form proves nothing: somebody who copies another's words must not get the cookie that owns them.
    gets_cookie = is_new and not token
    if gets_cookie:
        remember_author(fresh_token)
    response = _posted(article, comment) if is_htmx() else redirect(_address_after_posting(article, comment), 303)
    if gets_cookie:
        set_token(request, response, fresh_token)
    return response


@bp.post("/comments/preview")
def preview() -> Answer:
    """The HTML of `body` as it would be posted: the fragment, or for a plain form the page with the form below it."""
    form = _parse_form()
    slug = request.form.get("article", "")
    article = find_article(db.session(), slug, clock.now()) if slug else None
    if article is not None:
        i18n.speak(article.lang)
    html, sentence, status = "", form.length_error(), 422
    if seconds_to_wait(current_app.config["PREVIEW_RATES"], "preview", clock.now()):
        sentence, status = gettext("Too many requests from your network. Try again in a minute."), 429
    if not sentence:
        body, status = form.body.data or "", 200
        html = "" if is_blank(body) else markup.render_comment(body, i18n.current_locale())
    if is_htmx() or article is None:
        return render_template("comments/_preview.html", html=html, sentence=sentence), status
    parent = find_visible(db.session(), form.parent, article.id, current_author())
    view = FormView(article, form, parent=parent)
    return render_template("comments/preview.html", article=article, html=html, sentence=sentence, form=view), status


@bp.app_template_global("typed_text")
def typed_text() -> str:
    """The text of a form that was refused with an error page, so that the page can give it back."""
    try:
        return request.form.get("body", "")
    except HTTPException:  # too large to be read
        return ""


@bp.app_errorhandler(TooMany)
def on_too_many(refusal: TooMany) -> Answer:
    return (*answer(429), {"Retry-After": str(refusal.retry_after)})


def _parse_form() -> CommentForm:
    form = CommentForm(request.form)
    if current_author().is_owner:
        form.sign_as(current_author().owner_name)
    return form


def _post(article: Article, form: CommentForm, token: str, fresh_token: str) -> tuple[Comment, bool]:
    """The comment, and whether it is new. Whatever is cheap comes first: a repeat is found and the rate is checked
    before the text is rendered, and it is rendered before the write lock is taken. Raises Refused."""
    now, author = clock.now(), current_author()
    draft = _draft(form, author.is_owner)
    token_hash = hash_token(token or fresh_token)
    visitor = None if token else _visitor(present_key(db.session(), now.date()))
    if repeat := find_repeat(db.session(), article.id, draft, Sender(token_hash, visitor), now):
        return repeat, False
    rates.check_comment(author)
    html = markup.render_comment(draft.body, i18n.current_locale())
    with write_transaction(article.id) as session:
        visitor = None if token else _visitor(key_of_day(session, now.date()).key)
        sender = Sender(token_hash, visitor)
        return post_comment(session, article, draft, html, sender, current_app.config["COMMENT_RULES"], now)


def _visitor(key: bytes | None) -> bytes | None:
    """The digest of a browser without our cookie; None if the day has no key yet."""
    return visitor_digest(key, network_of(request.remote_addr), request.user_agent.string) if key else None


def _draft(form: CommentForm, by_owner: bool) -> Draft:
    return Draft(
        author_name=form.author_name.data or "",
        author_url=form.author_url.data or "",
        body=form.body.data or "",
        parent_id=form.parent,
        trapped=bool(form.homepage.data),
        by_owner=by_owner,
    )


def _form_again(article: Article, form: CommentForm, refusal: Refused) -> Response:
    """The form with everything that was typed and the error messages: alone for HTMX, else in a page."""
    parent = find_visible(db.session(), form.parent, article.id, current_author())
    view = FormView(article, form, form_id(form, is_htmx()), parent, _sentence(form, refusal))
    if is_htmx():
        page = render_template("comments/_form.html", form=view, focus=form.first_wrong_field() or "body")
    elif view.is_reply or isinstance(refusal, TooMany):
        page = render_template("comments/reply.html", article=article, form=view)
    else:
        page = render_article_page(article, view)
    response = make_response(page, refusal.status)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _sentence(form: CommentForm, refusal: Refused) -> str:
    """The message above the form. A name that is taken gets its message beside the field."""
    if isinstance(refusal, TooMany):
        return gettext("Too many comments from your network. Try again in a minute.")
    if isinstance(refusal, ParentGone):
        return gettext("The comment you are replying to is no longer available. Your text is kept below.")
    if isinstance(refusal, Closed):
        return gettext("Comments are closed. Your text is kept below.")
    if isinstance(refusal, NameTaken):
        form.author_name.errors = [gettext("This name is too similar to the site owner's. Please choose another one.")]
    return str(form.parent_id.errors[0]) if form.parent_id.errors else ""


def _posted(article: Article, comment: Comment) -> Response:
    """The comment at its place in the page, the new count, a fresh form, and a status message."""
    session, author = db.session(), current_author()
    parent = session.get(Comment, comment.parent_id) if comment.parent_id else None
    is_own = author.wrote(comment) and not author.is_owner
    page = render_template(
        "comments/_posted.html",
        article=article,
        node=Node(comment, parent if comment.depth > MAX_DEPTH else None),
        parent=parent,
        sort=asked_sort(),
        threads=load_threads(session, [comment.root_id] if comment.root_id else []),
        conversation=conversation_of(session, article.id),
        form=FormView.empty(article, signature=(comment.author_name, comment.author_url) if is_own else ("", "")),
    )
    response = make_response(page, 201 if comment.is_published else 202)
    response.headers["HX-Trigger"] = json.dumps({"comment-posted": {"comment": f"comment-{comment.id}"}})
    return response


def _address_after_posting(article: Article, comment: Comment) -> str:
    if comment.is_published:
        return address_of(article, comment)
    return url_for("articles.show", slug=article.slug, notice="waiting", _anchor=f"comment-{comment.id}")
