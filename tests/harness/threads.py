"""Threads that act beside a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event, Thread
from typing import Self

# Seconds that the threads have to end. Their requests have shorter timeouts.
LONGEST_END = 120


class Repeated:
    """Threads that repeat actions until the end of the `with` block, one thread for each. They wait `pause` seconds
    before an action."""

    def __init__(self, actions: Iterable[Callable[[], object]], pause: float = 0) -> None:
        self._ended = Event()
        self._pause = pause
        self._threads = [Thread(target=self._repeat, args=[action], daemon=True) for action in actions]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(LONGEST_END)
        assert not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, action: Callable[[], object]) -> None:
        while not self._ended.wait(self._pause):
            action()
