"""The last pages that readers got, kept in memory: they are served while the database is away.

Whoever reads gets the article with the numbers that were last known, and not an excuse. Only what is the same for
everybody is kept (whole pages, no cookie asked for or given), and only some megabytes of it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlencode

from flask import Flask, Response, current_app, request

from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import has_own_cookie

# A process may have 512 MB for everything; a page takes 10 to 100 kB.
ROOM = 8_000_000  # bytes
LARGEST = 500_000
# Whoever changes or withdraws their words does not want to see the old ones again.
TAKING_BACK = {"comment_authors.update", "comment_authors.delete"}
# What pages take after the question mark: the part of a list, the comment looked for, the order, the language.
ARGUMENTS = ("after", "at", "before", "lang", "notice", "sort")


@dataclass(frozen=True)
class _Page:
    body: bytes
    mimetype: str


class Standby:
    """Pages by their address, those that were asked for last; `room` in bytes."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._taken = 0
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self._lock = Lock()

    def keep(self, address: str, body: bytes, mimetype: str) -> None:
        if len(body) > min(LARGEST, self._room):
            return
        with self._lock:
            self._drop(address)
            self._pages[address] = _Page(body, mimetype)
            self._taken += len(body)
            while self._taken > self._room:
                self._drop(next(iter(self._pages)))

    def drop(self, path: str) -> None:
        """Forget a page, whatever is asked of it: `path` with its host."""
        with self._lock:
            for address in [each for each in self._pages if each.partition("?")[0] == path]:
                self._drop(address)

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()
            self._taken = 0

    def find(self, address: str) -> _Page | None:
        with self._lock:
            if address in self._pages:
                self._pages.move_to_end(address)
            return self._pages.get(address)

    def _drop(self, address: str) -> None:
        page = self._pages.pop(address, None)
        if page is not None:
            self._taken -= len(page.body)


def init_app(app: Flask) -> None:
    app.extensions["standby"] = standby = Standby()

    @app.after_request
    def keep_page(response: Response) -> Response:
        if request.method == "POST" and request.endpoint in TAKING_BACK and response.status_code < 400:
            standby.clear()
        if request.method != "GET" or is_htmx() or request.endpoint == "static":
            return response
        if response.status_code == 404:
            standby.drop(f"{request.host}{request.path}")  # withdrawn from readers: it does not come back
        elif (
            response.status_code == 200
            and response.mimetype == "text/html"
            and not has_own_cookie()
            and "Set-Cookie" not in response.headers
            and "Cache-Control" not in response.headers
        ):
            standby.keep(_address(), response.get_data(), response.mimetype)
        return response


def page_on_standby() -> Response | None:
    """The page that was last served at the address that is asked for, as it was then; None where there is none."""
    if request.method not in {"GET", "HEAD"} or is_htmx():
        return None
    standby: Standby = current_app.extensions["standby"]
    page = standby.find(_address())
    if page is None:
        return None
    return Response(page.body, mimetype=page.mimetype, headers={"Cache-Control": "no-store"})


def _address() -> str:
    """What tells pages apart: the path, and of the question only what a page answers to. What others append to an
    address (`?utm_source=`) leads to the same page, and fills no memory. The host is written in the page."""
    known = urlencode([(name, request.args[name]) for name in ARGUMENTS if name in request.args])
    return f"{request.host}{request.path}?{known}"
