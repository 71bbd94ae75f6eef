"""Limit the size of request bodies, and handle requests that the server has refused before Flask.

Long texts are sent only by owners, to a few addresses. Servers must know the limit before they read a body, when it is
too early to look up a session in the database; so `has_large_body` decides by the path and by a signature in a cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, abort, request

LARGEST_BODY = 64 * 1024  # bytes; larger than any form of a visitor
# A text of 1,000,000 characters, some of which take three bytes in UTF-8, in a form that may be percent-encoded.
LARGEST_OWNER_BODY = 4 * 1024 * 1024
# Seconds that a client may take to send a body.
BODY_SECONDS = 10.0
OWNER_BODY_SECONDS = 60.0
# The WSGI environment's key for the HTTP status of a request that the server has refused.
REFUSAL = "blogapp.refusal"

# Whether a request with this WSGI environment may have a large body.
HasLargeBody = Callable[[dict[str, Any]], bool]


def init_app(app: Flask, has_large_body: HasLargeBody) -> None:
    app.extensions["has_large_body"] = has_large_body
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse() -> None:
        if status := request.environ.get(REFUSAL):
            abort(status)
        limit, _ = limits_of(app, request.environ)
        request.max_content_length = request.max_form_memory_size = limit
        if (request.content_length or 0) > limit:
            abort(413)


def limits_of(app: object, environ: dict[str, Any]) -> tuple[int, float]:
    """The largest body of a request, in bytes, and the seconds that it may take."""
    has_large_body: HasLargeBody | None = getattr(app, "extensions", {}).get("has_large_body")
    if has_large_body is not None and has_large_body(environ):
        return LARGEST_OWNER_BODY, OWNER_BODY_SECONDS
    return LARGEST_BODY, BODY_SECONDS
