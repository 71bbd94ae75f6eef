"""Limit the size of request bodies, and handle requests that the server has refused before Flask.

Only owners send long texts and pictures, to a few addresses. Servers must know the limit before they read a body, when
it is too early to look up a session in the database; so the path and the signature of a cookie decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Flask, abort, request

LARGEST_BODY = 64 * 1024  # bytes; larger than any form of a visitor
BODY_SECONDS = 10.0  # that a client may take to send it
# The WSGI environment's key for the HTTP status of a request that the server has refused.
REFUSAL = "blogapp.refusal"


class Limits(NamedTuple):
    """The largest body of a request, in bytes, and the seconds that it may take."""

    size: int
    seconds: float


USUAL = Limits(LARGEST_BODY, BODY_SECONDS)


def init_app(app: Flask, of_owners: Mapping[str, Limits], is_owners_browser: Callable[[dict[str, Any]], bool]) -> None:
    """`of_owners` has larger limits for addresses that begin with its keys, in requests with a WSGI environment for
    which `is_owners_browser` is true."""
    app.extensions["body_limits"] = of_owners, is_owners_browser
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse() -> None:
        if status := request.environ.get(REFUSAL):
            abort(status)
        limit = limits_of(app, request.environ).size
        request.max_content_length = request.max_form_memory_size = limit
        if (request.content_length or 0) > limit:
            abort(413)


def limits_of(app: object, environ: dict[str, Any]) -> Limits:
    """The limits of a request with this WSGI environment."""
    of_owners, is_owners_browser = getattr(app, "extensions", {}).get("body_limits", ({}, None))
    for path, limits in of_owners.items():
        if environ["PATH_INFO"].startswith(path):
            return limits if is_owners_browser(environ) else USUAL
    return USUAL
