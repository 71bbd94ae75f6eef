"""A lock with a bounded queue, for work that takes much memory or time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Busy(Exception):
    """Others are already doing the same kind of work; try again in a moment."""


class Gate:
    """A lock with a bounded queue: one thread holds it, a few more wait, and all others get `Busy` immediately."""

    def __init__(self, waiting: int, seconds: float) -> None:
        self._places = threading.BoundedSemaphore(1 + waiting)
        self._turn = threading.Lock()
        self._seconds = seconds

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises Busy if too many threads are waiting, or if the lock is not free in time."""
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            if not self._turn.acquire(timeout=self._seconds):
                raise Busy
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()
