"""A view comes in. Whatever happens to the count, the reader gets an answer that leaves a number in its place."""

from __future__ import annotations

import base64
import logging
from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.articles.reading import find_article_id
from blogapp.db.base import db
from blogapp.owners.sessions import signed_in_owner
from blogapp.settings import Settings
from blogapp.text import i18n
from blogapp.view_counts.batch_writer import ViewWriter, view_writer
from blogapp.view_counts.bot_filter import LONGEST_AGENT, LOST, reason_not_to_count
from blogapp.view_counts.counting import Seen, views_of
from blogapp.view_counts.referrers import SPAMMERS, host_of, read_hosts
from blogapp.visitors.cookie import has_objected
from blogapp.visitors.identity import network_of
from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import has_own_cookie

bp = Blueprint("view_counts", __name__)
log = logging.getLogger(__name__)

# The smallest transparent GIF there is.
PIXEL = base64.b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")


def init_app(app: Flask, settings: Settings) -> None:
    app.config["VIEW_RATE_PER_HOUR"] = settings.view_rate_per_hour if settings.ratelimit_enabled else None
    more = read_hosts(settings.referrer_spam_file) if settings.referrer_spam_file else frozenset()
    app.config["SITE_HOST"] = urlsplit(settings.site_url).hostname
    app.config["REFERRER_SPAMMERS"] = SPAMMERS | more
    app.extensions["view_writer"] = ViewWriter(app, app.config["VIEW_RATE_PER_HOUR"])

    @app.before_request
    def begin_day() -> None:
        view_writer().begin_day(clock.now().date())


@bp.post("/articles/<slug>/views")
def create(slug: str) -> Response:
    views = _count(slug, clock.now())
    if not is_htmx() or views is None:
        return Response(status=204)  # the page keeps the number that it has
    url = request.script_root + request.path
    return make_response(render_template("view_counts/_count.html", views=views, views_url=url))


@bp.get("/articles/<slug>/views.gif")
def pixel(slug: str) -> Response:
    """The one GET that writes: a reader without JavaScript can ask for nothing but an image."""
    _count(slug, clock.now())
    return Response(PIXEL, mimetype="image/gif", headers={"Cache-Control": "no-store"})


def _count(slug: str, now: datetime) -> int | None:
    """Count a view if it is one; the number of views that can be shown now, None if not even that is known."""
    try:
        article_id, lang = find_article_id(db.session(), slug, now)
        i18n.speak(lang)
        reason = reason_not_to_count(request.method, request.headers, _own_hosts(), has_objected(request), _is_owner())
        if reason:
            view_writer().refuse(reason, now.date())
            return _views_to_show(article_id)
        db.session.commit()  # gives the connection back: the count may take a moment
        views = view_writer().count(_seen(article_id, now))
        return views if views is not None else _last_known(article_id)
    except SQLAlchemyError as error:
        log.error("a view is given up: %s", type(getattr(error, "orig", None) or error).__name__)
        view_writer().refuse(LOST, now.date())
        return None


def _views_to_show(article_id: int) -> int | None:
    """The last known number, where it is shown to anybody."""
    return views_of(db.session(), [article_id])[article_id] if is_htmx() else None


def _last_known(article_id: int) -> int | None:
    """The same for a view that the writer has given up, and has noted as lost already."""
    try:
        return _views_to_show(article_id)
    except SQLAlchemyError:
        return None


def _own_hosts() -> set[str]:
    return {each for each in (_own_host(), current_app.config["SITE_HOST"]) if each}


def _own_host() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _is_owner() -> bool:
    return has_own_cookie() and signed_in_owner(db.session()) is not None


def _seen(article_id: int, now: datetime) -> Seen:
    claimed = request.form.get("referrer", "")[:300]
    referrer = host_of(claimed, _own_host(), current_app.config["REFERRER_SPAMMERS"])
    return Seen(article_id, network_of(request.remote_addr), request.user_agent.string[:LONGEST_AGENT], now, referrer)
