"""The owner's library of pictures: upload, describe, delete."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, Flask, Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.media.choosing import add
from blogapp.media.library import (
    LARGEST_UPLOAD,
    ListedPicture,
    delete_picture,
    describe,
    list_pictures,
    total_size,
)
from blogapp.media.models import Picture
from blogapp.media.refusals import RefusedPicture
from blogapp.owners import bar
from blogapp.owners.access import for_owners
from blogapp.text.i18n import gettext, ngettext, number
from blogapp.text.names import clean_name
from blogapp.web.converters import whole_number
from blogapp.web.request_bodies import Limits

ALT_LENGTH = 1_000
# Over a slow connection.
UPLOAD = Limits(LARGEST_UPLOAD, 300.0)
UPLOADS = {"/owner/pictures": UPLOAD}

bp = for_owners(Blueprint("pictures", __name__, url_prefix="/owner/pictures"))

Answer = str | Response | WerkzeugResponse | tuple[str, int]


@dataclass
class Uploads:
    """The results of an upload: the stored pictures, and the error message of each refused file by its name."""

    stored: list[Picture] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def init_app(app: Flask) -> None:
    bar.add_link(app, bar.Link("pictures.index", lambda: gettext("Pictures"), order=25))


@bp.get("")
def index() -> str:
    notices = {"saved": gettext("The description is saved."), "deleted": gettext("The picture is deleted.")}
    return library(notice=notices.get(request.args.get("notice", ""), ""))


@bp.post("")
def create() -> Answer:
    """Store the files of the field `pictures`; with `Accept: application/json` (the editor) the answer is JSON."""
    uploads = Uploads()
    for file in request.files.getlist("pictures"):
        if file.filename:
            _upload(file, uploads)
    if request.accept_mimetypes.best == "application/json":
        return _as_json(uploads)
    if not uploads.stored and not uploads.refused:
        uploads.refused.append(("", gettext("Please choose a picture.")))
    notice = ""
    if count := len(uploads.stored):
        sentence = ngettext("%(number)s picture is stored.", "%(number)s pictures are stored.", count)
        notice = sentence % {"number": number(count)}
    return library(uploads.refused, notice), 422 if uploads.refused else 200


@bp.post("/<id:picture_id>")
def update(picture_id: int) -> WerkzeugResponse:
    """Save the alternative text."""
    alt = " ".join(request.form.get("alt", "").split())[:ALT_LENGTH]
    with write_transaction(Changes.NOTHING) as session:
        describe(session, picture_id, alt)
    return redirect(url_for("pictures.index", notice="saved", _anchor=f"owner-picture-{picture_id}"), 303)


@bp.post("/<id:picture_id>/deletion")
def delete(picture_id: int) -> WerkzeugResponse:
    with write_transaction(Changes.NOTHING) as session:
        delete_picture(session, picture_id)
    return redirect(url_for("pictures.index", notice="deleted"), 303)


def library(refused: list[tuple[str, str]] | None = None, notice: str = "") -> str:
    before = request.args.get("before", type=whole_number)
    count, size = total_size(db.session())
    return render_template(
        "media/library.html",
        page=list_pictures(db.session(), before),
        count=count,
        megabytes=-(-size // 1_000_000),
        refused=refused or [],
        failed=bool(refused),
        notice=notice,
    )


def _upload(file: FileStorage, uploads: Uploads) -> None:
    try:
        uploads.stored.append(add(file).picture)
    except RefusedPicture as refusal:
        uploads.refused.append((clean_name(file.filename or ""), str(refusal)))


def _as_json(uploads: Uploads) -> Response:
    stored = [
        {"name": each.name, "alt": each.alt, "address": ListedPicture(each, []).address} for each in uploads.stored
    ]
    refused = [{"name": name, "error": error} for name, error in uploads.refused]
    return make_response(jsonify(stored=stored, refused=refused), 422 if refused and not stored else 200)
