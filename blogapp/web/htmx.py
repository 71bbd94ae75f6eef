"""The one reader of HX-* headers: fragment or page."""

from __future__ import annotations

from flask import Flask, Response, request


def init_app(app: Flask) -> None:
    """Templates know as `htmx` whether they make a fragment for a page that stands already."""
    app.context_processor(lambda: {"htmx": is_htmx()})


def is_htmx() -> bool:
    """Whether a fragment is wanted. A history restore wants the whole page, whatever else it says."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def vary(response: Response) -> Response:
    """Every answer may differ by these two: a fragment for HTMX, and an author's own view of what they posted."""
    response.vary.update(["Cookie", "HX-Request"])
    return response
