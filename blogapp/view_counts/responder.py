"""Answer the usual page view before Flask is called: Flask takes longer than counting a view, and a view that waits in
the event loop occupies no thread.

This is the view that the script of an article page sends for a reader without cookies. Everything else, and a view
whose total is not known, is answered by `routes.create`, with the same fields and the same text.
"""

from __future__ import annotations

import asyncio
import re

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

# Bytes of a body that is parsed in the event loop; the script sends fewer. Parsing 64 KiB can take 60 ms, during which
# the event loop would answer nobody, and more than 1,000 parts are an error, which Flask answers with 413.
LARGEST_BODY = 1024
# Characters of the Content-Type: finding the parts between boundaries of 8,000 characters takes 18 ms.
LONGEST_CONTENT_TYPE = 200
# Rendered fragments that are kept, about 300 bytes each.
MOST_FRAGMENTS = 100
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
        self._fragments: dict[tuple[ViewTotal, str], bytes] = {}

    async def __call__(self, environ: Environ) -> Answer | None:
        """The answer to a request whose body has been read, or None if Flask has to give it."""
        view = self._view_in(environ)
        if view is None:
            return None
        environ[COUNTED] = view.slug
        written = self._writer.add(view)
        if written is None:
            return None
        await asyncio.wait([asyncio.wrap_future(written)], timeout=ANSWER_WITHIN)
        total = written.result() if written.done() else None
        if total is None:
            return None
        environ[ROUTE], environ[QUERIES] = "/articles/<slug>/views", 0
        body = self._fragment(total, environ)
        return Answer(200, [*security_fields(environ["wsgi.url_scheme"]), *FIELDS, content_length(body)], body)

    def _view_in(self, environ: Environ) -> Seen | None:
        """The view that a request is, if it is to be counted here."""
        path = PATH.fullmatch(environ["PATH_INFO"])
        if path is None or environ["REQUEST_METHOD"] != "POST" or not is_fragment(environ):
            return None
        if REFUSAL in environ or "HTTP_COOKIE" in environ:
            return None
        request = CleanRequest(environ)
        if (request.content_length or 0) > LARGEST_BODY or len(request.content_type or "") > LONGEST_CONTENT_TYPE:
            return None
        if is_cross_site(request):
            return None
        if reason_not_to_count("POST", request.headers, own_hosts(self._app, request), False, False):
            return None
        return view_in(self._app, request, path[1], clock.now())

    def _fragment(self, total: ViewTotal, environ: Environ) -> bytes:
        """The number of views as HTML, rendered once for all views of a batch: they share their total."""
        url = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
        if (total, url) not in self._fragments:
            if len(self._fragments) >= MOST_FRAGMENTS:
                self._fragments.clear()
            with self._app.request_context(environ):
                self._fragments[total, url] = fragment(total, url).encode()
        return self._fragments[total, url]


def content_length(body: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(body))
