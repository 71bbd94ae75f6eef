"""The cookie of those who have posted: it proves what is theirs. Readers have none."""

from __future__ import annotations

import re

from flask import Request
from werkzeug.wrappers import Response

DAYS = 90
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name(is_secure: bool) -> str:
    """With `__Host-` a browser takes it only over https, from this very host, for the whole of it."""
    return "__Host-visitor" if is_secure else "visitor"


def read_token(request: Request) -> str:
    """The visitor's token; empty for one who has none, or something that we did not make."""
    token = request.cookies.get(cookie_name(request.is_secure), "")
    return token if TOKEN.fullmatch(token) else ""


def set_token(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(request.is_secure),
        token,
        max_age=DAYS * 24 * 60 * 60,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
