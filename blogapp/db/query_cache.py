"""A cache of query results that many requests read and that seldom change: the settings, the menu, the names of the
owners, the owner's list against spam, whether there are bans, the neighbours of an article, the parts of its page that
depend only on these.

They belong to the content version EVERYTHING, which is compared in the snapshot of the session. So a result is as
current as if it had just been read, at the cost of one lookup for all of them. Whatever changes such a result must
raise that version: `write_transaction` with `Changes.EVERYTHING` or `Changes.RULES`. Other changes are seen after
MAX_AGE seconds: those made in a SQL shell, or by a process of an older version, and the new address of a translated
page whose original is deleted from the bin.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy.orm import Session

from blogapp.db.content_versions import EVERYTHING, version_of

T = TypeVar("T")

# Those of 200 articles. Each has its neighbours (about 3 kB) and the nine parts of its page (`web/parts.py`, 10 kB).
MOST_RESULTS = 2_000
MAX_AGE = 60.0  # seconds


class QueryCache:
    """The results that were used last, all of one version."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._expires_at = 0.0
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, version: int, key: Hashable, load: Callable[[], T]) -> T:
        """The result for `key`; if there is none of this version, `load` is called."""
        with self._lock:
            if version == self._version and key in self._results and time.monotonic() < self._expires_at:
                self._results.move_to_end(key)
                found: T = self._results[key]
                return found
        result = load()
        with self._lock:
            now = time.monotonic()
            if version != self._version or now >= self._expires_at:
                self._results.clear()
                self._version, self._expires_at = version, now + MAX_AGE
            self._results[key] = result
            if len(self._results) > MOST_RESULTS:
                self._results.popitem(last=False)
        return result


def init_app(app: Flask) -> None:
    app.extensions["query_cache"] = QueryCache()


def cached_result(session: Session, key: Hashable, load: Callable[[], T]) -> T:
    """What `load` reads in the session's snapshot; all callers get the same object, so they must not change it. A write
    transaction, which may have changed it, always calls `load`."""
    found: T = cached_results(session)(key, load)
    return found


def cached_results(session: Session) -> Callable[[Hashable, Callable[[], Any]], Any]:
    """`cached_result` for many keys of the same snapshot, which is looked up once."""
    version = version_of(session, EVERYTHING)
    if version is None:
        return lambda key, load: load()
    cache: QueryCache = current_app.extensions["query_cache"]
    return partial(cache.get, version)
