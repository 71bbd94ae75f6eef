"""Sign in: check the limits, then the password, then start the session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import attempts
from blogapp.owners.accounts import all_owners, find_owner
from blogapp.owners.models import Owner
from blogapp.owners.passwords import check_password
from blogapp.owners.sessions import end_session, start_session
from blogapp.text.names import fold_case


class WrongPassword(Exception):
    """The owner does not exist or the password is wrong. The response does not say which."""


class TooManyAttempts(Exception):
    """Too many attempts from this network, this browser or for this account; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


@dataclass(frozen=True)
class Attempt:
    """A submitted sign-in form and the data of its request. `known_browser`: the owner's id and the mark from the
    cookie of a browser that has signed in before; `old_token`: the browser's present session cookie, or ""."""

    name: str
    password: str
    network: str
    user_agent: str
    known_browser: tuple[int, str] | None
    old_token: str


def sign_in(session: Session, attempt: Attempt, new_token: str, secret: str, is_limited: bool, now: datetime) -> Owner:
    """Check the attempt and start a session with `new_token`. Returns the owner who is now signed in.

    No transaction may be open: the password is checked outside of one. Raises TooManyAttempts, WrongPassword or
    passwords.Busy.
    """
    owner = find_owner(session, attempt.name)
    if is_limited:
        _count(session, attempt, owner, secret, now)
    # An unknown name is checked against some owner's hash, so that the response takes equally long.
    compared_with = owner or next(iter(all_owners(session)), None)
    if compared_with is None:
        raise WrongPassword
    old_hash = compared_with.password_hash
    session.commit()  # returns the connection to the pool while the password is checked
    is_right, new_hash = check_password(old_hash, attempt.password)
    if owner is None or not is_right:
        raise WrongPassword
    with write_transaction(Changes.NOTHING) as writing:
        owner = writing.get(Owner, owner.id, with_for_update=True, populate_existing=True)
        if owner is None or owner.password_hash != old_hash:
            raise WrongPassword  # the password was changed while this one was checked
        if new_hash:
            owner.password_hash = new_hash
        end_session(writing, attempt.old_token)
        start_session(writing, owner, new_token, attempt.user_agent, now)
    return owner


def _count(session: Session, attempt: Attempt, owner: Owner | None, secret: str, now: datetime) -> None:
    known = attempt.known_browser
    mark = known[1] if known and owner and known[0] == owner.id else ""
    budgets = attempts.budgets(secret, attempt.network, fold_case(attempt.name), mark)
    wait = attempts.seconds_to_wait(session, budgets, now)
    if not wait:
        with write_transaction(durable=False, lock_timeout_ms=2000) as writing:
            wait = attempts.count_attempt(writing, budgets, now)
    if wait:
        raise TooManyAttempts(wait)
