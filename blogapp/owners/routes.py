from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.owners.sessions import sign_in, sign_out, signed_in_owner
from blogapp.text.i18n import gettext
from blogapp.web.rate_limits import seconds_to_wait

bp = Blueprint("owner", __name__, url_prefix="/owner")


@bp.get("/sign-in")
def new() -> str:
    return render_template("owners/sign_in.html", name="", owner=signed_in_owner(db.session()), sentence="")


@bp.post("/sign-in")
def create() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    name = request.form.get("name", "").strip()
    if wait := seconds_to_wait(current_app.config["SIGN_IN_RATES"], "sign-in", clock.now()):
        sentence = gettext("Too many attempts came from your network. Wait a few minutes, then try again.")
        return _again(name, sentence, 429, {"Retry-After": str(wait)})
    if not sign_in(db.session(), name, request.form.get("password", "")):
        return _again(name, gettext("The name or the password is not right."), 422, {})
    return redirect(url_for("articles.index"), 303)


@bp.post("/sign-out")
def delete() -> Response:
    sign_out()
    return redirect(url_for("articles.index"), 303)


def _again(name: str, sentence: str, status: int, headers: dict[str, str]) -> tuple[str, int, dict[str, str]]:
    page = render_template("owners/sign_in.html", name=name, owner=None, sentence=sentence)
    return page, status, headers
