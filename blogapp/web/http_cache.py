"""Cache-Control and Vary. ETags are set by the page cache.

Readers' pages are `public, no-cache`: any cache may store them but must revalidate them before each use, with the
headers of the current request, cookies included. A request with one of our own cookies gets a `private, no-store`
response and never a 304, so its visitor never gets a stored reader's page. Readers' pages therefore need no `Vary:
Cookie`, which would only create one copy for each visitor with an unrelated cookie (`_ga`, `__cf_bm`).
"""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Response, current_app, request

from blogapp.web.htmx import REQUEST_HEADERS
from blogapp.web.page_cache import PUBLIC


def init_app(app: Flask, own_cookies: Collection[str]) -> None:
    """`own_cookies` are the names of the cookies that pages depend on. Other cookies are ignored."""
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
    """Mark a response that depends on a cookie so that no cache stores it."""
    response.headers["Cache-Control"] = "private, no-store"
    response.vary.add("Cookie")
