"""Read htmx's request headers, which choose between a fragment and a page."""

from __future__ import annotations

from flask import Flask, request

# The request headers that choose between fragment and page; Vary must name each of them.
REQUEST_HEADERS = ("HX-Request", "HX-History-Restore-Request")


def init_app(app: Flask) -> None:
    """Make `htmx` available in templates: whether they render a fragment for an open page."""
    app.context_processor(lambda: {"htmx": is_htmx()})


def is_htmx() -> bool:
    """Whether the client requests a fragment. A history restore always gets the whole page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
