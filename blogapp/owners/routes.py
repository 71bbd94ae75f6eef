"""Sign in and out."""

from __future__ import annotations

import re

from flask import Blueprint, Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import cookies
from blogapp.owners.access import keep_out_of_caches
from blogapp.owners.browser_sign_in import (
    SignInRefused,
    sign_in_browser,
    sign_in_browser_with_passkey,
    this_relying_party,
)
from blogapp.owners.passkeys import sign_in_options
from blogapp.owners.sessions import end_session, signed_in_owner
from blogapp.web.htmx import is_htmx

bp = Blueprint("owner", __name__, url_prefix="/owner")
bp.after_request(keep_out_of_caches)


@bp.get("/sign-in")
def new() -> str:
    next_path = _own_path(request.args.get("next", ""))
    return _render_form("", "", next_path, signed_in_owner(db.session()) is not None)


@bp.post("/sign-in")
def create() -> WerkzeugResponse:
    next_path = _own_path(request.form.get("next", ""))
    try:
        if passkey := request.form.get("passkey"):
            owner = sign_in_browser_with_passkey(passkey)
        else:
            owner = sign_in_browser(request.form.get("name", ""), request.form.get("password", ""))
    except SignInRefused as refusal:
        return _refuse(refusal, next_path)
    if is_htmx():
        response = make_response(render_template("owners/_signed_in_again.html", owner=owner))
        response.headers["HX-Trigger"] = "blogapp:signed-in"
        return response
    return redirect(next_path or url_for("owner_dashboard.show"), 303)


@bp.get("/sign-in/passkey")
def passkey_options() -> Response:
    """What a browser needs to sign in with a passkey, for static/js/passkeys.js."""
    return jsonify(sign_in_options(this_relying_party(), current_app.config["SECRET_KEY"], clock.now()))


@bp.post("/sign-out")
def delete() -> WerkzeugResponse:
    token = cookies.read_session_token(request)
    if token:
        with write_transaction(Changes.NOTHING) as session:
            end_session(session, token)
    response = redirect(url_for("articles.index"), 303)
    cookies.delete_session_token(request, response)
    return response


def _refuse(refusal: SignInRefused, next_path: str) -> Response:
    name = request.form.get("name", "").replace("\0", "").strip()[:200]
    response = make_response(_render_form(name, str(refusal), next_path, False), refusal.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _render_form(name: str, error: str, next_path: str, is_signed_in: bool) -> str:
    template = "owners/_sign_in_again.html" if is_htmx() else "owners/sign_in.html"
    return render_template(
        template,
        action=url_for("owner.create"),
        names=("name", "password", "passkey"),
        name=name,
        error=error,
        failed=bool(error),
        has_passkeys=bool(this_relying_party().id),
        kept=[("next", next_path)] if next_path else [],
        is_signed_in=is_signed_in,
    )


def _own_path(path: str) -> str:
    """Return `path` if it is a path of this site, else "". Browsers read a backslash as a slash, drop tabs and line
    breaks, and read what follows two slashes as another host."""
    begins_here = path.startswith(f"{request.script_root}/")
    return path if begins_here and re.fullmatch(r"/(?!/)[!-\[\]-~]*", path) else ""
