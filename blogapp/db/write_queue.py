"""A FIFO queue of threads that wait to write, bounded so that some threads stay free for readers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import monotonic

from blogapp.db.faults import Busy

# A server has eight threads per process. If no writer has got the lock for STALL_SECONDS, at most MAX_BLOCKED threads
# hold a slot or wait for one. The others are refused and serve readers.
MAX_BLOCKED = 4
STALL_SECONDS = 1.0


class WriteQueue:
    """Lets `slots` threads write at a time. SQLite has one writer. PostgreSQL has many, but our threads must not all
    wait for the same lock there."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._max_waiting = MAX_BLOCKED - slots
        self._lock = Lock()
        self._waiting: deque[Event] = deque()
        self._last_progress = monotonic()

    @contextmanager
    def slot(self, seconds: float, may_refuse: bool) -> Iterator[float]:
        """Wait up to `seconds` for a slot and yield the seconds that remain.

        Raises Busy after that time. With `may_refuse` it raises Busy as soon as the queue has stalled and
        MAX_BLOCKED threads are already blocked.
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
                self._last_progress = monotonic()
                return
            slot = Event()
            self._waiting.append(slot)
        while not slot.wait(max(0.0, min(until, self._last_progress + STALL_SECONDS) - monotonic())):
            with self._lock:
                if slot.is_set():
                    return
                now = monotonic()
                may_wait = not may_refuse or self._waiting.index(slot) < self._max_waiting
                if now >= until or (now >= self._last_progress + STALL_SECONDS and not may_wait):
                    self._waiting.remove(slot)
                    raise Busy
            if may_wait and slot.wait(max(0.0, until - monotonic())):
                return

    def _release(self) -> None:
        with self._lock:
            self._last_progress = monotonic()
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def progress(self) -> None:
        """Record that a writer has got the database's lock."""
        with self._lock:
            self._last_progress = monotonic()

    @property
    def length(self) -> int:
        """How many threads are waiting for a slot."""
        return len(self._waiting)
