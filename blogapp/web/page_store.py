"""What the page cache stores: responses with their compressed bodies and ETags, bounded in bytes."""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from blogapp.web.compression import SMALLEST, coding_for, compress, decompress
from blogapp.web.immediate import Answer, Environ

# Memory of an entry besides its body and the text of its key, in bytes.
OVERHEAD = 1_500
# Seconds that a request waits for another one that renders the same page.
LONGEST_WAIT = 1.0


class Dependency(NamedTuple):
    """The id of a content version, the version that the request's snapshot of the database has, and the seconds after
    which the response is out of date although the version stays the same."""

    version_id: int
    version: int
    max_age: float = math.inf


class Entry:
    """A stored response. Once it has been compressed, its plain body is dropped: almost all clients accept brotli or
    gzip, and the plain body would take most of the memory. `marker` and `verified_at` are the change marker and the
    time (`time.monotonic()`) of its last comparison with the current version, `rendered_at` the time of its rendering.

    A worker keeps more than a thousand entries, so the objects of each matter as much as the compressed body: `size`
    counts both (OVERHEAD).
    """

    __slots__ = (
        "_answers",
        "_body",
        "_coding",
        "_fields",
        "_status",
        "_unchanged",
        "dependency",
        "rendered_at",
        "size",
        "verified",
    )

    def __init__(self, answer: Answer, dependency: Dependency, marker: bytes | None, rendered_at: float) -> None:
        self.dependency = dependency
        self.verified: tuple[bytes | None, float] = (marker, rendered_at)
        self.rendered_at = rendered_at
        self._status = answer.status
        self._fields = shared(tuple(field(*each) for each in sorted(answer.fields, key=is_of_content)))
        # The number of fields at the beginning of a response that a 304 has, too: the ETag and these.
        self._unchanged = 1 + sum(not is_of_content(each) for each in self._fields)
        self._body, self._coding = answer.body, ""
        self._answers: tuple[tuple[str, Answer], ...] = ()  # those that were requested, each with its coding
        self.size = len(answer.body) + OVERHEAD

    def answer(self, environ: Environ, may_compress: bool = True) -> Answer | None:
        """The response in a coding that the client accepts, or 304. None if it would have to be compressed first."""
        coding = coding_for(environ.get("HTTP_ACCEPT_ENCODING", "")[:200])
        answer = self._kept(coding)
        if answer is None:
            if not may_compress and (coding or self._coding):
                return None
            answer = self._in(coding)
            self._answers = (*self._answers, (coding, answer))
            bodies = [self._body, *(each.body for _, each in self._answers)]
            self.size = OVERHEAD + sum({id(body): len(body) for body in bodies}.values())
        if_none_match = environ.get("HTTP_IF_NONE_MATCH")
        if if_none_match and self._status == 200 and matches(if_none_match, answer.fields[0][1]):
            return Answer(304, answer.fields[: self._unchanged], b"")
        return answer

    def _kept(self, coding: str) -> Answer | None:
        for kept, answer in self._answers:
            if kept == coding:
                return answer
        return None

    def stale(self, environ: Environ) -> Answer:
        """The response during an outage, which no other cache may store."""
        answer = self.answer(environ)
        assert answer is not None
        fields = [(name, value) for name, value in answer.fields if name != "Cache-Control"]
        age = int(time.monotonic() - self.rendered_at)
        return answer._replace(
            fields=[*fields, ("Cache-Control", "no-store"), ("Cache-Status", f"blogapp; hit; ttl=-{age}")]
        )

    def _in(self, coding: str) -> Answer:
        """The whole response. If it has an ETag, that is the first field."""
        body = decompress(self._body, self._coding)
        if self._status == 204:
            return Answer(204, list(self._fields), body)
        fields = list(self._fields)
        if coding and len(body) >= SMALLEST:
            body = compress(body, coding)
            self._body, self._coding = body, coding
            fields.append(field("Content-Encoding", coding))
        # Each coding is a representation of its own, so each has its own strong ETag (RFC 9110, section 8.8.3.3): of
        # the body as it is sent, because a compressed one is a fifth of the plain one.
        etag = hashlib.blake2b(body, digest_size=12).hexdigest()
        return Answer(200, [("ETag", f'"{etag}"'), *fields, ("Content-Length", str(len(body)))], body)


def is_of_content(field: tuple[str, str]) -> bool:
    """Whether a 304 leaves out this field."""
    return field[0].startswith("Content-")


@lru_cache(100)
def field(name: str, value: str) -> tuple[str, str]:
    """A header field. Entries share those that most responses have: each of them would take 1 kB more."""
    return name, value


@lru_cache(100)
def shared(fields: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The fields of a response. Most pages have the same ones."""
    return fields


class Store:
    """A segmented LRU cache of entries; `room` is its maximum size in bytes.

    Entries that have not been requested since they were stored may take a quarter of it, so that pages that are
    requested only once (at made-up hosts, by crawlers) neither evict the others nor fill the memory.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._new, self._used = Segment(), Segment()
        self._lock = Lock()

    @property
    def size(self) -> int:
        return self._new.size + self._used.size

    def get(self, key: str) -> Entry | None:
        with self._lock:
            if (entry := self._used.touch(key)) is None and (entry := self._new.entry(key)) is not None:
                self._new.remove(key)
                self._used.put(key, entry)
            self._evict()
            return entry

    def put(self, key: str, entry: Entry) -> None:
        with self._lock:
            segment = self._used if self._used.entry(key) else self._new
            segment.put(key, entry)
            self._evict()

    def drop(self, key: str, entry: Entry) -> None:
        """Remove `entry`, unless another one has replaced it."""
        with self._lock:
            for segment in (self._new, self._used):
                if segment.entry(key) is entry:
                    segment.remove(key)

    def _evict(self) -> None:
        # A single new entry may be larger than a quarter: a sitemap that is not compressed.
        while self._new.size > self._room // 4 and len(self._new.entries) > 1:
            self._new.remove_oldest()
        while self._new.size + self._used.size > self._room:
            (self._used if self._used.entries else self._new).remove_oldest()


class Segment:
    """Entries by their keys, the least recently used first, and their size with their keys in bytes."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, tuple[Entry, int]] = OrderedDict()
        self.size = 0

    def entry(self, key: str) -> Entry | None:
        found = self.entries.get(key)
        return found[0] if found else None

    def touch(self, key: str) -> Entry | None:
        """The entry, which becomes the most recently used one."""
        if (found := self.entries.get(key)) is None:
            return None
        entry, size = found
        self.entries.move_to_end(key)
        if entry.size + 2 * len(key) != size:  # it has been compressed since
            self.put(key, entry)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        self.remove(key)
        size = entry.size + 2 * len(key)
        self.entries[key] = (entry, size)
        self.size += size

    def remove(self, key: str) -> None:
        _, size = self.entries.pop(key, (None, 0))
        self.size -= size

    def remove_oldest(self) -> None:
        self.remove(next(iter(self.entries)))


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


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match field names the ETag; compared weakly (RFC 9110, section 13.1.2)."""
    return etag in if_none_match or if_none_match.strip() == "*"
