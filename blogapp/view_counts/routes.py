"""The two routes that count a view. If counting fails, the page keeps the number it was rendered with."""

from __future__ import annotations

import base64
from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.base import db
from blogapp.owners.sessions import signed_in_owner
from blogapp.settings import Settings
from blogapp.text import i18n
from blogapp.view_counts.batch_writer import ViewWriter, log_failure, view_writer
from blogapp.view_counts.bot_filter import LONGEST_AGENT, LOST, reason_not_to_count
from blogapp.view_counts.counting import Seen, ViewTotal, view_total
from blogapp.view_counts.crawlers import crawler_patterns
from blogapp.view_counts.referrers import SPAMMERS, host_of, read_hosts
from blogapp.visitors.cookie import has_objected
from blogapp.visitors.identity import network_of
from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import has_own_cookie

bp = Blueprint("view_counts", __name__)

# The WSGI environment's key for the slug whose view was counted before Flask was called (`responder.py`).
COUNTED = "blogapp.view_counted"
# The smallest transparent GIF.
PIXEL = base64.b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")


def init_app(app: Flask, settings: Settings) -> None:
    visitors_per_hour = settings.view_rate_per_hour if settings.ratelimit_enabled else None
    app.config["VIEW_RATE_PER_HOUR"] = visitors_per_hour
    more = read_hosts(settings.referrer_spam_file) if settings.referrer_spam_file else frozenset()
    app.config["SITE_HOST"] = urlsplit(settings.site_url).hostname
    app.config["REFERRER_SPAMMERS"] = SPAMMERS | more
    app.extensions["view_writer"] = ViewWriter(app, visitors_per_hour)
    app.extensions["preloads"].append(crawler_patterns)

    @app.before_request
    def start_view_writer() -> None:
        # On every request, not only on views, because the writer also deletes yesterday's visitor key.
        view_writer().start()


@bp.post("/articles/<slug>/views")
def create(slug: str) -> Response:
    total = _count(slug, clock.now())
    if not is_htmx() or total is None:
        return Response(status=204)  # the page keeps its current number
    return Response(fragment(total, request.script_root + request.path))


def fragment(total: ViewTotal, url: str) -> str:
    """The number of views for an open page, which requests `url` again on the next day."""
    i18n.set_locale(total.lang)
    # Without Flask's template context, which takes half the time and which this fragment does not use.
    template = current_app.jinja_env.get_template("view_counts/_count.html")
    return template.render(views=total.views, views_url=url)


@bp.get("/articles/<slug>/views.gif")
def pixel(slug: str) -> Response:
    """The only GET that writes: without JavaScript, a page can only request an image."""
    _count(slug, clock.now())
    return Response(PIXEL, mimetype="image/gif", headers={"Cache-Control": "no-store"})


def _count(slug: str, now: datetime) -> ViewTotal | None:
    """Count a view, or record why it is not counted. Returns the total to show, or None if the database is unavailable.
    Raises NotFound and ArticleMoved."""
    # Not if the article has moved: nothing was counted at its former slug (articles/redirects.py).
    if request.environ.get(COUNTED) == slug:
        return _last_known(slug, now)
    hosts = own_hosts(current_app, request)
    try:
        reason = reason_not_to_count(request.method, request.headers, hosts, has_objected(request), _is_owner())
        if reason:
            total = view_total(db.session(), slug, now)  # raises before anything is recorded
            view_writer().refuse(reason, now.date())
            return total
    except SQLAlchemyError as error:
        log_failure("a view is lost", error)
        view_writer().refuse(LOST, now.date())
        return None
    return view_writer().count(view_in(current_app, request, slug, now)) or _last_known(slug, now)


def _last_known(slug: str, now: datetime) -> ViewTotal | None:
    try:
        return view_total(db.session(), slug, now)
    except SQLAlchemyError as error:
        log_failure("the number of views is not known", error)
        return None


def _is_owner() -> bool:
    return has_own_cookie() and signed_in_owner(db.session()) is not None


def own_hosts(app: Flask, request: Request) -> set[str]:
    """The host names of the blog."""
    return {each for each in (_own_host(request), app.config["SITE_HOST"]) if each}


def view_in(app: Flask, request: Request, slug: str, now: datetime) -> Seen:
    """The view that a request is."""
    claimed = request.form.get("referrer", "")[:300] if request.content_length else ""
    referrer = host_of(claimed, _own_host(request), app.config["REFERRER_SPAMMERS"])
    return Seen(slug, network_of(request.remote_addr), request.user_agent.string[:LONGEST_AGENT], now, referrer)


def _own_host(request: Request) -> str:
    return urlsplit(f"//{request.host}").hostname or ""
