"""Pages kept in memory, served while the database is away.

Kept are whole pages that are the same for all readers. Each carries the content version (`db.content_version`) that it
was rendered from: as soon as any process on the machine has changed or deleted something, no process serves an older
page. Other machines that use the same PostgreSQL database do not share that version, so a page is also at most
SHARED_MAX_AGE old there. Keys and bodies together are bounded in bytes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request

from blogapp.db.content_version import ContentVersion
from blogapp.settings import Settings
from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import has_own_cookie

# A process may have 512 MB for everything; a page takes 10 to 100 kB.
ROOM = 8_000_000  # bytes
LARGEST_PAGE = 500_000
# What Python needs for an entry besides its text.
OVERHEAD = 500
# On PostgreSQL, seconds for which another machine may still serve what was deleted, and only during an outage.
SHARED_MAX_AGE = 60.0
# The arguments that pages depend on: the part of a list, the comment looked for, the order, the language, a message,
# where the sign-in form leads.
ARGUMENTS = ("after", "at", "before", "lang", "next", "notice", "sort")
LONGEST_ARGUMENT = 64
LONGEST_KEY = 1_000


@dataclass(frozen=True)
class Page:
    """A rendered page; `version` is the content version read before it was rendered, `rendered_at` is in seconds of
    `time.monotonic()`."""

    body: bytes
    mimetype: str
    version: bytes
    rendered_at: float


class PageCache:
    """The pages that were used last, by key; `room` in bytes, `max_age` in seconds (None: no limit)."""

    def __init__(self, room: int = ROOM, max_age: float | None = None) -> None:
        self._room = room
        self._max_age = max_age
        self._size = 0
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """The bytes in use, keys included."""
        return self._size

    def store(self, key: str, page: Page) -> None:
        if len(page.body) > LARGEST_PAGE or len(key) > LONGEST_KEY or _cost(key, page) > self._room:
            return
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._size += _cost(key, page)
            while self._size > self._room:
                self._drop(next(iter(self._pages)))

    def find(self, key: str, version: bytes | None, now: float) -> Page | None:
        """The page at `key`, if it was rendered from content `version` and is not too old at `now`."""
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            if page.version != version or (self._max_age is not None and now - page.rendered_at > self._max_age):
                self._drop(key)
                return None
            self._pages.move_to_end(key)
            return page

    def _drop(self, key: str) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._size -= _cost(key, page)


def _cost(key: str, page: Page) -> int:
    return len(page.body) + 4 * len(key) + OVERHEAD


def init_app(app: Flask, content_version: ContentVersion, settings: Settings) -> None:
    content_version.ensure()
    cache = PageCache(max_age=None if settings.database_file is not None else SHARED_MAX_AGE)
    app.extensions["page_cache"] = cache
    app.extensions["content_version"] = content_version

    @app.before_request
    def note_version() -> None:
        # Before the page's first query: a page that is rendered while something changes gets the older version.
        g.content_version = content_version.read() if request.method == "GET" else None

    @app.after_request
    def store_page(response: Response) -> Response:
        version: bytes | None = g.get("content_version")
        key = _key()
        if (
            version is not None
            and key is not None
            and response.status_code == 200
            and response.mimetype == "text/html"
            and not has_own_cookie()
            and "Set-Cookie" not in response.headers
            and "Cache-Control" not in response.headers
        ):
            cache.store(key, Page(response.get_data(), response.mimetype, version, time.monotonic()))
        return response


def page_from_cache() -> Response | None:
    """The page at the requested address as it was last rendered; None if there is none that may be served."""
    if request.method not in {"GET", "HEAD"}:
        return None
    key = _key()
    if key is None:
        return None
    cache: PageCache = current_app.extensions["page_cache"]
    content_version: ContentVersion = current_app.extensions["content_version"]
    page = cache.find(key, content_version.read(), time.monotonic())
    if page is None:
        return None
    return Response(page.body, mimetype=page.mimetype, headers={"Cache-Control": "no-store"})


def _key() -> str | None:
    """What tells pages apart: the address and the arguments that pages depend on. What others append to an address
    (`?utm_source=`) leads to the same page. None for what is never stored: a fragment, and an overlong argument."""
    if is_htmx():
        return None
    known = [(name, request.args[name]) for name in ARGUMENTS if name in request.args]
    if any(len(value) > LONGEST_ARGUMENT for _, value in known):
        return None
    # With SITE_URL the host is always its own (proxy.py). Without it, the page has links with the host of the request.
    return f"{request.host_url}{request.path}?{urlencode(known)}"
