"""Answer the usual page view before Flask is called: Flask takes longer than counting a view, and a view that waits in
the event loop occupies no thread.

This is the view that the script of an article page sends for a reader without cookies. Everything else, and a view
whose total is not known, is answered by `routes.create`, with the same fields and the same text.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache

from flask import Flask

from blogapp import clock
from blogapp.view_counts.batch_writer import ANSWER_WITHIN, ViewWriter
from blogapp.view_counts.bot_filter import reason_not_to_count
from blogapp.view_counts.counting import Seen, ViewTotal
from blogapp.view_counts.routes import COUNTED, fragment, own_hosts, view_in
from blogapp.web.arguments import CleanRequest
from blogapp.web.csrf import is_cross_site
from blogapp.web.headers import MARK, security_fields
from blogapp.web.htmx import REQUEST_HEADERS
from blogapp.web.immediate import Answer, Environ
from blogapp.web.metrics import QUERIES, ROUTE
from blogapp.web.page_cache import is_fragment
from blogapp.web.request_bodies import REFUSAL

PATH = re.compile(r"/articles/([a-z0-9-]+)/views")
FIELDS = [
    MARK,
    ("Content-Type", "text/html; charset=utf-8"),
    ("Vary", ", ".join(REQUEST_HEADERS)),
    ("Cache-Control", "no-store"),
]


class ViewResponder:
    """Counts the views of an application in the production server's event loop."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._writer: ViewWriter = app.extensions["view_writer"]
        self._fragment = lru_cache(64)(self._render)  # the views of a batch share their total

    async def __call__(self, environ: Environ) -> Answer | None:
        """The answer to a request whose body has been read, or None if Flask has to give it."""
        view = self._view_in(environ)
        if view is None:
            return None
        environ[COUNTED] = True
        written = self._writer.add(view)
        if written is None:
            return None
        await asyncio.wait([asyncio.wrap_future(written)], timeout=ANSWER_WITHIN)
        total = written.result() if written.done() else None
        if total is None:
            return None
        environ[ROUTE], environ[QUERIES] = "/articles/<slug>/views", 0
        body = self._fragment(total, environ["SCRIPT_NAME"] + environ["PATH_INFO"])
        return Answer(200, [*security_fields(environ["wsgi.url_scheme"]), *FIELDS, content_length(body)], body)

    def _view_in(self, environ: Environ) -> Seen | None:
        """The view that a request is, if it is to be counted here."""
        path = PATH.fullmatch(environ["PATH_INFO"])
        if path is None or environ["REQUEST_METHOD"] != "POST" or not is_fragment(environ):
            return None
        if REFUSAL in environ or "HTTP_COOKIE" in environ:
            return None
        request = CleanRequest(environ)
        if is_cross_site(request):
            return None
        if reason_not_to_count("POST", request.headers, own_hosts(self._app, request), False, False):
            return None
        return view_in(self._app, request, path[1], clock.now())

    def _render(self, total: ViewTotal, url: str) -> bytes:
        with self._app.test_request_context():
            return fragment(total, url).encode()


def content_length(body: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(body))
