"""The security page of an owner: password, passkeys (passkey_routes.py), sessions, recovery codes."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import cookies
from blogapp.owners.access import current_owner, for_owners
from blogapp.owners.accounts import change_password
from blogapp.owners.browser_sign_in import SignInRefused, admit_browser, check_present_password
from blogapp.owners.forms import ChangePasswordForm
from blogapp.owners.passkey_routes import section
from blogapp.owners.passwords import hash_password
from blogapp.owners.recovery import new_recovery_codes, unused_recovery_codes
from blogapp.owners.sessions import end_all_sessions, is_session_of, revoke_session, sessions_of, start_session
from blogapp.visitors.identity import new_token
from blogapp.web.htmx import is_htmx

bp = for_owners(Blueprint("owner_security", __name__, url_prefix="/owner/security"))


@bp.get("")
def show() -> str:
    return _page(ChangePasswordForm())


@bp.post("/sessions/<id:session_id>/revocation")
def revoke(session_id: int) -> Response | str:
    with write_transaction(Changes.NOTHING) as session:
        revoke_session(session, current_owner().id, session_id)
    if is_htmx():
        return render_template("owners/_sessions.html", sessions=_sessions())
    return redirect(url_for("owner_security.show", notice="session"), 303)


@bp.post("/sessions/revocation")
def revoke_all() -> Response:
    """Sign out everywhere, including here."""
    with write_transaction(Changes.NOTHING) as session:
        end_all_sessions(session, current_owner().id)
    response = redirect(url_for("owner.new"), 303)
    cookies.delete_session_token(request, response)
    return response


@bp.post("/password")
def update_password() -> Response | tuple[str, int]:
    """Change the password, which ends all other sessions."""
    form, owner = ChangePasswordForm(request.form), current_owner()
    if not form.validate():
        return _page(form), 422
    try:
        check_present_password(owner, form.present_password.data or "")
        password_hash = hash_password(form.password.data or "")
    except SignInRefused as refusal:
        form.refused_password = str(refusal)
        form.validate()
        return _page(form), refusal.status
    token, now = new_token(), clock.now()
    with write_transaction(Changes.NOTHING) as session:
        change_password(session, owner, password_hash)
        start_session(session, owner, token, request.user_agent.string, now)
    admit_browser(owner, token)
    return redirect(url_for("owner_security.show", notice="password"), 303)


@bp.post("/recovery-codes")
def renew_codes() -> Response | tuple[str, int]:
    """Replace the recovery codes and show the new ones once. Each of them replaces the password, so it is asked for."""
    try:
        check_present_password(current_owner(), request.form.get("present_password", ""))
    except SignInRefused as refusal:
        return _page(ChangePasswordForm(), str(refusal)), refusal.status
    with write_transaction(Changes.NOTHING) as session:
        codes = new_recovery_codes(session, current_owner().id)
    next_address = url_for("owner_security.show")
    return make_response(
        render_template("owners/recovery_codes.html", codes=codes, next_address=next_address, is_new=False)
    )


def _page(form: ChangePasswordForm, codes_error: str = "") -> str:
    return render_template(
        "owners/security.html",
        sessions=_sessions(),
        passkeys=section(),
        codes_left=unused_recovery_codes(db.session(), current_owner().id),
        form=form,
        failed=bool(form.errors or codes_error),
        codes_error=codes_error,
        notice=request.args.get("notice", ""),
    )


def _sessions() -> list[tuple[object, bool]]:
    """The owner's sessions, and whether each is the one of this browser."""
    token = cookies.read_session_token(request)
    found = sessions_of(db.session(), current_owner().id, clock.now())
    return [(each, is_session_of(token, each)) for each in found]
