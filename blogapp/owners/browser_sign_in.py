"""Sign in the browser that sent the current request."""

from __future__ import annotations

import secrets

from flask import after_this_request, current_app, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import attempts, cookies
from blogapp.owners.models import Owner
from blogapp.owners.passkeys import ChallengeExpired, PasskeyRefused, RelyingParty, relying_party_at
from blogapp.owners.passwords import Busy, check_password
from blogapp.owners.sessions import LIFETIME, remember_owner
from blogapp.owners.sign_in import Attempt, Terms, TooManyAttempts, WrongPassword, sign_in, sign_in_with_passkey
from blogapp.text.i18n import gettext, ngettext
from blogapp.visitors.identity import new_token
from blogapp.web.rate_limits import network


class SignInRefused(Exception):
    """The attempt failed; the message is already translated. `retry_after` is in seconds."""

    def __init__(self, message: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def sign_in_browser(name: str, password: str) -> Owner:
    """Check the name and the password, start a session and set its cookies on the response. For the rest of this
    request, the owner is signed in. Raises SignInRefused."""
    token = new_token()
    try:
        owner = sign_in(db.session(), _attempt(), name, password, token, _terms())
    except WrongPassword:
        raise SignInRefused(gettext("Wrong name or password"), 422) from None
    except TooManyAttempts as error:
        raise SignInRefused(_try_again_in(error.retry_after), 429, error.retry_after) from None
    except Busy:
        raise SignInRefused(gettext("The server is busy. Try again in a moment."), 503, 2) from None
    admit_browser(owner, token)
    return owner


def sign_in_browser_with_passkey(credential: str) -> Owner:
    """As sign_in_browser, with a passkey: `credential` is what the browser has answered, in JSON. Raises
    SignInRefused."""
    token = new_token()
    try:
        owner = sign_in_with_passkey(db.session(), _attempt(), credential, this_relying_party(), token, _terms())
    except PasskeyRefused:
        raise SignInRefused(passkey_refused(), 422) from None
    except ChallengeExpired:
        raise SignInRefused(passkey_expired(), 422) from None
    except TooManyAttempts as error:
        raise SignInRefused(_try_again_in(error.retry_after), 429, error.retry_after) from None
    admit_browser(owner, token)
    return owner


def this_relying_party() -> RelyingParty:
    """The site of the current request, as WebAuthn knows it."""
    return relying_party_at(request.host_url.rstrip("/"))


def passkey_refused() -> str:
    return gettext("This passkey was not accepted. Try again, or use your password.")


def passkey_expired() -> str:
    return gettext("This took too long. Try again.")


def _attempt() -> Attempt:
    return Attempt(
        network=network(),
        user_agent=request.user_agent.string,
        known_browser=cookies.read_known_browser(request),
        old_token=cookies.read_session_token(request),
    )


def _terms() -> Terms:
    return Terms(current_app.config["SECRET_KEY"], current_app.config["RATELIMIT_ENABLED"], clock.now())


def admit_browser(owner: Owner, token: str) -> None:
    """Set the cookies of a session that was started with `token`, and treat `owner` as signed in from here on."""
    remember_owner(owner)

    @after_this_request
    def set_cookies(response: Response) -> Response:
        cookies.set_session_token(request, response, token, LIFETIME)
        cookies.set_known_browser(request, response, url_for("articles.index"), owner.id, secrets.token_urlsafe(16))
        return response


def check_present_password(owner: Owner, password: str) -> None:
    """Check the password of an owner who is signed in, before a change that a stolen session must not make. Raises
    SignInRefused."""
    if wait := check_attempts("password", counts=False):
        raise SignInRefused(too_many_attempts(wait), 429, wait)
    password_hash = owner.password_hash
    db.session.commit()  # returns the connection to the pool while the password is checked
    try:
        is_right, _ = check_password(password_hash, password)
    except Busy:
        raise SignInRefused(gettext("The server is busy. Try again in a moment."), 503, 2) from None
    if not is_right:
        check_attempts("password", counts=True)
        raise SignInRefused(gettext("Wrong password"), 422)


def check_attempts(purpose: str, counts: bool) -> int:
    """The seconds that this network has to wait after too many wrong codes of this purpose, else 0; `counts` counts
    one more."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return 0
    budgets = attempts.code_budgets(current_app.config["SECRET_KEY"], network(), purpose)
    wait = attempts.seconds_to_wait(db.session(), budgets, clock.now())
    if not wait and counts:
        with write_transaction(Changes.NOTHING, durable=False, lock_timeout_ms=2000) as session:
            wait = attempts.count_attempt(session, budgets, clock.now())
    return wait


def too_many_attempts(seconds: int) -> str:
    """The message after too many wrong codes."""
    minutes = -(-seconds // 60)
    return ngettext(
        "Too many attempts. Try again in %(minutes)s minute.",
        "Too many attempts. Try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}


def _try_again_in(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return ngettext(
        "Too many attempts to sign in, from your network or to this account. Try again in %(minutes)s minute, "
        "or use a browser in which you have signed in before.",
        "Too many attempts to sign in, from your network or to this account. Try again in %(minutes)s minutes, "
        "or use a browser in which you have signed in before.",
        minutes,
    ) % {"minutes": minutes}
