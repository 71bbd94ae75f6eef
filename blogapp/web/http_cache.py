"""Cache-Control and Vary. ETags are set by the page cache.

Readers' pages are `public, no-cache`: any cache may store them, and asks us before each use with the headers of the
request it answers, cookies included. A request with one of our own cookies gets a `private, no-store` answer, never a
304, so a stored reader's page cannot reach it. That is why `Vary: Cookie` is not needed on readers' pages: it would
only give each visitor with some unrelated cookie (`_ga`, `__cf_bm`) a copy of their own.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, current_app, request

from blogapp.web.htmx import REQUEST_HEADERS
from blogapp.web.page_cache import PUBLIC


def init_app(app: Flask, own_cookies: Collection[str]) -> None:
    """`own_cookies` are the names of the cookies that pages depend on. Cookies of others change nothing."""
    app.config["OWN_COOKIES"] = frozenset(own_cookies)

    @app.after_request
    def set_cache_rules(response: Response) -> Response:
        response.vary.update(REQUEST_HEADERS)
        if "Cache-Control" in response.headers:
            return response
        if request.method not in {"GET", "HEAD"} or response.status_code not in {200, 204, 304}:
            response.headers["Cache-Control"] = "no-store"
        elif has_own_cookie() or "Set-Cookie" in response.headers:
            keep_private(response)
        else:
            response.headers["Cache-Control"] = PUBLIC
        return response


def has_own_cookie() -> bool:
    """Whether the request carries a cookie that pages depend on."""
    own: frozenset[str] = current_app.config["OWN_COOKIES"]
    return not own.isdisjoint(request.cookies)


def keep_private(response: Response) -> None:
    """Keep an answer that depends on a cookie out of every cache."""
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.add("Cookie")
