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


# Over https the `__Host-` prefix binds the cookie to this host and to https. It requires the path `/`, so a blog below
# a path has `__Secure-`, and the cookie stays below its path: another blog on the same host has one of its own.
PLAIN_NAME, SECURE_NAME, SECURE_NAME_BELOW_A_PATH = NAMES = ("visitor", "__Host-visitor", "__Secure-visitor")


def cookie_name(is_secure: bool, prefix: str = "") -> str:
    """`prefix` is the path of the site, such as `/blog`; empty at the root of its host."""
    if not is_secure:
        return PLAIN_NAME
    return SECURE_NAME_BELOW_A_PATH if prefix else SECURE_NAME


def read_token(request: Request) -> str:
    """The visitor's token; empty if there is none or if it is invalid."""
    token = request.cookies.get(cookie_name(request.is_secure, request.script_root), "")
    return token if TOKEN.fullmatch(token) else ""


def set_token(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(request.is_secure, request.script_root),
        token,
        max_age=DAYS * 24 * 60 * 60,
        path=request.script_root or "/",
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
        path=request.script_root or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def delete_objection(request: Request, response: Response) -> None:
    response.delete_cookie(OBJECTION, path=request.script_root or "/")
