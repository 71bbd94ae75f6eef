"""The owner's list of comments, and decisions about many of them at once."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, select

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.models import Article
from blogapp.comments import article_settings
from blogapp.comments.bans import lift, list_bans
from blogapp.comments.bulk import ACTS, at_revisions, decide_about_many, seen_before
from blogapp.comments.decisions import Decider
from blogapp.comments.history import load_history
from blogapp.comments.models import APPROVE, BY_OWNER, ERASE, Comment
from blogapp.comments.notices import done_sentence, notice_sentence
from blogapp.comments.queue import Filter, last_id, load_queue
from blogapp.comments.routes.moderation import queue_address
from blogapp.comments.routes.read import Answer
from blogapp.comments.spam import listed_terms, parse_terms, save_terms
from blogapp.comments.undo import find_done
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import current_owner, for_owners
from blogapp.text.i18n import gettext, iso, ngettext, number
from blogapp.web.converters import LARGEST, whole_number
from blogapp.web.errors import NotFound
from blogapp.web.htmx import is_htmx

# Checkboxes of one form; a page has fifty.
IDS_AT_MOST = 1_000

bp = for_owners(Blueprint("owner_comments", __name__, url_prefix="/owner/comments"))


@bp.get("")
def index() -> Answer:
    wanted = Filter.parse(request.args)
    batch = request.args.get("undo", 0, type=whole_number)
    skipped = request.args.get("skipped", 0, type=whole_number)
    return _page(wanted, request.args.get("before", type=whole_number), batch, skipped)


@bp.post("/bulk")
def bulk() -> Answer:
    """Apply `action` to the comments with the checked `id`s (`12@1`: comment 12 at its revision 1), or with `all=1` to
    all comments that match the filter and were there when the page was made (`seen`)."""
    wanted, act = Filter.parse(request.form), request.form.get("action", "")
    selected, count = _selection(wanted, act)
    if act not in ACTS or not count:
        return _page(wanted, None, error=gettext("Select at least one comment."))
    if act == ERASE and "confirmed" not in request.form:
        return _ask_for_confirmation(wanted, count)
    decider = Decider(BY_OWNER, current_owner().id, batch=secrets.randbits(53))
    outcome = decide_about_many(db.session(), act, selected, decider, clock.now())
    left = LARGEST if outcome.more else max(0, count - outcome.changed) if "all" not in request.form else 0
    if is_htmx():
        return _page(wanted, None, decider.batch or 0, left)
    return redirect(queue_address(wanted, undo=decider.batch, skipped=left or None), 303)


@bp.post("/settings")
def configure() -> Answer:
    """Set `moderation` and `closed` for the comments of one `article`."""
    slug = request.form.get("article", "")
    article = db.session.scalar(select(Article).where(Article.slug == slug))
    if article is None:
        raise NotFound
    with write_transaction(article.id) as session:
        moderation, closed = request.form.get("moderation", ""), request.form.get("closed", "")
        article_settings.configure(session, article.id, moderation, closed)
    return redirect(article_url(article, notice="saved", _anchor="comments"), 303)


@bp.get("/rules")
def rules() -> str:
    """The owner's list of words, hosts and agents, and the bans."""
    session = db.session()
    terms = "\n".join(listed_terms(session))
    notice = request.args.get("notice", "")
    return render_template(
        "comments/rules.html",
        terms=terms,
        bans=list_bans(session, clock.now()),
        notice=notice,
        sentence=notice_sentence(notice),
    )


@bp.post("/rules")
def save_rules() -> Answer:
    terms = parse_terms(request.form.get("terms", ""))
    with write_transaction(Changes.RULES) as session:
        save_terms(session, terms)
    return redirect(url_for("owner_comments.rules", notice="saved"), 303)


@bp.post("/bans/<id:ban_id>/end")
def lift_ban(ban_id: int) -> Answer:
    with write_transaction(Changes.NOTHING) as session:
        lift(session, ban_id)
    return redirect(url_for("owner_comments.rules", notice="lifted"), 303)


@bp.get("/<id:comment_id>/history")
def history(comment_id: int) -> str:
    """What happened to a comment, also after it was deleted."""
    session = db.session()
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    return render_template(
        "comments/_history.html" if is_htmx() else "comments/history.html",
        article=session.get_one(Article, comment.article_id),
        comment=comment,
        events=load_history(session, comment),
    )


def _page(wanted: Filter, before: int | None, batch: int = 0, skipped: int = 0, error: str = "") -> str:
    done = find_done(db.session(), batch, clock.now()) if batch else None
    notice = notice_sentence(request.args.get("notice", ""))
    sentences = [error, done_sentence(*done) if done else notice, _left_sentence(skipped)]
    template = "comments/_queue.html" if is_htmx() else "comments/queue.html"
    return render_template(
        template,
        queue=load_queue(db.session(), wanted, before),
        seen=f"{last_id(db.session())} {iso(clock.now())}",
        undo=batch if done and done[0] != ERASE else 0,
        sentence=" ".join(filter(None, sentences)),
        failed=bool(error),
    )


def _left_sentence(skipped: int) -> str:
    if skipped >= LARGEST:
        return gettext("There are more. Press the button again to go on.")
    if not skipped:
        return ""
    return ngettext(
        "%(number)s comment was left as it is: it has been edited or decided about in the meantime.",
        "%(number)s comments were left as they are: they have been edited or decided about in the meantime.",
        skipped,
    ) % {"number": number(skipped)}


def _selection(wanted: Filter, act: str) -> tuple[ColumnElement[bool], int]:
    """The condition for the selected comments, and their number (for "all that match", at least 1)."""
    if "all" in request.form:
        return wanted.conditions() & seen_before(*_seen()), 1
    revisions = [pair for value in request.form.getlist("id")[:IDS_AT_MOST] if (pair := _at_revision(value))]
    if act == APPROVE:
        return at_revisions(revisions), len(revisions)
    return Comment.id.in_([comment_id for comment_id, _ in revisions]), len(revisions)


def _at_revision(value: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,15})(?:@(\d{1,9}))?", value, re.ASCII)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _seen() -> tuple[int, datetime]:
    """The newest comment's id and the time when the page was made from which "all that match" was pressed. If the form
    does not say so: now."""
    newest, _, typed = request.form.get("seen", "").partition(" ")
    try:
        moment = datetime.fromisoformat(typed)
        if moment.tzinfo is not None:
            return whole_number(newest), moment
    except ValueError:
        pass
    return LARGEST, clock.now()


def _ask_for_confirmation(wanted: Filter, count: int) -> str:
    """Deleting for good cannot be undone, so it asks first, with the selection in hidden fields."""
    template = "comments/_confirm_bulk.html" if is_htmx() else "comments/confirm_bulk.html"
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in {"action", "confirmed"}]
    return render_template(
        template, filter=wanted, kept=kept[: IDS_AT_MOST + 20], count=0 if "all" in request.form else count
    )
