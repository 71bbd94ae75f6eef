"""Routes to post and preview a comment."""

from __future__ import annotations

from datetime import datetime

from flask import Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from blogapp import clock
from blogapp.articles.reading import ArticleInfo, ArticleMoved, PublishedArticle, find_article, find_article_info
from blogapp.comments import rates
from blogapp.comments.bans import check_not_banned
from blogapp.comments.current_author import current_author, remember_author
from blogapp.comments.finding import find_visible
from blogapp.comments.forms import CommentForm, FormView, form_id
from blogapp.comments.posting import Draft, Posted, Sender, check_may_post, find_repeat, post_comment, prepare
from blogapp.comments.refusals import Closed, Refused, TooMany
from blogapp.comments.routes.answers import already_posted, posted, saving

# The same blueprint, so that these endpoints are named `comments.<name>` too.
from blogapp.comments.routes.read import Answer, render_article_page, requested_sort
from blogapp.comments.routes.read import bp as bp
from blogapp.comments.site_rules import site_rules
from blogapp.db.base import db
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.text.names import is_blank
from blogapp.visitors.cookie import read_token, set_token
from blogapp.visitors.identity import (
    current_key,
    hash_token,
    key_of_day,
    network_mark,
    network_of,
    new_token,
    visitor_digest,
)
from blogapp.web.errors import answer
from blogapp.web.htmx import is_htmx
from blogapp.web.rate_limits import seconds_to_wait


@bp.post("/articles/<slug>/comments")
def create(slug: str) -> Answer:
    article = find_article_info(db.session(), slug, clock.now())
    i18n.set_locale(article.lang)
    form, fresh_token = _parse_form(), "" if read_token(request) else new_token()
    try:
        rates.check_attempt(current_author())
        form.check()
        done = _post(article, form, fresh_token)
    except Refused as refusal:
        return _form_again(article, form, refusal)
    # A repeated form gets no cookie: a visitor who sends a copy of another comment must not own that comment.
    if not (done.is_new and fresh_token):
        return posted(article, done, form)
    remember_author(fresh_token)
    response = posted(article, done, form)
    set_token(request, response, fresh_token)
    return response


@bp.post("/comments/preview")
def preview() -> Answer:
    """Preview `body` as HTML: a fragment with HTMX, else a page with the form below it."""
    form = _parse_form()
    slug = request.form.get("article", "")
    article = _find_present_or_moved(slug) if slug else None
    if article is not None:
        i18n.set_locale(article.lang)
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
    values = {"article": article, "html": html, "sentence": sentence, "form": view, "sort": requested_sort()}
    return render_template("comments/preview.html", **values, failed=status >= 400), status


def _find_present_or_moved(slug: str) -> PublishedArticle:
    """The article with this slug, which may be a former one: the address of a preview does not contain it, so there is
    nothing to redirect to. Raises the other errors of `find_article`."""
    try:
        return find_article(db.session(), slug, clock.now())
    except ArticleMoved as moved:
        return find_article(db.session(), moved.slug, clock.now())


@bp.app_template_global("typed_text")
def typed_text() -> str:
    """The text of a form that got an error page, so that the page can display it."""
    try:
        return request.form.get("body", "")
    except HTTPException:  # too large to be read
        return ""


@bp.app_errorhandler(TooMany)
def on_too_many(refusal: TooMany) -> Answer:
    return (*answer(429, str(refusal)), {"Retry-After": str(refusal.retry_after)})


def _parse_form() -> CommentForm:
    form = CommentForm(request.form)
    if current_author().is_owner:
        form.sign_as(current_author().owner_name)
    return form


def _post(article: ArticleInfo, form: CommentForm, fresh_token: str) -> Posted:
    """Post the comment. `fresh_token` identifies its author if the browser has no cookie.

    A repeat gets the first copy of its comment, even if another comment would be refused. Raises Refused.
    """
    now, draft = clock.now(), _draft(form)
    token_hash, network = hash_token(fresh_token or read_token(request)), network_of(request.remote_addr)
    # Without a cookie, storing the comment finds its first copy, which is unique then.
    if not fresh_token and (repeat := find_repeat(db.session(), article.id, draft, Sender(token_hash, None), now)):
        return already_posted(repeat)
    try:
        return _post_checked(article, draft, token_hash, network, bool(fresh_token), now)
    except Refused:
        db.session.rollback()  # the first copy may have been stored since this request began
        visitor = _visitor(current_key(db.session(), now.date()), network) if fresh_token else None
        if repeat := find_repeat(db.session(), article.id, draft, Sender(token_hash, visitor), now):
            return already_posted(repeat)
        raise


def _post_checked(
    article: ArticleInfo, draft: Draft, token_hash: bytes, network: str, is_new_visitor: bool, now: datetime
) -> Posted:
    """Cheap checks come first: rate limits and rules are checked before the text is rendered. It is rendered and
    searched for signs of spam before the write lock is taken."""
    author, mark = current_author(), network_mark(current_app.config["SECRET_KEY"], network)
    if not author.is_owner:
        check_not_banned(db.session(), token_hash, mark, now)
    rates.check_comment(author)
    rules = site_rules()
    check_may_post(db.session(), article, draft, rules, now)
    html = markup.render_comment(draft.body, i18n.current_locale())
    prepared = prepare(db.session(), article, draft, html, now)
    with saving(article.id, only_adds=True) as session:
        visitor = _visitor(key_of_day(session, now.date()).key, network) if is_new_visitor else None
        return post_comment(session, article, prepared, Sender(token_hash, visitor, mark), rules, now)


def _visitor(key: bytes | None, network: str) -> bytes | None:
    """The digest of a browser without our cookie; None if the day has no key yet."""
    return visitor_digest(key, network, request.user_agent.string) if key else None


def _draft(form: CommentForm) -> Draft:
    return Draft(
        author_name=form.author_name.data or "",
        author_url=form.author_url.data or "",
        body=form.body.data or "",
        parent_id=form.parent,
        trapped=bool(form.homepage.data),
        by_owner=current_author().is_owner,
        agent=request.user_agent.string,
    )


def _form_again(article: ArticleInfo, form: CommentForm, refusal: Refused) -> Response:
    """The form with the typed text and the error message: a fragment with HTMX, else a page."""
    if refusal.field:
        form[refusal.field].errors = [str(refusal)]
    # The parent is a hidden field, so its message is shown above the form.
    above = "" if refusal.field else str(refusal) or "".join(form.parent_id.errors[:1])
    parent = find_visible(db.session(), form.parent, article.id, current_author())
    view = FormView(article, form, form_id(form, is_htmx()), parent, above)
    if is_htmx():
        page = render_template("comments/_form.html", form=view, focus=view.focus or "body", sort=requested_sort())
    elif view.is_reply or refusal.retry_after or isinstance(refusal, Closed):  # the article's page has no form then
        whole = find_article(db.session(), article.slug, clock.now())
        page = render_template("comments/reply.html", article=whole, form=view, failed=True, sort=requested_sort())
    else:
        page = render_article_page(find_article(db.session(), article.slug, clock.now()), view)
    response = make_response(page, refusal.status)
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
