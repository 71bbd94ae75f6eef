"""Security headers, added to every response as it leaves the application: pages, errors and static files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Other sites do not learn which article a reader came from. Our own forms still send it: csrf.py checks the
    # Referer header of browsers that send neither Sec-Fetch-Site nor Origin.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Marks a response of this application. static/js/responses.js ignores responses without it: a response of a proxy, a
# captive portal or a login page in front of the site must not replace a form and the text in it.
MARK = ("Blogapp-Response", "1")

ONE_YEAR = 31_536_000


def init_app(app: Flask) -> None:
    """Wrap the WSGI application. Call this after all other middleware that responds to requests."""
    app.wsgi_app = SecurityHeaders(app.wsgi_app)  # type: ignore[method-assign]


def security_fields(scheme: str) -> list[tuple[str, str]]:
    """Return HEADERS and, over https, HSTS. `scheme` is the request's."""
    hsts = [("Strict-Transport-Security", f"max-age={ONE_YEAR}")] if scheme == "https" else []
    return [*HEADERS.items(), *hsts]


class SecurityHeaders:
    """WSGI middleware that adds the security fields and MARK. It does not change a header that is already set.

    Assets and the health check are answered before Flask and add their own (`immediate.py`).
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            if "date" in present:  # Werkzeug adds it to conditional responses, and every server adds its own
                headers[:] = [field for field in headers if field[0].lower() != "date"]
            added = [*security_fields(environ["wsgi.url_scheme"]), MARK]
            headers += [(name, value) for name, value in added if name.lower() not in present]
            return start_response(status, headers, *args)

        return self._app(environ, start)
