"""The page for an owner who has lost the password: a recovery code, or RESET_CODE, and a new password."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import keep_out_of_caches
from blogapp.owners.accounts import all_owners, change_password, find_owner
from blogapp.owners.browser_sign_in import admit_browser, check_attempts, too_many_attempts
from blogapp.owners.forms import RecoveryForm
from blogapp.owners.models import Owner
from blogapp.owners.passwords import Busy, hash_password
from blogapp.owners.recovery import new_recovery_codes, unused_recovery_codes, use_recovery_code, use_reset_code
from blogapp.owners.sessions import start_session
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import new_token

bp = Blueprint("owner_recovery", __name__, url_prefix="/owner/recovery")
bp.after_request(keep_out_of_caches)


class WrongCode(Exception):
    """The code does not exist or was used before."""


class NameNeeded(Exception):
    """RESET_CODE is right, but it is not known which of several owners has sent it."""


@bp.get("")
def new() -> str:
    return render_template("owners/recovery.html", form=RecoveryForm(), refusal="")


@bp.post("")
def create() -> WerkzeugResponse:
    form = RecoveryForm(request.form)
    if wait := check_attempts("recovery", counts=False):
        return _refuse(form, too_many_attempts(wait), 429, wait)
    if not form.validate():
        return _refuse(form, "", 422)
    try:
        password_hash = hash_password(form.password.data or "")
        codes = _recover(form, password_hash)
    except Busy:
        return _refuse(form, gettext("The server is busy. Try again in a moment."), 503, 2)
    except NameNeeded:
        form.refused_name = gettext("Please enter your name: this blog has several owners.")
    except WrongCode:
        check_attempts("recovery", counts=True)
        form.refused_code = gettext("This code is wrong or was used before.")
    else:
        if codes:
            next_address = url_for("owner_security.show", notice="password")
            page = render_template("owners/recovery_codes.html", codes=codes, next_address=next_address, is_new=False)
            return make_response(page)
        return redirect(url_for("owner_security.show", notice="password"), 303)
    form.validate()
    return _refuse(form, "", 422)


def _recover(form: RecoveryForm, password_hash: str) -> list[str]:
    """Use the code, change the password, end the old sessions and sign the browser in. Raises WrongCode or
    NameNeeded, and then the code is not used.

    Returns new recovery codes if none are left, as for a new owner, whose code from another owner was the only one."""
    token, now = new_token(), clock.now()
    with write_transaction(Changes.NOTHING) as session:
        owner = _owner_of_code(session, form.reset_code.data or "", form.name.data or "")
        change_password(session, owner, password_hash)
        start_session(session, owner, token, request.user_agent.string, now)
        codes = [] if unused_recovery_codes(session, owner.id) else new_recovery_codes(session, owner.id)
    admit_browser(owner, token)
    return codes


def _owner_of_code(session: Session, code: str, name: str) -> Owner:
    owner = use_recovery_code(session, code)
    if owner is not None:
        return owner
    if not use_reset_code(session, code, current_app.config["RESET_CODE"], clock.now()):
        raise WrongCode
    owners = all_owners(session)
    owner = owners[0] if len(owners) == 1 else find_owner(session, name)
    if owner is None:
        raise NameNeeded
    return owner


def _refuse(form: RecoveryForm, refusal: str, status: int, retry_after: int | None = None) -> Response:
    response = make_response(render_template("owners/recovery.html", form=form, refusal=refusal, failed=True), status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
