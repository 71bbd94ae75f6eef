"""Reading the conversation, and speaking in it."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, json, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.reading import find_article
from blogapp.comments.form_view import FormView, form_id
from blogapp.comments.forms import CommentForm
from blogapp.comments.models import MAX_DEPTH, Comment
from blogapp.comments.permissions import current_author, remember_author
from blogapp.comments.posting import Closed, Draft, NameTaken, ParentGone, Refused, TooMany, post_comment
from blogapp.comments.threads import (
    Node,
    conversation_of,
    find_comment,
    is_on_first_page,
    load_changes,
    load_page,
    load_replies,
    load_threads,
    version_of,
)
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.pages.article_page import asked_sort, render_article_page
from blogapp.text import i18n
from blogapp.text.i18n import gettext
from blogapp.visitors.cookie import read_token, set_token
from blogapp.visitors.identity import Visitor, key_of_day, network_of, new_token, visitor_digest
from blogapp.web.converters import whole_number
from blogapp.web.errors import NotFound
from blogapp.web.htmx import is_htmx
from blogapp.web.rate_limits import seconds_to_wait

bp = Blueprint("comments", __name__)

Answer = Response | WerkzeugResponse | str | tuple[str, int]


@bp.get("/articles/<slug>/comments")
def index(slug: str) -> Answer:
    article = find_article(db.session(), slug, clock.now())
    i18n.speak(article.lang)
    if is_htmx() and ("since" in request.args or "after" in request.args):
        return _changes(article)
    cursor = request.args.get("before", "")
    if is_htmx():
        page = load_page(db.session(), article.id, asked_sort(), cursor, own=current_author().token_hash)
        return render_template("comments/_page.html", article=article, page=page, sort=page.sort)
    at = request.args.get("at", type=whole_number)
    comment = find_comment(db.session(), at) if at else None
    if comment is not None and comment.article_id != article.id:
        raise NotFound
    return render_article_page(article, cursor=cursor, at=comment)


@bp.post("/articles/<slug>/comments")
def create(slug: str) -> Answer:
    now = clock.now()
    article = find_article(db.session(), slug, now)
    i18n.speak(article.lang)
    author = current_author()
    form = CommentForm(request.form)
    if author.is_owner:
        form.speak_as(author.owner_name)
    if not form.validate():
        return form_again(article, form, 422)
    token = read_token(request)
    fresh_token = token or new_token()

    def check_rate() -> None:
        if not author.is_owner and (wait := seconds_to_wait(current_app.config["COMMENT_RATES"], "comment", now)):
            raise TooMany(wait)

    try:
        with write_transaction() as session:
            key = key_of_day(session, now.date()).key
            visitor = Visitor(
                visitor_digest(key, network_of(request.remote_addr), request.user_agent.string), fresh_token
            )
            rules = current_app.config["COMMENT_RULES"]
            draft = _draft(form, author.is_owner)
            comment, is_new = post_comment(session, article, draft, visitor, rules, now, check_rate)
    except Refused as refusal:
        return form_again(article, form, refusal.status, refusal)
    # A repeated form proves nothing: who copies another's words must not get the cookie that owns them.
    gets_cookie = is_new and not token
    if gets_cookie:
        remember_author(fresh_token)
    response = _posted(article, comment) if is_htmx() else redirect(_address_after_posting(article, comment), 303)
    if gets_cookie:
        set_token(request, response, fresh_token)
    return response


@bp.get("/comments/<id:comment_id>")
def show(comment_id: int) -> Answer:
    comment = find_comment(db.session(), comment_id)
    return redirect(address_of(article_of(comment), comment), 302)


@bp.get("/comments/<id:comment_id>/reply")
def reply(comment_id: int) -> Answer:
    parent = find_comment(db.session(), comment_id)
    if not parent.is_published:
        raise NotFound
    article = article_of(parent)
    view = FormView.empty(article, parent, in_page=is_htmx())
    if is_htmx():
        return render_template("comments/_writing.html", form=view, focus="body")
    return render_template("comments/reply.html", article=article, parent=parent, form=view)


@bp.get("/comments/<id:comment_id>/replies")
def replies(comment_id: int) -> Answer:
    """The next replies of a thread, behind `?after=<path>`; without HTMX the page around them."""
    session = db.session()
    root = find_comment(session, comment_id)
    article = article_of(root)
    if not is_htmx():
        return redirect(address_of(article, root), 302)
    trees, left = load_replies(session, root, request.args.get("after", ""))
    if not trees:
        raise NotFound
    return render_template(
        "comments/_more_replies.html", article=article, root=root, trees=trees, left=left, last=trees[-1].last
    )


def article_of(comment: Comment) -> Article:
    """The article of a comment, if it can be read; its language is spoken from here on."""
    article = db.session.get_one(Article, comment.article_id)
    i18n.speak(article.lang)
    return find_article(db.session(), article.slug, clock.now())


def address_of(article: Article, comment: Comment) -> str:
    """The page that holds the comment, at the comment."""
    anchor = f"comment-{comment.id}"
    if is_on_first_page(db.session(), comment):
        return url_for("articles.show", slug=article.slug, _anchor=anchor)
    return url_for("comments.index", slug=article.slug, at=comment.id, _anchor=anchor)


def form_again(article: Article, form: CommentForm, status: int, refusal: Refused | None = None) -> Answer:
    """The form with all that was typed and what is wrong with it: alone for HTMX, else in the page it came from."""
    parent = db.session.get(Comment, form.parent) if form.parent else None
    if parent is not None and parent.article_id != article.id:
        parent = None
    view = FormView(article, form, form_id(parent, is_htmx()), parent, _sentence(form, refusal))
    if is_htmx():
        page = render_template("comments/_form.html", form=view, focus=form.first_wrong_field() or "body")
    elif parent is not None and parent.is_published:
        page = render_template("comments/reply.html", article=article, parent=parent, form=view)
    else:
        page = render_article_page(article, view)
    response = make_response(page, status)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _draft(form: CommentForm, by_owner: bool) -> Draft:
    return Draft(
        author_name=form.author_name.data or "",
        author_url=form.author_url.data or "",
        body=form.body.data or "",
        body_html=form.body_html,
        parent_id=form.parent,
        trapped=bool(form.homepage.data),
        by_owner=by_owner,
    )


def _sentence(form: CommentForm, refusal: Refused | None) -> str:
    """What to say above the form; a name that is taken is said beside its field."""
    if isinstance(refusal, TooMany):
        return gettext("Many comments have come from your network. Your text is kept here; send it again in a minute.")
    if isinstance(refusal, ParentGone):
        return gettext(
            "The comment that you answer is no longer there. Your text is kept here, in case you want to copy it."
        )
    if isinstance(refusal, Closed):
        return gettext("This conversation is closed. Your text is kept here, in case you want to copy it.")
    if isinstance(refusal, NameTaken):
        form.author_name.errors = [gettext("This name looks like the owner's of this site. Please take another.")]
    return str(form.parent_id.errors[0]) if form.parent_id.errors else ""


def _posted(article: Article, comment: Comment) -> Response:
    """The comment for its place in the page, the new count, a fresh form, and the words that are spoken."""
    session = db.session()
    parent = session.get(Comment, comment.parent_id) if comment.parent_id else None
    page = render_template(
        "comments/_posted.html",
        article=article,
        node=Node(comment, parent if comment.depth > MAX_DEPTH else None),
        parent=parent,
        sort=asked_sort(),
        threads=load_threads(session, [comment.root_id] if comment.root_id else []),
        conversation=conversation_of(session, article.id),
        form=FormView.empty(article),
    )
    response = make_response(page, 201 if comment.is_published else 202)
    response.headers["HX-Trigger"] = json.dumps({"comment-posted": {"comment": f"comment-{comment.id}"}})
    return response


def _changes(article: Article) -> Answer:
    """What is new since the asking page was made; 204 where nothing is, found out without looking at a comment."""
    session = db.session()
    conversation = conversation_of(session, article.id)
    since = request.args.get("since", type=whole_number)
    if since is None:
        since = version_of(session, article.id, request.args.get("after", 0, type=whole_number))
    if since >= conversation.version:
        return Response(status=204)
    nodes = load_changes(session, article.id, since)
    new = [node for node in nodes if node.comment.published_in > since and node.comment.is_published]
    if "since" not in request.args and not new:
        return Response(status=204)
    return render_template(
        "comments/_changes.html",
        article=article,
        conversation=conversation,
        new=new,
        changed=[node for node in nodes if node not in new],
        sort=asked_sort(),
        threads=load_threads(session, {node.comment.root_id for node in nodes if node.comment.root_id}),
        version=nodes[-1].comment.changed_in if nodes else conversation.version,
    )


def _address_after_posting(article: Article, comment: Comment) -> str:
    if comment.is_published:
        return address_of(article, comment)
    return url_for("articles.show", slug=article.slug, notice="waiting", _anchor=f"comment-{comment.id}")
