"""Cross-site request forgery protection: unsafe requests from other sites are rejected by their headers.

There is no token, so pages can be cached. Browsers since 2023 send `Sec-Fetch-Site`; before that, `Origin` or
`Referer` must be the site's own origin. A client that sends none of the three is not a browser with a visitor's
cookies, and is accepted.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, Request, abort, request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Refuse unsafe requests from other sites with 403."""

    @app.before_request
    def refuse_cross_site() -> None:
        if request.method not in SAFE_METHODS and is_cross_site(request):
            abort(403)


def is_cross_site(request: Request) -> bool:
    """Whether a request comes from another site."""
    fetch_site, referer = request.headers.get("Sec-Fetch-Site"), request.headers.get("Referer")
    return not is_own(origin_of(f"{request.scheme}://{request.host}"), fetch_site, request.origin, referer)


def is_own(own: str, fetch_site: str | None, origin: str | None, referer: str | None) -> bool:
    """Whether a request with these headers comes from the origin `own`, or from a client that is not a browser."""
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if origin is not None:
        return origin_of(origin) == own
    if referer is not None:
        return origin_of(referer) == own
    return True


@lru_cache(256)  # most are the site's own
def origin_of(address: str) -> str:
    """`scheme://host:port` with the port always written; "null" for an address that has no origin."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "null"
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return "null"
    return f"{parts.scheme}://{parts.hostname}:{port}"
