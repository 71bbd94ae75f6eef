"""Hash and check passwords with argon2id, one at a time in each process."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

SHORTEST = 10
LONGEST = 1000

# 19 MiB and three passes; OWASP's minimum for argon2id is 19 MiB and two. Each worker process may hash one at a time.
HASHER = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
# A hash takes about 0.1 s. Only a few threads may wait for one, for a short time, so that sign-ins never occupy all
# threads of a server and never need more than the memory of one hash.
WAITING_AT_MOST = 3
WAIT_SECONDS = 3.0


class Busy(Exception):
    """Other passwords are being checked; try again in a moment."""


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


GATE = Gate(WAITING_AT_MOST, WAIT_SECONDS)


def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises Busy."""
    with GATE.enter():
        return HASHER.hash(_bytes(password))


def check_password(password_hash: str, password: str) -> tuple[bool, str | None]:
    """Whether the password is the one of `password_hash`, and the hash to store in its place if that one is out of
    date (a scrypt hash, or other argon2 costs), else None. Raises Busy.

    Checking a password that is too long takes the usual time and fails.
    """
    is_too_long, password = len(password) > LONGEST, password[:LONGEST]
    with GATE.enter():
        is_right = _verify(password_hash, password) and not is_too_long
        is_outdated = not password_hash.startswith("$argon2") or HASHER.check_needs_rehash(password_hash)
        return is_right, HASHER.hash(_bytes(password)) if is_right and is_outdated else None


def _verify(password_hash: str, password: str) -> bool:
    if not password_hash.startswith("$argon2"):
        return check_password_hash(password_hash, password)
    try:
        return HASHER.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    """Encode the password in NFC, because keyboards send an é as one character or as two."""
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")
