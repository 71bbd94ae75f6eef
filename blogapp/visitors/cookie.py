"""Visitors' cookies. One is set for visitors who post a comment, and proves that the comment is theirs; the other is
set for visitors who opt out of view counts. Reading sets no cookie."""

from __future__ import annotations

import re

from flask import Request
from werkzeug.wrappers import Response

DAYS = 90
# How long an opt-out from view counts lasts. The cookie's value is the same for everyone.
OBJECTION_DAYS = 395
OBJECTION = "uncounted"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


# Over https the `__Host-` prefix binds the cookie to this host and to https.
PLAIN_NAME, SECURE_NAME = NAMES = ("visitor", "__Host-visitor")


def cookie_name(is_secure: bool) -> str:
    return SECURE_NAME if is_secure else PLAIN_NAME


def read_token(request: Request) -> str:
    """The visitor's token; empty if there is none or if it is invalid."""
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


def has_objected(request: Request) -> bool:
    """Whether the visitor has opted out of view counts in this browser."""
    return request.cookies.get(OBJECTION) == "1"


def set_objection(request: Request, response: Response) -> None:
    response.set_cookie(
        OBJECTION,
        "1",
        max_age=OBJECTION_DAYS * 24 * 60 * 60,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def delete_objection(response: Response) -> None:
    response.delete_cookie(OBJECTION, path="/")
