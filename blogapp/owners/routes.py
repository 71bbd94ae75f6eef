from __future__ import annotations

import re
import secrets

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import cookies
from blogapp.owners.passwords import Busy
from blogapp.owners.sessions import LIFETIME, end_session, signed_in_owner
from blogapp.owners.sign_in import Attempt, TooManyAttempts, WrongPassword, sign_in
from blogapp.text.i18n import gettext, ngettext
from blogapp.visitors.identity import new_token
from blogapp.web.rate_limits import network

bp = Blueprint("owner", __name__, url_prefix="/owner")


@bp.get("/sign-in")
def new() -> str:
    next_path = _own_path(request.args.get("next", ""))
    return render_template(
        "owners/sign_in.html", name="", owner=signed_in_owner(db.session()), error="", next_path=next_path
    )


@bp.post("/sign-in")
def create() -> Response:
    token = new_token()
    is_limited: bool = current_app.config["RATELIMIT_ENABLED"]
    try:
        owner = sign_in(db.session(), _attempt(), token, current_app.config["SECRET_KEY"], is_limited, clock.now())
    except WrongPassword:
        return _form_again(gettext("Wrong name or password"), 422)
    except TooManyAttempts as error:
        return _form_again(_try_again_in(error.retry_after), 429, error.retry_after)
    except Busy:
        return _form_again(gettext("The server is busy. Try again in a moment."), 503, 2)
    response = redirect(_own_path(request.form.get("next", "")) or url_for("articles.index"), 303)
    cookies.set_session_token(request, response, token, LIFETIME)
    cookies.set_known_browser(request, response, url_for("owner.create"), owner.id, secrets.token_urlsafe(16))
    return response


@bp.post("/sign-out")
def delete() -> Response:
    token = cookies.read_session_token(request)
    if token:
        with write_transaction(Changes.NOTHING) as session:
            end_session(session, token)
    response = redirect(url_for("articles.index"), 303)
    cookies.delete_session_token(request, response)
    return response


def _attempt() -> Attempt:
    return Attempt(
        name=request.form.get("name", ""),
        password=request.form.get("password", ""),
        network=network(),
        user_agent=request.user_agent.string,
        known_browser=cookies.read_known_browser(request),
        old_token=cookies.read_session_token(request),
    )


def _form_again(error: str, status: int, retry_after: int | None = None) -> Response:
    name = request.form.get("name", "").replace("\0", "").strip()[:200]
    next_path = _own_path(request.form.get("next", ""))
    page = render_template("owners/sign_in.html", name=name, owner=None, error=error, next_path=next_path)
    response = make_response(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _try_again_in(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return ngettext(
        "Too many attempts to sign in, from your network or to this account. Try again in %(minutes)s minute, "
        "or use a browser in which you have signed in before.",
        "Too many attempts to sign in, from your network or to this account. Try again in %(minutes)s minutes, "
        "or use a browser in which you have signed in before.",
        minutes,
    ) % {"minutes": minutes}


def _own_path(path: str) -> str:
    """Return `path` if it is a path of this site, else "". Browsers read a backslash as a slash, drop tabs and line
    breaks, and read what follows two slashes as another host."""
    begins_here = path.startswith(f"{request.script_root}/")
    return path if begins_here and re.fullmatch(r"/(?!/)[!-\[\]-~]*", path) else ""
