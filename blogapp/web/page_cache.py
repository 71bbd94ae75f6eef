"""A cache of whole responses in memory, served before Flask is called: pages, fragments and "nothing new".

A handler declares what its page depends on (`depends_on(session, article.id)`). The page is then stored with the
content version that it was rendered from (`db.content_versions`), and served as long as that is the current version:
each hit costs one lookup, and no page is stale after a change. View counts do not change the version, so a page also
expires after MAX_AGE seconds.

While the database cannot be read, pages are served if no content has changed since they were stored
(`db.change_marker`).

Only responses that are the same for all readers are stored: those to requests without our cookies. The total size of
keys and bodies is limited. While one request renders a page, others for the same page wait for it.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIApplication

from flask import Flask, current_app, request
from sqlalchemy.orm import Session

from blogapp.db.change_marker import ChangeMarker
from blogapp.db.content_versions import SITE as SITE
from blogapp.db.content_versions import VersionReader, version_of
from blogapp.web.arguments import CleanRequest
from blogapp.web.compression import SMALLEST, coding_for, compress
from blogapp.web.immediate import Answer, Environ, answer_of

# Bytes for URLs without arguments and for URLs with arguments, so that the latter cannot evict the former.
ROOM = 6_000_000
ROOM_WITH_ARGUMENTS = 2_000_000
LARGEST_BODY = 500_000
# Memory of an entry besides its text, in bytes.
OVERHEAD = 1_500
# Seconds after which a page is rendered again, to update its view counts.
MAX_AGE = 10.0
# With PostgreSQL, seconds for which another machine may still serve deleted content, and only during an outage.
SHARED_MAX_AGE = 60.0
# Seconds that a request waits for another one that renders the same page.
LONGEST_WAIT = 5.0
# The arguments that pages depend on: pagination cursors, the requested comment, the language, a message, the page after
# signing in, the version of an open page, the sort order.
ARGUMENTS = ("after", "at", "before", "lang", "next", "notice", "since", "sort")
LONGEST_ARGUMENT = 64
LONGEST_QUERY = 1_000
LONGEST_PATH = 600
PUBLIC = "public, no-cache"
# Responses that are never stored and must not wait for each other, because counting a view takes a moment.
UNCACHED = ("/views.gif", "/readyz")
# The WSGI environment's key for the list that `depends_on` appends to; missing if the response is not stored.
DEPENDENCIES = "blogapp.page_cache.dependencies"


class Dependency(NamedTuple):
    """The id of a content version, and the version that the request's snapshot of the database has."""

    version_id: int
    version: int


class Entry:
    """A stored response. `marker` and `verified_at` are the change marker and the time (`time.monotonic()`) of its last
    comparison with the current version, `rendered_at` the time of its rendering."""

    def __init__(self, answer: Answer, dependency: Dependency, marker: bytes | None, rendered_at: float) -> None:
        self.dependency = dependency
        self.verified: tuple[bytes | None, float] = (marker, rendered_at)
        self.rendered_at = rendered_at
        self._plain = answer
        self._hash = hashlib.blake2b(answer.body, digest_size=12).hexdigest()
        self._answers: dict[str, tuple[str, Answer, Answer]] = {}
        self.size = len(answer.body) + OVERHEAD

    def answer(self, environ: Environ, may_compress: bool = True) -> Answer | None:
        """The response in a coding that the client accepts, or 304. None if it would have to be compressed first."""
        coding = coding_for(environ.get("HTTP_ACCEPT_ENCODING", "")[:200])
        found = self._answers.get(coding)
        if found is None:
            if not may_compress and coding:
                return None
            found = self._answers[coding] = self._in(coding)
        etag, whole, unchanged = found
        if_none_match = environ.get("HTTP_IF_NONE_MATCH")
        return unchanged if if_none_match and self._plain.status == 200 and matches(if_none_match, etag) else whole

    def stale(self, environ: Environ) -> Answer:
        """The response during an outage, which no other cache may store."""
        answer = self.answer(environ)
        assert answer is not None
        fields = [(name, value) for name, value in answer.fields if name != "Cache-Control"]
        age = int(time.monotonic() - self.rendered_at)
        return answer._replace(
            fields=[*fields, ("Cache-Control", "no-store"), ("Cache-Status", f"blogapp; hit; ttl=-{age}")]
        )

    def _in(self, coding: str) -> tuple[str, Answer, Answer]:
        status, fields, body = self._plain
        if status == 204:
            return "", self._plain, self._plain
        # Each coding is a representation of its own, so each has its own strong ETag (RFC 9110, section 8.8.3.3).
        etag = f'"{self._hash}"'
        if coding and len(body) >= SMALLEST:
            body = compress(body, coding)
            self.size += len(body)
            etag = f'"{self._hash}-{coding}"'
            fields = [*fields, ("Content-Encoding", coding)]
        fields = [*fields, ("ETag", etag)]
        without_type = [(name, value) for name, value in fields if not name.startswith("Content-")]
        return etag, Answer(200, [*fields, ("Content-Length", str(len(body)))], body), Answer(304, without_type, b"")


class Store:
    """An LRU cache of entries; `room` is its maximum size in bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._entries: OrderedDict[str, tuple[Entry, int]] = OrderedDict()
        self._lock = Lock()
        self.size = 0

    def get(self, key: str) -> Entry | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            entry, size = self._entries[key]
            if entry.size != size:  # it has been compressed since
                self._put(key, entry)
            return entry

    def put(self, key: str, entry: Entry) -> None:
        with self._lock:
            self._put(key, entry)

    def drop(self, key: str, entry: Entry) -> None:
        """Remove `entry`, unless another one has replaced it."""
        with self._lock:
            if key in self._entries and self._entries[key][0] is entry:
                self._remove(key)

    def _put(self, key: str, entry: Entry) -> None:
        self._remove(key)
        size = entry.size
        self._entries[key] = (entry, size)
        self.size += size + 2 * len(key)
        while self.size > self._room:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: str) -> None:
        entry, size = self._entries.pop(key, (None, 0))
        if entry is not None:
            self.size -= size + 2 * len(key)


class PageCache:
    """WSGI middleware that stores responses, and a responder that finds them (`immediate.py`).

    Requests with one of `private_cookies` bypass the cache. In an outage, entries are served until `stale_max_age`
    seconds after their last comparison (None: no limit).
    """

    def __init__(
        self,
        app: WSGIApplication,
        versions: VersionReader,
        marker: ChangeMarker,
        private_cookies: Iterable[str],
        stale_max_age: float | None,
    ) -> None:
        self._app = app
        self._versions = versions
        self._marker = marker
        self._private = frozenset(private_cookies)
        self._stale_max_age = stale_max_age
        self._stores = {False: Store(ROOM), True: Store(ROOM_WITH_ARGUMENTS)}
        self._render_locks = RenderLocks()

    @property
    def size(self) -> int:
        """The bytes in use, keys included."""
        return sum(store.size for store in self._stores.values())

    def respond(self, environ: Environ) -> Answer | None:
        """The stored response, if it can be found without waiting: the production server calls this in its event
        loop."""
        key = self._key(environ)
        entry = self._current(key, environ, may_wait=False) if key else None
        return entry.answer(environ, may_compress=False) if entry else None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = self._key(environ)
        if key is None:
            return self._app(environ, start_response)
        with self._render_locks.hold(key):
            entry = self._current(key, environ, may_wait=True)
            answer = entry.answer(environ) if entry else self._render(key, environ)
        if answer is None:
            return self._app(environ, start_response)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.fields)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def stale(self, environ: Environ) -> Answer | None:
        """The stored response during an outage, if no content has changed since it was verified."""
        key = self._key(environ)
        entry = self._store(key).get(key) if key else None
        if entry is None:
            return None
        marker, verified_at = entry.verified
        too_old = self._stale_max_age is not None and time.monotonic() - verified_at > self._stale_max_age
        if marker is None or marker != self._marker.read() or too_old:
            return None
        return entry.stale(environ)

    def _current(self, key: str, environ: Environ, may_wait: bool) -> Entry | None:
        store = self._store(key)
        entry = store.get(key)
        now = time.monotonic()
        if entry is None or now - entry.rendered_at > MAX_AGE:
            return None
        marker = self._marker.read_open()  # read before the version: a change in between also changes the marker
        version = self._versions.read(entry.dependency.version_id, may_wait)
        if version == entry.dependency.version:
            entry.verified = (marker, now)
            return entry
        if version is not None:
            store.drop(key, entry)
        return None

    def _render(self, key: str, environ: Environ) -> Answer:
        """The application's response, which is stored if allowed."""
        marker, now = self._marker.read_open(), time.monotonic()
        dependencies: list[Dependency] = []
        # The response to HEAD is made from the response to GET.
        answer = answer_of(self._app, {**environ, "REQUEST_METHOD": "GET", DEPENDENCIES: dependencies})
        if not dependencies or not is_public(answer) or len(answer.body) > LARGEST_BODY:
            return answer
        fields = [(name, value) for name, value in answer.fields if name != "Content-Length"]
        entry = Entry(answer._replace(fields=fields), dependencies[-1], marker, now)
        first = entry.answer(environ)
        self._store(key).put(key, entry)
        return first or answer

    def _store(self, key: str) -> Store:
        return self._stores[not key.endswith("?")]

    def _key(self, environ: Environ) -> str | None:
        """The cache key: the URL, the arguments that pages depend on, and page or fragment. Other arguments
        (`?utm_source=`) are ignored. None if the response is never stored."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or len(environ["PATH_INFO"]) > LONGEST_PATH:
            return None
        if (cookies := environ.get("HTTP_COOKIE")) and not self._private.isdisjoint(cookie_names(cookies)):
            return None
        if environ["PATH_INFO"].endswith(UNCACHED):
            return None
        query = environ.get("QUERY_STRING", "")
        arguments = known_arguments(query) if query else ""
        if arguments is None:
            return None
        wants = "fragment" if is_fragment(environ) else "page"
        # With SITE_URL the host is always the same (proxy.py). Without it, pages contain links with the request's host.
        site = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{environ['SCRIPT_NAME']}"
        return f"{wants} {site}{environ['PATH_INFO']}?{arguments}"


class RenderLocks:
    """Locks that let only one request at a time render a page."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: dict[str, tuple[Lock, int]] = {}

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Wait for the lock, at most LONGEST_WAIT seconds; after that, two requests render the page."""
        with self._lock:
            render_lock, users = self._locks.get(key, (Lock(), 0))
            self._locks[key] = (render_lock, users + 1)
        taken = render_lock.acquire(timeout=LONGEST_WAIT)
        try:
            yield
        finally:
            if taken:
                render_lock.release()
            with self._lock:
                _, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (render_lock, users - 1)


def init_app(
    app: Flask,
    versions: VersionReader,
    marker: ChangeMarker,
    private_cookies: Iterable[str],
    stale_max_age: float | None,
) -> PageCache:
    """Create the cache in front of `app.wsgi_app`. Call this after all middleware that it should wrap."""
    cache = PageCache(app.wsgi_app, versions, marker, private_cookies, stale_max_age)
    app.extensions["page_cache"] = cache
    return cache


def depends_on(session: Session, version_id: int) -> None:
    """Store this request's response until the article with this id changes; for SITE, until any content changes. Call
    this in the snapshot that the page is read from."""
    dependencies: list[Dependency] | None = request.environ.get(DEPENDENCIES)
    if dependencies is None:
        return
    version = version_of(session, version_id)
    if version is not None:
        dependencies.append(Dependency(version_id, version))


def is_kept() -> bool:
    """Whether the response to this request will be stored; the cache then compresses it and compares its ETag."""
    return bool(request.environ.get(DEPENDENCIES))


def page_from_cache() -> Answer | None:
    """The stored response for the requested page during an outage; None if there is none that may be served."""
    cache: PageCache = current_app.extensions["page_cache"]
    return cache.stale(request.environ)


def is_public(answer: Answer) -> bool:
    """Whether a response is the same for all readers."""
    fields = {name.lower(): value for name, value in answer.fields}
    return answer.status in {200, 204} and fields.get("cache-control") == PUBLIC and "set-cookie" not in fields


def is_fragment(environ: Environ) -> bool:
    """The same rule as `htmx.is_htmx`."""
    return environ.get("HTTP_HX_REQUEST") == "true" and environ.get("HTTP_HX_HISTORY_RESTORE_REQUEST") != "true"


def cookie_names(field: str) -> Iterator[str]:
    return (pair.partition("=")[0].strip() for pair in field.split(";"))


@lru_cache(512)
def known_arguments(query: str) -> str | None:
    """The arguments of a query string that pages depend on, in a fixed order; None if one is too long."""
    if len(query) > LONGEST_QUERY:
        return None
    arguments = CleanRequest({"QUERY_STRING": query}).args
    known = [(name, arguments[name]) for name in ARGUMENTS if name in arguments]
    return None if any(len(value) > LONGEST_ARGUMENT for _, value in known) else urlencode(known)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match field names the ETag; compared weakly (RFC 9110, section 13.1.2)."""
    return etag in if_none_match or if_none_match.strip() == "*"
