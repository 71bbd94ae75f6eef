"""Answers that need neither Flask nor the database: the health check, stylesheets and scripts.

`Immediate` is the outermost WSGI middleware. The production server asks it in its event loop, before a request takes
a thread; any other server calls it as WSGI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication


class Answer(NamedTuple):
    """A whole HTTP response."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes


Environ = dict[str, Any]
Responder = Callable[[Environ], Answer | None]
Preparation = Callable[[Environ], None]


class Immediate:
    """Prepare each request's environment; the first responder that has an answer gives it, else `app` does."""

    def __init__(self, app: WSGIApplication, prepare: Preparation, responders: list[Responder]) -> None:
        self.app = app
        self._prepare = prepare
        self._responders = responders

    def answer(self, environ: Environ) -> Answer | None:
        """Prepare `environ`, in place; the immediate answer, if there is one."""
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
