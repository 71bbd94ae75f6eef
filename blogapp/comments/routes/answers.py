"""Helpers for the routes that post, edit and moderate comments: find a comment, save it, and build the response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response, json, make_response, redirect, render_template
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp.articles.addresses import article_url
from blogapp.articles.models import Article
from blogapp.articles.reading import AnyArticle, PublishedArticle
from blogapp.comments.changes import Written, load_after_write
from blogapp.comments.current_author import current_author
from blogapp.comments.forms import CommentForm, FormView
from blogapp.comments.models import Comment
from blogapp.comments.notices import NOTICES_IN_PLACE
from blogapp.comments.permissions import Author
from blogapp.comments.posting import Posted
from blogapp.comments.refusals import NotSaved
from blogapp.comments.routes.read import Answer, address_of, article_of, render_comments, requested_sort
from blogapp.comments.threads import SORTS, load_threads
from blogapp.db.base import db
from blogapp.db.faults import UNREACHABLE, describe, fault_of
from blogapp.db.transactions import wait_for_disk, write_transaction
from blogapp.text import i18n
from blogapp.web.errors import RETRY_AFTER, explain_fault
from blogapp.web.htmx import is_htmx

log = logging.getLogger(__name__)

Find = Callable[[Session, int, Author], Comment]


def find_for_change(comment_id: int, find: Find) -> tuple[Comment, PublishedArticle]:
    """Return the comment that `find` returns for this visitor, and its article. Sets the language of the response and
    of the errors that `find` raises."""
    session = db.session()
    comment = session.get(Comment, comment_id)
    if comment is not None:
        i18n.set_locale(session.get_one(Article, comment.article_id).lang)
    comment = find(session, comment_id, current_author())
    return comment, article_of(comment)


@contextmanager
def saving(article_id: int, only_adds: bool = False) -> Iterator[Session]:
    """A write transaction for a form with typed text. Raises NotSaved if the database can be read but not written, so
    that the form is displayed again."""
    with _raising_not_saved(), write_transaction(article_id, only_adds=only_adds) as session:
        yield session


def already_posted(comment: Comment) -> Posted:
    """The comment that an earlier copy of the same form has stored. Raises NotSaved if it may not be on the disk."""
    with _raising_not_saved():
        wait_for_disk()
    return Posted(comment)


@contextmanager
def _raising_not_saved() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None or fault.kind == UNREACHABLE:
            raise
        log.error("%s: %s", fault.cause, describe(error))
        raise NotSaved(explain_fault(fault), RETRY_AFTER[fault.kind]) from error


def posted(article: AnyArticle, done: Posted, form: CommentForm) -> Response:
    """The response to a new comment. With HTMX: the comment at its place in the page, the count, the form, now empty,
    and a status message. Without: a redirect to the comment."""
    comment = done.comment
    if not is_htmx():
        if comment.is_published:
            return _redirect(address_of(article, comment))
        sort = requested_sort() if requested_sort() != SORTS[0] else None
        return _redirect(article_url(article, sort=sort, notice="waiting", _anchor=f"comment-{comment.id}"))
    author = current_author()
    is_own = author.wrote(comment) and not author.is_owner
    form.clear(*((comment.author_name, comment.author_url) if is_own else ("", "")))
    status = 201 if comment.is_published else 202
    written = load_after_write(db.session(), comment, done.conversation)
    return _fragment("comments/_posted.html", "comment-posted", article, written, status, form=FormView(article, form))


def changed(
    article: AnyArticle, comment: Comment, sentence: str, undo: int | None = None, notice: str | None = None
) -> Response:
    """The response to a change. With HTMX: the updated comment, the count and a status message. Without: a redirect to
    the comment, or to the article's comments if it is no longer shown. `undo` is the number of an owner's decision; the
    page then has a button to undo it. `notice` is the code of a message; without HTMX, a page has no other one."""
    if is_htmx():
        written = load_after_write(db.session(), comment)
        return _fragment("comments/_changed.html", "comment-changed", article, written, sentence=sentence, undo=undo)
    if comment.shown and not undo and not notice:
        return _redirect(address_of(article, comment))
    return _redirect(article_url(article, undo=undo, notice=notice, _anchor="comments"))


def thread_changed(article: AnyArticle, comment: Comment, notice: str, pinned_before: int | None) -> Response:
    """The response after a thread was locked or pinned, or no longer is. With HTMX: its comment with the new buttons,
    what the page says about the thread, and a status message. A pinned thread keeps its place until the page is loaded
    again, so that nothing moves under the pointer. Without: a redirect to the article's comments, with the notice.
    `pinned_before` is the id of the thread that was pinned before: there is only one."""
    if not is_htmx():
        return _redirect(article_url(article, notice=notice, _anchor="comments"))
    written = load_after_write(db.session(), comment)
    replaced = [pinned_before] if pinned_before not in (None, comment.id) else []
    return _fragment(
        "comments/_thread_changed.html",
        "comment-changed",
        article,
        written,
        replaced=load_threads(db.session(), replaced),
        sentence=NOTICES_IN_PLACE[notice](),
    )


def confirm_page(article: AnyArticle, comment: Comment, removes: bool) -> Answer:
    """Ask for confirmation before a comment is deleted by its author, or removed by the owner (`removes`)."""
    template = "comments/_delete.html" if is_htmx() else "comments/delete.html"
    return render_template(template, article=article, comment=comment, removes=removes)


def _fragment(
    template: str, event: str, article: AnyArticle, written: Written, status: int = 200, **values: object
) -> Response:
    """The comment and what depends on it."""
    page = render_comments(
        template,
        article,
        node=written.node,
        threads=written.threads,
        conversation=written.conversation,
        **values,
    )
    response = make_response(page, status)
    response.headers["HX-Trigger"] = json.dumps({event: {"comment": f"comment-{written.node.comment.id}"}})
    return response


def _redirect(address: str) -> Response:
    return make_response(redirect(address, 303))
