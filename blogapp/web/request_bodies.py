"""Limit the size of request bodies, and handle requests that the server has refused before Flask."""

from __future__ import annotations

from flask import Flask, abort, request

LARGEST_BODY = 64 * 1024  # bytes; larger than any form here
# The WSGI environment's key for the HTTP status of a request that the server has refused.
REFUSAL = "blogapp.refusal"


def init_app(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse() -> None:
        if status := request.environ.get(REFUSAL):
            abort(status)
        if (request.content_length or 0) > LARGEST_BODY:
            abort(413)
