"""The page of owners' accounts: add an owner, and remove one.

A new owner gets a code, which the present owner passes on, and chooses a password with it as after losing one
(recovery_routes.py). So nobody needs a command line, and nobody knows somebody else's password.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import current_owner, for_owners
from blogapp.owners.accounts import BeforeRemoval, NameUsed, add_owner, all_owners, remove_owner
from blogapp.owners.browser_sign_in import SignInRefused, check_present_password
from blogapp.owners.forms import AddOwnerForm, RemoveOwnerForm
from blogapp.owners.models import Owner
from blogapp.owners.passwords import Busy, hash_password
from blogapp.owners.recovery import new_recovery_codes
from blogapp.text.i18n import gettext
from blogapp.web.errors import NotFound

bp = for_owners(Blueprint("owner_accounts", __name__, url_prefix="/owner/accounts"))


def init_app(app: Flask, before_removal: Sequence[BeforeRemoval]) -> None:
    """`before_removal` are called before an owner's account is deleted."""
    app.extensions["before_owner_removal"] = tuple(before_removal)


@bp.get("")
def index() -> str:
    return _page(AddOwnerForm())


@bp.post("")
def create() -> Response | tuple[str, int]:
    """Add an owner, and show the code with which they choose a password. It is not shown again."""
    form = AddOwnerForm(request.form)
    if not form.validate():
        return _page(form), 422
    name = form.name.data or ""
    try:
        check_present_password(current_owner(), form.present_password.data or "")
        # Nobody knows this password.
        password_hash = hash_password(secrets.token_urlsafe())
        # Articles without an author are by the only owner, so a second one changes their pages.
        with write_transaction(Changes.EVERYTHING) as session:
            owner = add_owner(session, name, password_hash)
            (code,) = new_recovery_codes(session, owner.id, number=1)
    except SignInRefused as refusal:
        form.refused_password = str(refusal)
        form.validate()
        return _page(form), refusal.status
    except NameUsed:
        form.refused_name = gettext("There is an owner with this name, or one that looks like it.")
        form.validate()
        return _page(form), 422
    except Busy:
        form.refused_password = gettext("The server is busy. Try again in a moment.")
        form.validate()
        return _page(form), 503
    return make_response(render_template("owners/account_added.html", name=name, code=code))


@bp.get("/<id:owner_id>/removal")
def confirm(owner_id: int) -> str:
    return render_template("owners/account_removal.html", owner=_other(owner_id), form=RemoveOwnerForm())


@bp.post("/<id:owner_id>/removal")
def delete(owner_id: int) -> WerkzeugResponse | tuple[str, int]:
    """Remove another owner, which ends their sessions. Their articles keep their name."""
    form, owner = RemoveOwnerForm(request.form), _other(owner_id)
    try:
        check_present_password(current_owner(), form.present_password.data or "")
    except SignInRefused as refusal:
        form.refused_password = str(refusal)
        form.validate()
        page = render_template("owners/account_removal.html", owner=owner, form=form, failed=True)
        return page, refusal.status
    with write_transaction(Changes.EVERYTHING) as session:
        remove_owner(session, owner_id, current_owner().id, current_app.extensions["before_owner_removal"])
    return redirect(url_for("owner_accounts.index", notice="removed"), 303)


def _other(owner_id: int) -> Owner:
    """Another owner than the one who is signed in, so that the last one cannot be removed. Raises NotFound."""
    owner = db.session.get(Owner, owner_id)
    if owner is None or owner.id == current_owner().id:
        raise NotFound
    return owner


def _page(form: AddOwnerForm) -> str:
    return render_template(
        "owners/accounts.html",
        owners=all_owners(db.session()),
        form=form,
        failed=bool(form.errors),
        notice=request.args.get("notice", ""),
    )
