"""A circuit breaker: after a failure, do not ask the database again at once."""

from __future__ import annotations

from threading import Lock
from time import monotonic


class CircuitBreaker:
    """Keeps every thread from waiting for a database that does not respond.

    Closed: every caller may try. Open: none may for `open_seconds`. Half open: one caller at a time may try, for at
    most `trial_seconds`, until one succeeds.
    """

    def __init__(self, open_seconds: float, trial_seconds: float) -> None:
        self._open_seconds = open_seconds
        self._trial_seconds = trial_seconds
        self._lock = Lock()
        self._open_until: float | None = None

    def open(self) -> None:
        with self._lock:
            self._open_until = monotonic() + self._open_seconds

    def half_open(self) -> None:
        """One query timed out, perhaps because of the query itself: let one caller try before others."""
        with self._lock:
            self._open_until = self._open_until or monotonic()

    def close(self) -> None:
        with self._lock:
            self._open_until = None

    @property
    def is_open(self) -> bool:
        """Whether no caller may try now."""
        return self._open_until is not None and monotonic() < self._open_until

    @property
    def is_closed(self) -> bool:
        """Whether every caller may try."""
        return self._open_until is None

    def allows(self) -> bool:
        """Whether this caller may try now. When half open, the next one may not until this one has finished."""
        if self._open_until is None:
            return True
        with self._lock:
            if self._open_until is None:
                return True
            if monotonic() < self._open_until:
                return False
            self._open_until = monotonic() + self._trial_seconds
            return True
