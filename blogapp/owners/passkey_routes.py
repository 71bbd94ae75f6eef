"""The passkeys of an owner: a section of the security page, also shown at the end of the first setup.

A passkey is added in two steps. `begin` checks the password and sends the options, with which static/js/passkeys.js
asks the browser for a passkey; `create` stores it. Both answer with the section.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import cookies
from blogapp.owners.access import current_owner, for_owners
from blogapp.owners.browser_sign_in import (
    SignInRefused,
    check_present_password,
    passkey_expired,
    passkey_refused,
    this_relying_party,
)
from blogapp.owners.forms import PasskeyForm
from blogapp.owners.models import Passkey
from blogapp.owners.passkeys import (
    PASSKEYS_AT_MOST,
    ChallengeExpired,
    PasskeyRefused,
    add_passkey,
    check_challenge,
    passkeys_of,
    read_answer,
    registration_options,
    remove_passkey,
    session_binding,
    use_challenge,
    verify_new,
)
from blogapp.owners.sessions import began_recently, browser_name
from blogapp.site.settings import current_site
from blogapp.text.i18n import gettext
from blogapp.values import frozen
from blogapp.web.htmx import is_htmx

bp = for_owners(Blueprint("owner_passkeys", __name__, url_prefix="/owner/security/passkeys"))

Answer = Response | str | tuple[str, int]


@frozen
class Section:
    """The section of passkeys. `options`, in JSON, starts the second step of adding one."""

    passkeys: list[Passkey]
    form: PasskeyForm
    needs_password: bool
    works_here: bool
    is_full: bool
    options: str = ""
    message: str = ""
    error: str = ""


@bp.post("/challenge")
def begin() -> Answer:
    """Check the password, unless the owner has just signed in, and send the options for a new passkey."""
    form, owner = PasskeyForm(request.form), current_owner()
    if needs_password():
        try:
            check_present_password(owner, form.present_password.data or "")
        except SignInRefused as refusal:
            form.refused_password = str(refusal)
            form.validate()
            return _answer(section(form), refusal.status)
    if not form.validate():
        return _answer(section(form), 422)
    options = registration_options(
        db.session(), owner, this_relying_party(), current_site().title, _binding(), _secret(), clock.now()
    )
    return _answer(section(form, options=json.dumps(options)))


@bp.post("")
def create() -> Answer:
    """Store the passkey that the browser has made."""
    form, owner, now = PasskeyForm(request.form), current_owner(), clock.now()
    if not form.validate():
        return _answer(section(form), 422)
    name = form.passkey_name.data or browser_name(request.user_agent.string) or gettext("Passkey")
    try:
        answer = read_answer(request.form.get("credential", ""))
        check_challenge(answer.challenge, _binding(), _secret(), now)
        credential = verify_new(answer, this_relying_party())
        with write_transaction(Changes.NOTHING) as session:
            use_challenge(session, answer.challenge, now)
            add_passkey(session, owner.id, credential, name, now)
    except PasskeyRefused:
        return _answer(section(form, error=passkey_refused()), 422)
    except ChallengeExpired:
        return _answer(section(form, error=passkey_expired()), 422)
    return _done(gettext("The passkey is saved. You can sign in with it now."), "passkey")


@bp.post("/<id:passkey_id>/removal")
def delete(passkey_id: int) -> Answer:
    with write_transaction(Changes.NOTHING) as session:
        remove_passkey(session, current_owner().id, passkey_id)
    return _done(gettext("The passkey has been removed."), "passkey-removed")


def section(form: PasskeyForm | None = None, just_signed_in: bool = False, **state: Any) -> Section:
    """The section for the current owner."""
    passkeys = passkeys_of(db.session(), current_owner().id)
    return Section(
        passkeys,
        form or PasskeyForm(passkey_name=browser_name(request.user_agent.string)),
        needs_password=not just_signed_in and needs_password(),
        works_here=bool(this_relying_party().id),
        is_full=len(passkeys) >= PASSKEYS_AT_MOST,
        **state,
    )


def needs_password() -> bool:
    """Whether adding a passkey needs the password: a stolen session must not get one."""
    return not began_recently(db.session(), cookies.read_session_token(request), clock.now())


def _answer(passkeys: Section, status: int = 200) -> tuple[str, int]:
    template = "owners/_passkeys.html" if is_htmx() else "owners/passkeys.html"
    return render_template(template, passkeys=passkeys, failed=status >= 400), status


def _done(message: str, notice: str) -> Answer:
    if is_htmx():
        return _answer(section(message=message))
    return redirect(url_for("owner_security.show", notice=notice), 303)


def _binding() -> str:
    return session_binding(current_owner().id, cookies.read_session_token(request))


def _secret() -> str:
    secret: str = current_app.config["SECRET_KEY"]
    return secret
