"""The owner's download of everything."""

from __future__ import annotations

import io

from flask import Blueprint, Response

from blogapp import clock
from blogapp.db.base import db
from blogapp.media.library import total_size
from blogapp.owners.access import for_owners
from blogapp.text.i18n import gettext
from blogapp.web.errors import Conflict

# The server holds a response in memory.
LARGEST = 150_000_000

bp = for_owners(Blueprint("owner_archive", __name__))


class TooLarge(Conflict):
    """There are more pictures than a response can hold."""

    def __init__(self) -> None:
        super().__init__(gettext("There are too many pictures for a download. Use the command flask backup."))


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
