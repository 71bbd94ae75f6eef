"""A cache of whole responses in memory, served before Flask is called: pages, fragments and "nothing new".

A handler declares what its page depends on (`depends_on(session, article.id)`). The page is then stored with the
content version that it was rendered from (`db.content_versions`), and served as long as that is the current version:
each hit costs one lookup, and no page is stale after a change. View counts do not change the version, so a page also
expires after MAX_AGE seconds, and a list of articles earlier, if a scheduled article appears in it earlier.

While the database cannot be read, pages are served if nothing has been removed since they were last compared with it
(`db.change_marker`). A page to which something was added is therefore kept until its successor has been rendered. The
same holds while the database is so slow that rendering a page takes seconds.

Only responses that are the same for all readers are stored: those to requests without our cookies. The total size of
keys and bodies is limited. While one request renders a page, others for the same page wait for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlencode
from wsgiref.types import StartResponse, WSGIApplication

from flask import Flask, current_app, request
from sqlalchemy.orm import Session

from blogapp.db.change_marker import ChangeMarker, removals
from blogapp.db.content_versions import SITE as SITE
from blogapp.db.content_versions import Unavailable, VersionReader, version_of
from blogapp.web.arguments import CleanRequest
from blogapp.web.immediate import Answer, Environ, answer_of
from blogapp.web.metrics import CACHED, QUERIES, ROUTE
from blogapp.web.page_store import Dependency, Entry, RenderLocks, Store

# Bytes for URLs without arguments and for URLs with arguments, so that the latter cannot evict the former.
ROOM = 5_000_000
ROOM_WITH_ARGUMENTS = 1_500_000
# The largest body of each: a sitemap of 10,000 addresses has no arguments.
LARGEST_BODY = 2_000_000
LARGEST_BODY_WITH_ARGUMENTS = 500_000
# Seconds after which a page is rendered again, to update its view counts.
MAX_AGE = 10.0
# With PostgreSQL, seconds for which another machine may still serve deleted content, and only during an outage.
SHARED_MAX_AGE = 60.0
# The arguments that pages depend on: pagination cursors, the requested comment, the language, a message, the page after
# signing in, the version of an open page, the sort order, the year of the archive.
ARGUMENTS = ("after", "at", "before", "lang", "next", "notice", "since", "sort", "year")
LONGEST_ARGUMENT = 64
LONGEST_QUERY = 1_000
LONGEST_PATH = 600
PUBLIC = "public, no-cache"
# Responses that are never stored and must not wait for each other, because counting a view takes a moment.
UNCACHED = ("/views.gif", "/readyz")
# Each search is another one.
UNCACHED_PATHS = frozenset({"/search"})
# The WSGI environment's key for the list that `depends_on` appends to; missing if the response is not stored.
DEPENDENCIES = "blogapp.page_cache.dependencies"


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
        """The stored response if it is available at once. The production server calls this in its event loop."""
        key = self._key(environ)
        return self._find(key, environ, is_in_thread=False) if key else None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = self._key(environ)
        if key is None:
            return self._app(environ, start_response)
        with self._render_locks.hold(key):
            answer = self._find(key, environ, is_in_thread=True) or self._render(key, environ)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.fields)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def stale(self, environ: Environ) -> Answer | None:
        """The stored response during an outage, if nothing has been removed since it was verified."""
        key = self._key(environ)
        entry = self._store(key).get(key) if key else None
        return self._stale(entry, environ) if entry else None

    def _stale(self, entry: Entry, environ: Environ) -> Answer | None:
        marker, verified_at = entry.verified
        too_old = self._stale_max_age is not None and time.monotonic() - verified_at > self._stale_max_age
        if too_old or not self._removed_nothing(marker, self._marker.read()):
            return None
        return entry.stale(environ)

    @staticmethod
    def _removed_nothing(before: bytes | None, now: bytes | None) -> bool:
        return before is not None and now is not None and removals(before) == removals(now)

    def _find(self, key: str, environ: Environ, is_in_thread: bool) -> Answer | None:
        """The stored response if it is current; in an outage, if nothing has been removed. Only a thread may wait for
        the database and compress."""
        store = self._store(key)
        entry = store.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        marker = self._marker.read_open()  # read before the version: a change in between also changes the marker
        try:
            version = self._versions.read(entry.dependency.version_id, marker, may_wait=is_in_thread)
        except Unavailable:
            return self._stale(entry, environ)
        if version is None:
            return None
        if version != entry.dependency.version:
            # Kept if something was only added: the database may become unavailable before the page is rendered.
            # If the marker is the same, another machine has changed something, which may be a removal.
            if marker == entry.verified[0] or not self._removed_nothing(entry.verified[0], marker):
                store.drop(key, entry)
                return None
            return self._stale(entry, environ) if self._versions.is_slow else None
        entry.verified = (marker, now)
        if now - entry.rendered_at > min(MAX_AGE, entry.dependency.max_age):
            return self._stale(entry, environ) if self._versions.is_slow else None
        if answer := entry.answer(environ, may_compress=is_in_thread):
            environ[ROUTE] = CACHED
        return answer

    def _render(self, key: str, environ: Environ) -> Answer:
        """The application's response, which is stored if allowed."""
        marker, now = self._marker.read_open(), time.monotonic()
        dependencies: list[Dependency] = []
        # The response to HEAD is made from the response to GET.
        inner = {**environ, "REQUEST_METHOD": "GET", DEPENDENCIES: dependencies}
        answer = answer_of(self._app, inner)
        environ.update({name: inner[name] for name in (ROUTE, QUERIES) if name in inner})
        largest_body = LARGEST_BODY if key.endswith("?") else LARGEST_BODY_WITH_ARGUMENTS
        if not dependencies or not is_public(answer) or len(answer.body) > largest_body:
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
        if environ["PATH_INFO"].endswith(UNCACHED) or environ["PATH_INFO"] in UNCACHED_PATHS:
            return None
        query = environ.get("QUERY_STRING", "")
        if len(query) > LONGEST_QUERY:  # it must not become a key of the memory of known_arguments(), either
            return None
        arguments = known_arguments(query) if query else ""
        if arguments is None:
            return None
        wants = "fragment" if is_fragment(environ) else "page"
        # With SITE_URL the host is always the same (proxy.py). Without it, pages contain links with the request's host.
        site = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{environ['SCRIPT_NAME']}"
        return f"{wants} {site}{environ['PATH_INFO']}?{arguments}"


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


def depends_on(session: Session, version_id: int, max_age: float = math.inf) -> None:
    """Store this request's response until the article with this id changes; for SITE, until any content changes; and at
    most for `max_age` seconds, because a scheduled article appears then. Call this in the snapshot that the page is
    read from."""
    dependencies: list[Dependency] | None = request.environ.get(DEPENDENCIES)
    if dependencies is None:
        return
    if dependencies and dependencies[-1].version_id == version_id:
        dependencies[-1] = dependencies[-1]._replace(max_age=min(max_age, dependencies[-1].max_age))
        return
    version = version_of(session, version_id)
    if version is not None:
        dependencies.append(Dependency(version_id, version, max_age))


def limit_max_age(max_age: float) -> None:
    """Store this request's response, if it is stored, at most for `max_age` seconds. Call this after `depends_on`."""
    if dependencies := request.environ.get(DEPENDENCIES):
        dependencies[-1] = dependencies[-1]._replace(max_age=min(max_age, dependencies[-1].max_age))


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
    arguments = CleanRequest({"QUERY_STRING": query}).args
    known = [(name, arguments[name]) for name in ARGUMENTS if name in arguments]
    return None if any(len(value) > LONGEST_ARGUMENT for _, value in known) else urlencode(known)
