"""The first setup in a browser: the owner's account and the settings of the site.

An empty blog leads every reader here until the setup is done. The setup code proves that whoever fills in the form can
read the log of the server or its settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import bar
from blogapp.owners.access import keep_out_of_caches
from blogapp.owners.accounts import create_owner
from blogapp.owners.browser_sign_in import admit_browser, check_attempts, too_many_attempts
from blogapp.owners.forms import SetupForm, site_values
from blogapp.owners.passkey_routes import section
from blogapp.owners.passwords import Busy, hash_password
from blogapp.owners.recovery import new_recovery_codes
from blogapp.owners.sessions import start_session
from blogapp.settings import LOCALES, Settings
from blogapp.site.daily_backups import current_state
from blogapp.site.settings import change_site, current_site, read_site
from blogapp.site.setup import close_setup, derived_code, is_setup_code
from blogapp.text import i18n
from blogapp.text.i18n import gettext
from blogapp.visitors.identity import new_token
from blogapp.web.errors import Conflict

bp = Blueprint("owner_setup", __name__, url_prefix="/owner/setup")
bp.after_request(keep_out_of_caches)

EXEMPT = ("/owner/setup", "/readyz", "/metrics", "/favicon.ico", "/icon.svg", "/icon.png", "/apple-touch-icon.png")


@dataclass
class Setup:
    """`code` is the one-time code, `is_from_host` whether the host has set it. `is_done` is what this process knows:
    once true, it stays true."""

    code: str
    is_from_host: bool
    is_done: bool = False


class AlreadySetUp(Conflict):
    """The setup was done before, or by another request at the same time."""

    def __init__(self) -> None:
        super().__init__(gettext("The blog has been set up already. Sign in instead."))


def init_app(app: Flask, settings: Settings, is_empty: Callable[[Session], bool]) -> None:
    """Lead readers of a blog that `is_empty` to the setup, until it is done."""
    setup = Setup(settings.setup_code or derived_code(settings.secret_key), bool(settings.setup_code))
    app.extensions["setup"] = setup
    app.extensions["start_notices"].append(lambda address: start_notice(app, address))

    @app.before_request
    def lead_to_setup() -> WerkzeugResponse | None:
        if setup.is_done or request.method not in {"GET", "HEAD"} or request.path in EXEMPT:
            return None
        if current_site().is_set_up:
            setup.is_done = True
            return None
        return redirect(url_for("owner_setup.new"), 302) if is_empty(db.session()) else None


def start_notice(app: Flask, address: str) -> str:
    """What a starting server prints while the setup is open: how to set up the blog at `address`, and before that, if
    the database of an earlier blog is missing, how to restore it."""
    setup: Setup = app.extensions["setup"]
    with app.app_context():
        try:
            site = read_site(db.session())
            if site.is_set_up:
                return ""
            warning = _missing_database() if site.replaces_missing else ""
        except SQLAlchemyError:
            return ""  # the server reports the fault itself
        finally:
            db.session.remove()
            db.engine.dispose()  # a server that forks after this must not share a connection
    if setup.is_from_host:
        return f"{warning}Set up the blog at {address}/owner/setup with the code in SETUP_CODE."
    return f"{warning}Set up the blog at {address}/owner/setup?setup_code={setup.code}"


def _missing_database() -> str:
    latest = current_state().latest
    backup = f"the latest daily one is {latest.path}" if latest else "there is no daily one"
    return (
        "WARNING: a blog has been here before, but its database was missing, so an empty one was created. If you did "
        "not delete it, do not set up a new blog: stop the server, and put the file or a backup back "
        f'({backup}; see "Restore and move" in docs/hosting.md).\n'
    )


@bp.get("")
def new() -> WerkzeugResponse | str:
    if current_site().is_set_up:
        return redirect(url_for("owner.new"), 302)
    _use_language_of_browser()
    form = SetupForm(data={**site_values(current_site()), "lang": i18n.current_locale()})
    form.setup_code.data = request.args.get("setup_code", "")
    return _page(form, keeps_time_zone=False)


@bp.post("")
def create() -> WerkzeugResponse:
    if current_site().is_set_up:
        raise AlreadySetUp
    _use_language_of_browser()
    form = SetupForm(request.form)
    form.leave_out(current_site().fixed)
    wait = _check_code(form)
    if wait:
        return _refuse(form, too_many_attempts(wait), 429, wait)
    if not form.validate():
        return make_response(_page(form), 422)
    try:
        password_hash = hash_password(form.password.data or "")
    except Busy:
        return _refuse(form, gettext("The server is busy. Try again in a moment."), 503, 2)
    return _welcome(_set_up(form, password_hash))


def _check_code(form: SetupForm) -> int:
    """Add an error to the form if the code is wrong. Returns the seconds to wait after too many wrong ones."""
    setup: Setup = current_app.extensions["setup"]
    is_right = is_setup_code(form.setup_code.data or "", setup.code)
    wait = check_attempts("setup", counts=not is_right)
    if not is_right:
        form.refused_code = gettext("This is not the setup code. It is in the log of the server, or in SETUP_CODE.")
    return wait


def _set_up(form: SetupForm, password_hash: str) -> list[str]:
    """Create the owner, store the settings, close the setup and sign the browser in. Returns the recovery codes."""
    token, now = new_token(), clock.now()
    with write_transaction(Changes.EVERYTHING) as session:
        if not close_setup(session, now):
            raise AlreadySetUp
        owner = create_owner(session, form.name.data or "", password_hash)
        codes = new_recovery_codes(session, owner.id)
        change_site(session, form.settings())
        start_session(session, owner, token, request.user_agent.string, now)
    admit_browser(owner, token)
    return codes


def _welcome(codes: list[str]) -> Response:
    i18n.set_locale(current_site().locale)
    return make_response(
        render_template(
            "owners/recovery_codes.html",
            codes=codes,
            next_address=bar.first_address(),
            is_new=True,
            passkeys=section(just_signed_in=True),
        )
    )


def _refuse(form: SetupForm, refusal: str, status: int, retry_after: int) -> Response:
    response = make_response(_page(form, refusal), status)
    response.headers["Retry-After"] = str(retry_after)
    return response


def _page(form: SetupForm, refusal: str = "", keeps_time_zone: bool = True) -> str:
    form.leave_out(current_site().fixed)
    return render_template(
        "owners/setup.html",
        form=form,
        failed=bool(refusal or form.errors),
        refusal=refusal,
        keeps_time_zone=keeps_time_zone,
    )


def _use_language_of_browser() -> None:
    """Show the form in a language that the browser asks for: the site's language has not been chosen yet."""
    if "locale" not in current_site().fixed:
        accepted = [code.lower().partition("-")[0] for code in request.accept_languages.values()]
        i18n.set_locale(next((code for code in accepted if code in LOCALES), i18n.site_locale()))
