"""Pages for owners only: who is not signed in gets the sign-in form, and nothing that was sent is lost.

A page leads to the sign-in page, which leads back (`next`). A form that was sent without a session, because it has
ended, is answered with the sign-in form (401), which keeps its fields. That form is sent to the same address: the owner
is signed in and the original request is carried out, in one step. HTMX gets the sign-in form as a fragment for
`#sign-in-again` (templates/owners/_bar.html); after signing in, static/js/owner.js repeats the request.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.browser_sign_in import (
    SignInRefused,
    sign_in_browser,
    sign_in_browser_with_passkey,
    this_relying_party,
)
from blogapp.owners.cookies import read_session_token
from blogapp.owners.models import Owner
from blogapp.owners.sessions import needs_touch, signed_in_owner, touch
from blogapp.web.arguments import SECRET_FIELDS, SIGN_IN_PASSKEY, SIGN_IN_PASSWORD, SIGN_IN_SECRETS
from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import keep_private

P = ParamSpec("P")

# The fields of the sign-in form that keeps another form, which may have a `name` of its own.
NAME, PASSWORD, PASSKEY = "sign_in_name", SIGN_IN_PASSWORD, SIGN_IN_PASSKEY


def for_owners(bp: Blueprint) -> Blueprint:
    """Let only signed-in owners use any page of the blueprint, and keep its responses out of caches and indexes."""
    bp.before_request(require_owner)
    bp.after_request(keep_out_of_caches)
    return bp


def owner_required(handler: Callable[P, Any]) -> Callable[P, Any]:
    """Let only signed-in owners use this handler; for single handlers of a blueprint that readers use too."""

    @wraps(handler)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Response:
        answer = require_owner()
        return keep_out_of_caches(make_response(handler(*args, **kwargs) if answer is None else answer))

    return checked


def current_owner() -> Owner:
    """The signed-in owner, in a handler that requires one."""
    owner = signed_in_owner(db.session())
    assert owner is not None
    return owner


def require_owner() -> WerkzeugResponse | None:
    """None if an owner is signed in, or has just signed in with the form below; else the response to send."""
    if signed_in_owner(db.session()) is not None:
        _record_use()
        return None
    if request.method in {"GET", "HEAD"}:
        if is_htmx():
            return ask_to_sign_in(401)
        return redirect(url_for("owner.new", next=requested_path()), 302)
    if PASSWORD not in request.form:
        return ask_to_sign_in(401)
    try:
        if passkey := request.form.get(PASSKEY):
            sign_in_browser_with_passkey(passkey)
        else:
            sign_in_browser(request.form.get(NAME, ""), request.form[PASSWORD])
    except SignInRefused as refusal:
        return ask_to_sign_in(refusal.status, str(refusal), refusal.retry_after)
    return None


def _record_use() -> None:
    """Record once an hour that the session was used, for the list of sessions. This is a write that a GET may cause;
    a failure has no effect."""
    token, now = read_session_token(request), clock.now()
    if not needs_touch(db.session(), token, now):
        return
    with suppress(SQLAlchemyError), write_transaction(Changes.NOTHING, durable=False, lock_timeout_ms=200) as session:
        touch(session, token, now)


def ask_to_sign_in(status: int, error: str = "", retry_after: int | None = None) -> Response:
    """The sign-in form with everything that was sent: as hidden fields, except the text, which stays visible."""
    if is_htmx():
        page = render_template(
            "owners/_sign_in_again.html", name="", error=error, has_passkeys=bool(this_relying_party().id)
        )
        response = make_response(page, status)
        response.headers.update({"HX-Retarget": "#sign-in-again", "HX-Reswap": "innerHTML"})
    else:
        page = render_template(
            "owners/sign_in.html",
            action=requested_path(),
            names=(NAME, PASSWORD, PASSKEY),
            name=request.form.get(NAME, "")[:200],
            error=error,
            failed=bool(error),
            has_passkeys=bool(this_relying_party().id),
            kept=kept_fields(),
            has_lost_files=any(file.filename for file in request.files.values()),
            has_lost_passwords=any(name in request.form for name in SECRET_FIELDS if name not in SIGN_IN_SECRETS),
        )
        response = make_response(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def kept_fields() -> list[tuple[str, str]]:
    """The fields of the form that was sent. Secrets are not sent back in a page."""
    left_out = {NAME, *SECRET_FIELDS}
    return [(name, value) for name, value in request.form.items(multi=True) if name not in left_out]


def requested_path() -> str:
    """The path and query of the request, percent-encoded, with the prefix of the site."""
    parts = urlsplit(iri_to_uri(request.url))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def keep_out_of_caches(response: Response) -> Response:
    """Mark a page of an owner: no cache stores it and no search engine lists it."""
    keep_private(response)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
