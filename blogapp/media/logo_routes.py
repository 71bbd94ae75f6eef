"""The owner's choice of a logo: an uploaded picture, one of the library, or none."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.media.library import ListedPicture, find_picture, list_pictures, upload_picture
from blogapp.media.models import Picture
from blogapp.media.owner_routes import UPLOAD
from blogapp.media.refusals import NoLongerThere, NothingChosen, RefusedPicture
from blogapp.owners.access import for_owners
from blogapp.site.settings import LOGO, change_site
from blogapp.text.i18n import gettext
from blogapp.web.converters import whole_number
from blogapp.web.errors import NotFound

UPLOADS = {"/owner/settings/logo": UPLOAD}

bp = for_owners(Blueprint("logo", __name__, url_prefix="/owner/settings/logo"))


@bp.get("")
def edit() -> str:
    notices = {"saved": gettext("The logo is saved."), "removed": gettext("The logo is removed.")}
    return _page(notice=notices.get(request.args.get("notice", ""), ""))


@bp.post("")
def update() -> Response | tuple[str, int]:
    """Use the uploaded file `picture` as logo, or the picture of the library whose id is `chosen`."""
    try:
        picture = _chosen()
    except RefusedPicture as refusal:
        return _page(refusal=str(refusal)), 422
    with write_transaction(Changes.EVERYTHING) as session:
        change_site(session, {LOGO: ListedPicture(picture).address})
    return redirect(url_for("logo.edit", notice="saved"), 303)


@bp.post("/deletion")
def delete() -> Response:
    with write_transaction(Changes.EVERYTHING) as session:
        change_site(session, {LOGO: ""})
    return redirect(url_for("logo.edit", notice="removed"), 303)


def _chosen() -> Picture:
    file = request.files.get("picture")
    if file and file.filename:
        return upload_picture(file.stream.read(), file.filename, clock.now())
    if "chosen" not in request.form:
        raise NothingChosen
    try:
        return find_picture(db.session(), whole_number(request.form["chosen"]))
    except (NotFound, ValueError):
        raise NoLongerThere from None


def _page(refusal: str = "", notice: str = "") -> str:
    return render_template(
        "media/logo.html",
        page=list_pictures(db.session(), request.args.get("before", type=whole_number)),
        refusal=refusal,
        failed=bool(refusal),
        notice=notice,
    )
