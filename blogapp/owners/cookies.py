"""The two cookies of an owner: the session, and the mark of a known browser, in which they have signed in before."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import Request, current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# How long a browser is known after its last sign-in.
KNOWN_FOR = timedelta(days=365)


# Over https the `__Host-` prefix binds the cookie to this host and to https. It requires the path `/`, so a blog below
# a path has `__Secure-`, and the cookie stays below its path: another blog on the same host has one of its own.
PLAIN_NAME, SECURE_NAME, SECURE_NAME_BELOW_A_PATH = NAMES = ("owner", "__Host-owner", "__Secure-owner")


def session_cookie_name(is_secure: bool, prefix: str = "") -> str:
    """`prefix` is the path of the site, such as `/blog`; empty at the root of its host."""
    if not is_secure:
        return PLAIN_NAME
    return SECURE_NAME_BELOW_A_PATH if prefix else SECURE_NAME


def read_session_token(request: Request) -> str:
    """The token of the session cookie; empty if there is none or if it is invalid."""
    token = request.cookies.get(session_cookie_name(request.is_secure, request.script_root), "")
    return token if TOKEN.fullmatch(token) else ""


def set_session_token(request: Request, response: Response, token: str, lifetime: timedelta) -> None:
    response.set_cookie(
        session_cookie_name(request.is_secure, request.script_root),
        token,
        max_age=lifetime,
        path=request.script_root or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def delete_session_token(request: Request, response: Response) -> None:
    response.delete_cookie(
        session_cookie_name(request.is_secure, request.script_root),
        path=request.script_root or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def known_browser_cookie_name(is_secure: bool) -> str:
    """Not `__Host-`, which requires the path `/`. The cookie is sent to every page of the blog, because a form that is
    sent after the end of a session signs in at its own address (access.py); no page depends on it."""
    return "__Secure-known-browser" if is_secure else "known-browser"


def read_known_browser(request: Request) -> tuple[int, str] | None:
    """The owner's id and the random mark of a browser in which that owner has signed in; None for any other."""
    signed = request.cookies.get(known_browser_cookie_name(request.is_secure), "")
    try:
        owner_id, mark = _signer().loads(signed, max_age=int(KNOWN_FOR.total_seconds()))
        return int(owner_id), str(mark)
    except (BadData, TypeError, ValueError):
        return None


def is_known_browser(environ: dict[str, Any], secret_key: str) -> bool:
    """Whether a request comes from a browser in which an owner has signed in. Only the signature is checked, so this
    needs neither the database nor an application context."""
    is_secure = environ["wsgi.url_scheme"] == "https"
    signed = parse_cookie(environ).get(known_browser_cookie_name(is_secure), "")
    try:
        _signer_for(secret_key).loads(signed, max_age=int(KNOWN_FOR.total_seconds()))
    except BadData:
        return False
    return True


def set_known_browser(request: Request, response: Response, path: str, owner_id: int, mark: str) -> None:
    """Set the cookie of a known browser. `path` is the path of the front page."""
    response.set_cookie(
        known_browser_cookie_name(request.is_secure),
        str(_signer().dumps([owner_id, mark])),
        max_age=KNOWN_FOR,
        path=path,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )


def _signer() -> URLSafeTimedSerializer:
    return _signer_for(current_app.config["SECRET_KEY"])


def _signer_for(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="known browser")
