"""Sign-in limits, counted in the database, so that all processes share them and they survive a restart.

A browser in which the owner has signed in before carries a signed cookie and is counted separately (OWASP's "device
cookie"). Every other browser is counted twice: by network, and by account over all networks.

If an attacker guesses an owner's password from many networks and uses up the attempts for the account, the owner cannot
sign in from a new browser, which cannot be distinguished from the attacker's. This is intended: without the limit for
the account, an attacker with many networks could guess indefinitely. Browsers in which the owner has signed in before
are not affected, and the error message says so.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for
from blogapp.owners.models import SignInAttempts
from blogapp.values import frozen

PERIOD = timedelta(minutes=15)


@frozen
class Budget:
    """The limit of `attempts` per PERIOD for the browser, network or account with the digest `key` (16 bytes)."""

    key: bytes
    attempts: int


def budgets(secret: str, network: str, folded_name: str | None, known_browser: str) -> tuple[Budget, ...]:
    """The limits that apply to a sign-in attempt.

    `known_browser` is the random mark of a browser in which the owner with this name has signed in, else "". `network`
    identifies the sender's network and `folded_name` the account, whether or not it exists. It is None for passkeys,
    which cannot be guessed: nobody can lock an owner out of them.
    """
    if known_browser:
        return (Budget(_digest(secret, "browser", known_browser), 10),)
    of_network = Budget(_digest(secret, "network", network), 10)
    if folded_name is None:
        return (of_network,)
    return (of_network, Budget(_digest(secret, "account", folded_name), 20))


def code_budgets(secret: str, network: str, purpose: str) -> tuple[Budget, ...]:
    """The limits for wrong codes of one kind (`setup`, `recovery`, `reset`): for the network, and over all networks."""
    return (Budget(_digest(secret, purpose, network), 10), Budget(_digest(secret, purpose, "everybody"), 100))


def _digest(secret: str, kind: str, value: str) -> bytes:
    return hmac.digest(secret.encode(), f"sign-in\n{kind}\n{value}".encode(errors="replace"), "sha256")[:16]


def seconds_to_wait(session: Session, budgets: tuple[Budget, ...], now: datetime) -> int:
    """Return 0 if each budget has an attempt left, else the seconds until all have. Read-only, so that a refused
    attempt causes no write."""
    attempts_at_most = {budget.key: budget.attempts for budget in budgets}
    # Counts from the future were made while the clock was wrong.
    query = select(SignInAttempts).where(
        SignInAttempts.key.in_(attempts_at_most),
        SignInAttempts.started_at > now - PERIOD,
        SignInAttempts.started_at <= now + PERIOD,
    )
    used_up = [row for row in session.scalars(query) if row.attempts >= attempts_at_most[row.key]]
    return max((_seconds_left(row.started_at, now) for row in used_up), default=0)


def count_attempt(session: Session, budgets: tuple[Budget, ...], now: datetime) -> int:
    """Count one attempt. Returns 0, or the seconds to wait if it exceeds a limit. A write transaction must be open.

    The database increments the counts, so concurrent attempts cannot exceed the budget. Counts of past periods are
    deleted.
    """
    is_over = or_(SignInAttempts.started_at <= now - PERIOD, SignInAttempts.started_at > now + PERIOD)
    session.execute(delete(SignInAttempts).where(is_over))
    waits = [0]
    # In the order of their keys, so that two transactions cannot deadlock.
    for budget in sorted(budgets, key=lambda each: each.key):
        insert = insert_for(session, SignInAttempts).values(key=budget.key, attempts=1, started_at=now)
        upsert = insert.on_conflict_do_update(index_elements=["key"], set_={"attempts": SignInAttempts.attempts + 1})
        row = session.execute(upsert.returning(SignInAttempts.attempts, SignInAttempts.started_at)).one()
        if row.attempts > budget.attempts:
            waits.append(_seconds_left(row.started_at, now))
    return max(waits)


def _seconds_left(started_at: datetime, now: datetime) -> int:
    return max(1, int((started_at + PERIOD - now).total_seconds()))
