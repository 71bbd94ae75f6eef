"""Hash and check passwords with argon2id, one at a time in each process."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

from blogapp.web.gate import Busy as Busy
from blogapp.web.gate import Gate

SHORTEST = 10
LONGEST = 1000

# 19 MiB and three passes; OWASP's minimum for argon2id is 19 MiB and two. Each worker process may hash one at a time.
HASHER = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
# A hash takes about 0.1 s. Only a few threads may wait for one, for a short time, so that sign-ins never occupy all
# threads of a server and never need more than the memory of one hash.
WAITING_AT_MOST = 3
WAIT_SECONDS = 3.0

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
