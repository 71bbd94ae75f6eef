"""Cross-site requests are refused by what the browser says of them; no token, so pages stay cacheable.

The browser's own word is `Sec-Fetch-Site` (Fetch Metadata, all browsers since 2023); before that `Origin`, else
`Referer`. A client that sends none of the three is no browser with somebody's cookies, and is let in.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, abort, request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask, site_url: str) -> None:
    """Refuse unsafe requests from elsewhere with 403. `site_url` is the public address, or empty for the request's."""

    @app.before_request
    def refuse_cross_site() -> None:
        if request.method in SAFE_METHODS:
            return
        own = {origin_of(request.host_url)}
        if site_url:
            own.add(origin_of(site_url))
        if not is_own(own, request.headers.get("Sec-Fetch-Site"), request.origin, request.headers.get("Referer")):
            abort(403)


def is_own(own: set[str], fetch_site: str | None, origin: str | None, referer: str | None) -> bool:
    """Whether a request with these headers comes from one of the origins in `own` (or from no browser at all)."""
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if origin is not None:
        return origin_of(origin) in own
    if referer is not None:
        return origin_of(referer) in own
    return True


def origin_of(address: str) -> str:
    """`scheme://host:port` with the port always written; "null" for what has no such thing."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "null"
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return "null"
    return f"{parts.scheme}://{parts.hostname}:{port}"
