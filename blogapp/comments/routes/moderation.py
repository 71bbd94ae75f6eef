"""Routes for owners to decide about one comment: approve, mark as spam, remove, restore, delete for good, undo.

The buttons are the same on the article's page and in the list of comments (templates/comments/_moderation.html).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.reading import ArticleGone, PublishedArticle
from blogapp.comments import article_settings, bans, moderation
from blogapp.comments.current_author import current_author
from blogapp.comments.decisions import Decider
from blogapp.comments.models import APPROVE, BY_OWNER, ERASE, MARK_AS_SPAM, REMOVE, RESTORE, Comment
from blogapp.comments.notices import done_sentence, notice_sentence, undone_sentence
from blogapp.comments.permissions import Author
from blogapp.comments.queue import Filter, Queue, count_states, count_total, load_row
from blogapp.comments.routes.answers import changed, confirm_page, thread_changed
from blogapp.comments.routes.read import Answer, article_of
from blogapp.comments.threads import conversation_of
from blogapp.comments.undo import find_done, first_decided
from blogapp.comments.undo import undo as undo_press
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import owner_required
from blogapp.text.i18n import gettext
from blogapp.web.converters import whole_number
from blogapp.web.errors import Conflict, NotFound
from blogapp.web.htmx import is_htmx

bp = Blueprint("comment_moderation", __name__)

Decide = Callable[[Session, int, Decider, datetime], Comment]


@bp.post("/comments/<id:comment_id>/approval")
@owner_required
def approve(comment_id: int) -> Answer:
    """Publish the comment. `revision` is the revision of the text that the owner has read."""
    revision = request.form.get("revision", 0, type=whole_number)

    def decide(session: Session, comment_id: int, decider: Decider, now: datetime) -> Comment:
        return moderation.approve(session, comment_id, revision, decider, now)

    try:
        return _decide(comment_id, APPROVE, decide)
    except moderation.TextChanged as refusal:
        return _ask_again(comment_id, refusal)


@bp.post("/comments/<id:comment_id>/spam")
@owner_required
def spam(comment_id: int) -> Answer:
    return _decide(comment_id, MARK_AS_SPAM, moderation.mark_as_spam)


@bp.get("/comments/<id:comment_id>/removal")
@owner_required
def confirm(comment_id: int) -> Answer:
    """Ask for confirmation of a removal, or offer to restore a removed comment."""
    comment = moderation.find_undeleted(db.session(), comment_id)
    return confirm_page(article_of(comment), comment, removes=True)


@bp.post("/comments/<id:comment_id>/removal")
@owner_required
def remove(comment_id: int) -> Answer:
    return _decide(comment_id, REMOVE, moderation.remove)


@bp.post("/comments/<id:comment_id>/restoration")
@owner_required
def restore(comment_id: int) -> Answer:
    return _decide(comment_id, RESTORE, moderation.restore)


@bp.get("/comments/<id:comment_id>/erasure")
@owner_required
def confirm_erasure(comment_id: int) -> Answer:
    comment = moderation.find_undeleted(db.session(), comment_id)
    sentence = gettext("Delete this comment for good? Its text, name and link cannot be restored.")
    return _confirm(comment, "erase", sentence, gettext("Delete for good"))


@bp.post("/comments/<id:comment_id>/erasure")
@owner_required
def erase(comment_id: int) -> Answer:
    return _decide(comment_id, ERASE, moderation.erase)


@bp.post("/comments/<id:comment_id>/lock")
@owner_required
def lock(comment_id: int) -> Answer:
    """Lock the thread of the comment (`on=1`), or unlock it."""
    return _change_thread(comment_id, article_settings.set_locked, "locked", "unlocked")


@bp.post("/comments/<id:comment_id>/pin")
@owner_required
def pin(comment_id: int) -> Answer:
    """Show the thread before all others (`on=1`), or no longer."""
    return _change_thread(comment_id, article_settings.set_pinned, "pinned", "unpinned")


def _change_thread(comment_id: int, change: Callable[[Session, int, bool], Comment], on: str, off: str) -> Answer:
    """`on` and `off` are the codes of the notices."""
    is_on = request.form.get("on") == "1"
    article = article_of(moderation.find_undeleted(db.session(), comment_id))
    pinned_before = conversation_of(db.session(), article.id).pinned_id
    with write_transaction(article.id) as session:
        comment = change(session, comment_id, is_on)
    return thread_changed(article, comment, on if is_on else off, pinned_before)


@bp.get("/comments/<id:comment_id>/ban")
@owner_required
def choose_ban(comment_id: int) -> Answer:
    """Ask for how long the author of the comment is banned."""
    comment = moderation.find_undeleted(db.session(), comment_id)
    return render_template(
        "comments/_ban.html" if is_htmx() else "comments/ban.html",
        article=db.session.get_one(Article, comment.article_id),
        comment=comment,
        queue=request.args.get("queue"),
    )


@bp.post("/comments/<id:comment_id>/ban")
@owner_required
def ban(comment_id: int) -> Answer:
    """Ban the browser and the network of the comment for `days` days (0: for ever)."""
    comment, days = moderation.find_undeleted(db.session(), comment_id), request.form.get("days", 1, type=whole_number)
    article = _shown_on(comment)
    owner_id = current_author().owner_id
    with write_transaction(Changes.RULES) as session:
        count = bans.ban(session, comment, days if days in bans.DAYS else bans.DAYS[0], owner_id, clock.now())
    if not count:
        raise Conflict(gettext("It is no longer known where this comment came from."))
    return _answer(article, comment, notice_sentence("banned"), notice="banned")


@bp.post("/owner/comments/undo")
@owner_required
def undo() -> Answer:
    """Undo the decisions of one press, whose number is `batch`."""
    batch = request.form.get("batch", 0, type=whole_number)
    comment = first_decided(db.session(), batch)
    count = undo_press(db.session(), batch, _owner(), clock.now())
    article = _shown_on(comment)
    return _answer(article, comment, undone_sentence(count), notice="undone")


def owner_notice(session: Session, author: Author) -> dict[str, object]:
    """For a page after an owner's press without JavaScript (`?undo=`, `?notice=`): what was done, and the number to
    undo it."""
    if not author.is_owner:
        return {}
    batch = request.args.get("undo", 0, type=whole_number)
    done = find_done(session, batch, clock.now()) if batch else None
    if done is None:
        return {"sentence": notice_sentence(request.args.get("notice", ""))}
    return {"undo": batch if done[0] != ERASE else 0, "sentence": done_sentence(*done)}


def _decide(comment_id: int, act: str, decide: Decide) -> Answer:
    comment, decider = moderation.find_undeleted(db.session(), comment_id), _owner()
    article = _shown_on(comment)
    with write_transaction(comment.article_id) as session:
        comment = decide(session, comment_id, decider, clock.now())
    return _answer(article, comment, done_sentence(act), decider.batch, can_undo=act != ERASE)


def _owner() -> Decider:
    return Decider(BY_OWNER, current_author().owner_id, batch=secrets.randbits(53))


def _shown_on(comment: Comment | None) -> PublishedArticle | None:
    """The article on whose page the button was pressed, which sets the language of the answer; None for the list of
    comments, whose arguments are in the field `queue`, and for an article that is not published."""
    if comment is None or "queue" in request.form:
        return None
    try:
        return article_of(comment)
    except (NotFound, ArticleGone):
        return None


def _answer(
    article: PublishedArticle | None,
    comment: Comment | None,
    sentence: str,
    batch: int | None = None,
    can_undo: bool = False,
    notice: str | None = None,
) -> Answer:
    """The response to a press. Without JavaScript, the page that follows says what was done: by the number `batch` of
    the press, or else by the code `notice`."""
    if article is None or comment is None:
        return _answer_in_queue(comment, sentence, batch, can_undo, notice)
    return changed(article, comment, sentence, undo=batch if can_undo or not is_htmx() else None, notice=notice)


def _answer_in_queue(
    comment: Comment | None, sentence: str, batch: int | None, can_undo: bool, notice: str | None
) -> Answer:
    arguments = dict(parse_qsl(request.form.get("queue", "")))
    wanted = Filter.parse(arguments)
    before = arguments.get("before", "")
    if not is_htmx():
        return redirect(queue_address(wanted, before=before or None, undo=batch, notice=notice), 303)
    session = db.session()
    states = count_states(session)
    return render_template(
        "comments/_decided.html",
        row=load_row(session, comment.id) if comment else None,
        is_undone=batch is None,
        queue=Queue(wanted, [], before, "", states, count_total(session, wanted, states)),
        undo=batch if can_undo else 0,
        sentence=sentence,
    )


def queue_address(wanted: Filter, **more: object) -> str:
    """The URL of the list of comments."""
    arguments: dict[str, Any] = {**wanted.arguments, **more}
    return url_for("owner_comments.index", **arguments)


def _ask_again(comment_id: int, refusal: moderation.TextChanged) -> Answer:
    """The text was edited after the owner read it: show the present text, and ask again."""
    comment = db.session.get_one(Comment, comment_id, populate_existing=True)
    if is_htmx():
        response = make_response(_answer(_shown_on(comment), comment, str(refusal)))
    else:
        response = make_response(_confirm(comment, "approve", str(refusal), gettext("Approve"), failed=True))
    response.status_code = refusal.status
    return response


def _confirm(comment: Comment, endpoint: str, sentence: str, button: str, failed: bool = False) -> str:
    """A page or fragment that shows the comment and asks before it is changed."""
    return render_template(
        "comments/_confirm.html" if is_htmx() else "comments/confirm.html",
        article=db.session.get_one(Article, comment.article_id),
        comment=comment,
        queue=request.values.get("queue"),
        url=url_for(f"comment_moderation.{endpoint}", comment_id=comment.id),
        sentence=sentence,
        button=button,
        failed=failed,
    )
