"""Serve pictures."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp.db.base import db
from blogapp.media.library import file_of
from blogapp.text.pictures import COPY
from blogapp.web.errors import NotFound
from blogapp.web.headers import ONE_YEAR

bp = Blueprint("media", __name__)


@bp.get("/media/<name>")
def show(name: str) -> WerkzeugResponse:
    """A picture, or its copy with a smaller width. The address contains a hash of the content, so it never changes."""
    found = COPY.fullmatch(name)
    if found is None:
        raise NotFound
    hash, width, height = found[1], int(found[2]), int(found[3])
    copy = int(found[4] or width)
    body = file_of(db.session(), hash, width, height, copy)
    if body is None:
        raise NotFound
    response = Response(body, mimetype="image/webp")
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    # Feed readers and previews of shared links show pictures on other sites.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(f"{hash}-{copy}")
    return response.make_conditional(request)
