"""The owner's download of everything, and its upload into an empty blog."""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Flask, Response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles import publishing
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.media.library import total_size
from blogapp.owners.access import for_owners
from blogapp.owners.settings_routes import DataPanel, add_data_panel, settings_page
from blogapp.pages.occupancy import ARTICLES, BIN, PICTURES, content_in_use
from blogapp.text.i18n import gettext
from blogapp.web.errors import Conflict
from blogapp.web.request_bodies import Limits

# The server holds a response in memory.
LARGEST = 150_000_000
LARGEST_UNPACKED = 1_000_000_000
# Of an export, which is hardly larger than its pictures, over a slow connection.
UPLOADS = {"/owner/import": Limits(LARGEST + 20_000_000, 1_800.0)}

bp = for_owners(Blueprint("owner_archive", __name__))


class TooLarge(Conflict):
    """There are more pictures than a response can hold."""

    def __init__(self) -> None:
        super().__init__(gettext("There are too many pictures for a download. Use the command flask backup."))


def init_app(app: Flask) -> None:
    add_data_panel(app, DataPanel("owners/_import.html", import_panel, order=10))


def import_panel(session: Session, error: str) -> dict[str, Any]:
    """The variables of the form for the upload."""
    return {"in_use": content_in_use(session), "largest": UPLOADS["/owner/import"].size, "error": error}


@bp.get("/owner/export.zip")
def export() -> Response:
    if total_size(db.session())[1] > LARGEST:
        raise TooLarge
    from blogapp.pages.archive import write_archive  # imports YAML, which serving does not need

    now, file = clock.now(), io.BytesIO()
    write_archive(db.session(), file, now, with_accounts=False)
    response = Response(file.getvalue(), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="blog-{now:%Y-%m-%d}.zip"'
    return response


@bp.post("/owner/import")
def import_archive() -> WerkzeugResponse | tuple[str, int]:
    """Read the file of the field `archive` into this blog, if it is empty."""
    from blogapp.pages.archive import ArchiveError, verify_archive  # imports YAML
    from blogapp.pages.restore import complete_restore, restore_archive

    upload = request.files.get("archive")
    if upload is None or not upload.filename:
        return _refuse(gettext("Please choose a file."))
    try:
        if verify_archive(upload.stream, LARGEST_UNPACKED).has_accounts:
            return _refuse(gettext("This is a backup with accounts, which only the command flask restore reads."))
        with write_transaction() as session:
            publishing.lock_articles(session)
            if found := content_in_use(session):
                return _refuse(_why_not(found))
            restore_archive(session, upload.stream)
    except ArchiveError as error:
        return _refuse(_sentence(error))
    complete_restore()
    return redirect(url_for("owner_settings.edit", notice="imported"), 303)


def _refuse(error: str) -> tuple[str, int]:
    return settings_page(errors={"owners/_import.html": error}), 422


def _why_not(found: str) -> str:
    """Why nothing is imported into a blog that is not empty, and what to do."""
    return {
        ARTICLES: lambda: gettext("This blog is not empty: it has articles. Nothing was imported."),
        BIN: lambda: gettext(
            "The bin of this blog has articles, which an import would delete. Nothing was imported. Import into a new "
            "blog, or wait until the bin is empty."
        ),
        PICTURES: lambda: gettext(
            "The library of this blog has pictures, which an import would delete. Nothing was imported. Delete them "
            "first."
        ),
    }[found]()


def _sentence(error: Any) -> str:
    """Why the archive cannot be read, in the language of the page."""
    sentences = {
        "foreign": lambda: gettext("This file is not a download from this blog software."),
        "version": lambda: gettext(
            "This file was made by another version of this blog software (%(schema)s). Install that version, import "
            "the file, then upgrade."
        ),
        "values": lambda: gettext(
            "This file has values that this blog software does not know (%(place)s). Nothing was imported."
        ),
    }
    damaged = gettext("This file is damaged or incomplete. Nothing was imported.")
    values = {"schema": error.schema, "place": error.place}
    return sentences[error.kind]() % values if error.kind in sentences else damaged
