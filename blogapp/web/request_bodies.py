"""The largest request body, and requests that the server has refused before Flask sees them."""

from __future__ import annotations

from flask import Flask, abort, request

LARGEST_BODY = 64 * 1024  # bytes; larger than any form here
# The WSGI environment's key for the HTTP status that the server refuses a request with.
REFUSAL = "blogapp.refusal"


def init_app(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def refuse() -> None:
        if status := request.environ.get(REFUSAL):
            abort(status)
        if (request.content_length or 0) > LARGEST_BODY:
            abort(413)
