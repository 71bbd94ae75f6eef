"""Sign in: check the limits, then the password or the passkey, then start the session."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import attempts
from blogapp.owners.accounts import all_owners, find_owner
from blogapp.owners.models import Owner, Passkey
from blogapp.owners.passkeys import (
    SIGN_IN,
    PasskeyRefused,
    RelyingParty,
    check_challenge,
    find_passkey,
    read_answer,
    use_challenge,
    verify_answer,
)
from blogapp.owners.passwords import check_password
from blogapp.owners.sessions import end_session, start_session
from blogapp.text.names import fold_case
from blogapp.values import frozen


class WrongPassword(Exception):
    """The owner does not exist or the password is wrong. The response does not say which."""


class TooManyAttempts(Exception):
    """Too many attempts from this network, this browser or for this account; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


@frozen
class Attempt:
    """The browser that signs in. `known_browser`: the owner's id and the mark from the cookie of a browser that has
    signed in before; `old_token`: the browser's present session cookie, or ""."""

    network: str
    user_agent: str
    known_browser: tuple[int, str] | None
    old_token: str


@frozen
class Terms:
    """What applies to any attempt: the key of the site, whether attempts are limited, and the present time."""

    secret: str
    is_limited: bool
    now: datetime


def sign_in(session: Session, attempt: Attempt, name: str, password: str, new_token: str, terms: Terms) -> Owner:
    """Check the password and start a session with `new_token`. Returns the owner who is now signed in.

    No transaction may be open: the password is checked outside of one. Raises TooManyAttempts, WrongPassword or
    passwords.Busy.
    """
    owner = find_owner(session, name)
    _count(session, attempt, owner.id if owner else None, fold_case(name), terms)
    # An unknown name is checked against some owner's hash, so that the response takes equally long.
    compared_with = owner or next(iter(all_owners(session)), None)
    if compared_with is None:
        raise WrongPassword
    old_hash = compared_with.password_hash
    session.commit()  # returns the connection to the pool while the password is checked
    is_right, new_hash = check_password(old_hash, password)
    if owner is None or not is_right:
        raise WrongPassword
    with write_transaction(Changes.NOTHING) as writing:
        owner = writing.get(Owner, owner.id, with_for_update=True, populate_existing=True)
        if owner is None or owner.password_hash != old_hash:
            raise WrongPassword  # the password was changed while this one was checked
        if new_hash:
            owner.password_hash = new_hash
        _start(writing, owner, attempt, new_token, terms.now)
    return owner


def sign_in_with_passkey(
    session: Session, attempt: Attempt, credential: str, party: RelyingParty, new_token: str, terms: Terms
) -> Owner:
    """Check a passkey's answer, in JSON, and start a session with `new_token`. Returns the owner who is now signed in.

    No transaction may be open. Raises TooManyAttempts, PasskeyRefused or ChallengeExpired. Ids of passkeys are random
    and long, so an answer that is refused sooner because its passkey does not exist reveals nothing.
    """
    try:
        answer = read_answer(credential)
    except PasskeyRefused:
        _count(session, attempt, None, None, terms)
        raise
    passkey = find_passkey(session, answer.credential_id)
    _count(session, attempt, passkey.owner_id if passkey else None, None, terms)
    check_challenge(answer.challenge, SIGN_IN, terms.secret, terms.now)
    if passkey is None:
        raise PasskeyRefused
    session.commit()  # returns the connection to the pool while the signature is checked
    sign_count = verify_answer(passkey, answer, party)
    with write_transaction(Changes.NOTHING) as writing:
        use_challenge(writing, answer.challenge, terms.now)
        used = writing.get(Passkey, passkey.id, with_for_update=True, populate_existing=True)
        owner = writing.get(Owner, used.owner_id) if used else None
        if used is None or owner is None:
            raise PasskeyRefused  # it was removed while it was checked
        used.sign_count, used.last_used_at = sign_count, terms.now
        _start(writing, owner, attempt, new_token, terms.now)
    return owner


def _start(session: Session, owner: Owner, attempt: Attempt, new_token: str, now: datetime) -> None:
    end_session(session, attempt.old_token)
    start_session(session, owner, new_token, attempt.user_agent, now)


def _count(session: Session, attempt: Attempt, owner_id: int | None, folded_name: str | None, terms: Terms) -> None:
    """Count an attempt for the owner, if there is one. `folded_name` is None for a passkey. Raises TooManyAttempts."""
    if not terms.is_limited:
        return
    known = attempt.known_browser
    mark = known[1] if known and known[0] == owner_id else ""
    budgets = attempts.budgets(terms.secret, attempt.network, folded_name, mark)
    wait = attempts.seconds_to_wait(session, budgets, terms.now)
    if not wait:
        with write_transaction(durable=False, lock_timeout_ms=2000) as writing:
            wait = attempts.count_attempt(writing, budgets, terms.now)
    if wait:
        raise TooManyAttempts(wait)
