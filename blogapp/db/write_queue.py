"""The queue of threads that wait to write: first in, first out, and limited so that threads are left for readers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import monotonic

from blogapp.db.faults import Busy

# A server has eight threads per process. When the queue has not moved for STUCK seconds, at most MOST_STUCK of them
# hold a slot or wait for one; the others are turned away and serve readers.
MOST_STUCK = 4
STUCK = 1.0


class WriteQueue:
    """Lets `slots` threads write at a time. SQLite has one writer; PostgreSQL lets many write, but not all of our
    threads may wait there for the same lock."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._patient = MOST_STUCK - slots
        self._lock = Lock()
        self._waiting: deque[Event] = deque()
        self._moved = monotonic()

    @contextmanager
    def turn(self, seconds: float, may_refuse: bool) -> Iterator[float]:
        """Wait up to `seconds` for a slot; yields how many of them are left.

        Raises Busy after that time, or, where `may_refuse` is set, as soon as the queue does not move and enough
        others are waiting.
        """
        until = monotonic() + seconds
        self._take(until, may_refuse)
        try:
            yield max(0.0, until - monotonic())
        finally:
            self._release()

    def _take(self, until: float, may_refuse: bool) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                self._moved = monotonic()
                return
            slot = Event()
            self._waiting.append(slot)
        while not slot.wait(max(0.0, min(until, self._moved + STUCK) - monotonic())):
            with self._lock:
                if slot.is_set():
                    return
                now = monotonic()
                is_patient = not may_refuse or self._waiting.index(slot) < self._patient
                if now >= until or (now >= self._moved + STUCK and not is_patient):
                    self._waiting.remove(slot)
                    raise Busy
            if is_patient and slot.wait(max(0.0, until - monotonic())):
                return

    def _release(self) -> None:
        with self._lock:
            self._moved = monotonic()
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def progress(self) -> None:
        """Record that a writer has the database's lock and no longer waits."""
        with self._lock:
            self._moved = monotonic()

    @property
    def length(self) -> int:
        """How many threads are waiting for a slot."""
        return len(self._waiting)
