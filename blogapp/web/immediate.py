"""Responses that do not need Flask: the health check, stylesheets and scripts, cached pages.

`Immediate` is the outermost WSGI middleware. The production server calls `answer` in its event loop, before a request
takes a thread; other servers call it as WSGI.
"""

from __future__ import annotations

import string
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication


class Answer(NamedTuple):
    """A whole HTTP response."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes


Environ = dict[str, Any]
Responder = Callable[[Environ], Answer | None]
# Called in the production server's event loop, once the body has been read.
AsyncResponder = Callable[[Environ], Awaitable[Answer | None]]
Preparation = Callable[[Environ], None]


class Immediate:
    """Prepare each request's environment and return the first response of a responder, or else the response of
    `app`. The production server calls `respond_later` before it calls `app`."""

    def __init__(
        self,
        app: WSGIApplication,
        prepare: Preparation,
        responders: list[Responder],
        respond_later: AsyncResponder | None = None,
    ) -> None:
        self.app = app
        self.respond_later = respond_later
        self._prepare = prepare
        self._responders = responders

    def answer(self, environ: Environ) -> Answer | None:
        """Prepare `environ` in place and return the immediate response, if there is one."""
        if not (query := environ.get("QUERY_STRING", "")).isascii():
            # Werkzeug fails at bytes that are not UTF-8 (and PEP 3333 passes bytes as latin-1): percent-encode them.
            environ["QUERY_STRING"] = quote(query, safe=string.punctuation, encoding="latin-1")
        self._prepare(environ)
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
            for respond in self._responders:
                if answer := respond(environ):
                    return answer
        return None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = self.answer(environ)
        if answer is None:
            return self.app(environ, start_response)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.fields)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


def answer_of(app: WSGIApplication, environ: Environ) -> Answer:
    """The whole response of a WSGI application (PEP 3333). Exceptions of the application are not caught."""
    status, fields = "", []
    body: list[bytes] = []

    def start_response(new_status: str, new_fields: list[tuple[str, str]], exc_info: Any = None) -> Any:
        nonlocal status, fields
        status, fields = new_status, new_fields
        return body.append

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        body.extend(chunks)
    finally:
        if close := getattr(chunks, "close", None):
            close()
    return Answer(int(status[:3]), fields, b"".join(body))
