"""Routes to read comments: pages of threads, permalinks, replies, and changes since a version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.models import NONE, Article
from blogapp.articles.reading import AnyArticle, PublishedArticle, find_article, find_article_info
from blogapp.comments.changes import load_changes, version_of
from blogapp.comments.current_author import current_author
from blogapp.comments.finding import CommentNotFound, find_comment, last_signature
from blogapp.comments.forms import FormView
from blogapp.comments.likes import liked_by
from blogapp.comments.models import Comment, ConversationInfo, FullComment
from blogapp.comments.posting import is_closed
from blogapp.comments.site_rules import site_rules
from blogapp.comments.threads import (
    SORTS,
    Node,
    conversation_of,
    count_nodes,
    is_on_first_page,
    load_page,
    load_replies,
    load_threads,
)
from blogapp.db.base import db
from blogapp.text import i18n
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import current_key, network_of, visitor_digest
from blogapp.web.converters import whole_number
from blogapp.web.errors import NotFound, answer, use_page_language
from blogapp.web.htmx import is_htmx
from blogapp.web.page_cache import depends_on

LIKED = "liked-"

bp = Blueprint("comments", __name__)

Answer = Response | WerkzeugResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]


class ArticlePage(Protocol):
    """Renders the whole article page, with the comments after `cursor` or around `at`, and with `form`."""

    def __call__(
        self, article: PublishedArticle, form: FormView | None = None, cursor: str = "", at: Comment | None = None
    ) -> str: ...


def set_article_page(app: Flask, render: ArticlePage) -> None:
    """Register the function that renders the article page. It is in the package `pages`, so that the comments do not
    import the other features of that page."""
    app.extensions["article_page"] = render


def render_article_page(
    article: PublishedArticle, form: FormView | None = None, cursor: str = "", at: Comment | None = None
) -> str:
    render: ArticlePage = current_app.extensions["article_page"]
    return render(article, form, cursor, at)


def render_comments(
    template: str, article: AnyArticle, conversation: ConversationInfo | None = None, **values: object
) -> str:
    """Render a fragment with comments of the article, whose `conversation` is read if it is not given."""
    conversation = conversation or conversation_of(db.session(), article.id)
    return render_template(
        template,
        article=article,
        author=current_author(),
        sort=requested_sort(),
        is_closed=is_closed(article, conversation, site_rules(), clock.now()),
        conversation=conversation,
        **values,
    )


@bp.get("/articles/<slug>/comments")
def index(slug: str) -> Answer:
    if is_htmx() and ("since" in request.args or "after" in request.args):
        return _changes(slug)
    article = find_article(db.session(), slug, clock.now())
    if article.comments == NONE:
        raise NotFound
    depends_on(db.session(), article.id)
    i18n.set_locale(article.lang)
    cursor = request.args.get("before", "")
    if is_htmx():
        author = current_author()
        conversation, sort = conversation_of(db.session(), article.id), requested_sort()
        own, pinned_id = author.token_hash, conversation.pinned_id
        page = load_page(db.session(), article.id, sort, cursor, None, own, author.is_owner, pinned_id)
        liked_ids = liked_on_page(page.threads)
        count = count_nodes(page.threads)
        return render_comments(
            "comments/_page.html", article, conversation, page=page, count=count, liked_ids=liked_ids
        )
    at = request.args.get("at", type=whole_number)
    comment = find_comment(db.session(), at) if at else None
    if comment is not None and comment.article_id != article.id:
        raise NotFound
    return render_article_page(article, cursor=cursor, at=comment)


@bp.get("/comments/<id:comment_id>")
def show(comment_id: int) -> Answer:
    comment = db.session.get(Comment, comment_id)
    if comment is not None and comment.awaits_approval and not comment.shown and current_author().sees(comment):
        return redirect(article_url(article_of(comment), _anchor=f"comment-{comment.id}"), 302)
    comment = find_comment(db.session(), comment_id)
    return redirect(address_of(article_of(comment), comment), 302)


@bp.get("/comments/<id:comment_id>/reply")
def reply(comment_id: int) -> Answer:
    parent = find_comment(db.session(), comment_id)
    if not parent.is_published or parent.is_locked:
        raise NotFound
    article = article_of(parent)
    depends_on(db.session(), article.id)
    view = FormView.empty(article, parent, is_htmx(), last_signature(db.session(), current_author()))
    if is_htmx():
        return render_template("comments/_writing.html", form=view, focus="body", sort=requested_sort())
    return render_template("comments/reply.html", article=article, form=view, sort=requested_sort())


@bp.get("/comments/<id:comment_id>/replies")
def replies(comment_id: int) -> Answer:
    """The next replies of a thread, after `?after=<path>`; without HTMX the page that contains them. If they have been
    deleted since the page was loaded, the response only removes the link."""
    session = db.session()
    root = find_comment(session, comment_id)
    article = article_of(root)
    if not is_htmx():
        return redirect(address_of(article, root), 302)
    depends_on(session, article.id)
    trees, left = load_replies(session, root, request.args.get("after", ""))
    return render_comments(
        "comments/_more_replies.html",
        article,
        root=root,
        trees=trees,
        count=count_nodes(trees),
        left=left,
        last=trees[-1].last if trees else root,
        liked_ids=liked_on_page(trees),
    )


@bp.app_errorhandler(CommentNotFound)
def on_not_found(error: CommentNotFound) -> tuple[str, int]:
    use_page_language()
    sentence = gettext("This comment does not exist or is no longer shown.")
    return answer(error.status, sentence, gettext("Comment not found"))


def requested_sort() -> str:
    """The sort order from the query string; the default if it is missing or unknown."""
    sort = request.args.get("sort", SORTS[0])
    return sort if sort in SORTS else SORTS[0]


def article_of(comment: Comment) -> PublishedArticle:
    """The article of a comment, if it is published and shows its comments; owners may change hidden ones. Sets the
    language of the response."""
    article = db.session.get_one(Article, comment.article_id)
    i18n.set_locale(article.lang)
    if article.comments == NONE and not current_author().is_owner:
        raise NotFound
    return find_article(db.session(), article.slug, clock.now())


def address_of(article: AnyArticle, comment: FullComment, notice: str | None = None) -> str:
    """The URL of the comment on the page that displays it, in the order that the visitor reads, if the first page of
    that order has the comment; `notice` is the code of a message for that page."""
    anchor, sort = f"comment-{comment.id}", requested_sort()
    if sort != SORTS[0] and is_on_first_page(db.session(), comment, sort):
        return article_url(article, sort=sort, notice=notice, _anchor=anchor)
    if is_on_first_page(db.session(), comment):
        return article_url(article, notice=notice, _anchor=anchor)
    return url_for("comments.index", slug=article.slug, at=comment.id, notice=notice, _anchor=anchor)


def liked_on_page(trees: Iterable[Node]) -> frozenset[int] | None:
    """Which of the displayed comments this visitor likes; None if the page is the same for all readers.

    Without JavaScript, the URL of the page after a like says so (`?notice=liked-12`), so the page stays cacheable.
    """
    notice = request.args.get("notice", "")
    liked = frozenset({int(notice.removeprefix(LIKED))}) if _is_like_notice(notice) else None
    if current_author().token_hash is None and not current_author().is_owner:
        return liked
    key = current_key(db.session(), clock.now().date())
    if key is None:
        return liked or frozenset()
    visitor = visitor_digest(key, network_of(request.remote_addr), request.user_agent.string)
    return liked_by(db.session(), visitor, [node.comment.id for tree in trees for node in tree])


def _is_like_notice(notice: str) -> bool:
    number = notice.removeprefix(LIKED)
    return notice.startswith(LIKED) and number.isascii() and number.isdigit() and len(number) < 17


def _changes(slug: str) -> Answer:
    """The changes since the client loaded its page; 204 if there are none, without reading the article's text or any
    comment."""
    session = db.session()
    article = find_article_info(session, slug, clock.now(), with_comments=True)
    depends_on(session, article.id)
    i18n.set_locale(article.lang)
    conversation = conversation_of(session, article.id)
    since = request.args.get("since", type=whole_number)
    if since is None:
        since = version_of(session, article.id, request.args.get("after", 0, type=whole_number))
    if since >= conversation.version:
        return Response(status=204)
    changes = load_changes(session, article.id, since, conversation.version)
    if "since" not in request.args and not changes.new_count:
        return Response(status=204)
    return render_comments(
        "comments/_changes.html",
        article,
        conversation=conversation,
        changes=changes,
        threads=load_threads(session, changes.root_ids),
        version=changes.version,
        liked_ids=liked_on_page(changes.nodes),
    )
