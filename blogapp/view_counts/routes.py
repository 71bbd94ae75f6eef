from __future__ import annotations

import base64

from flask import Blueprint, Response, make_response, render_template

from blogapp import clock, i18n
from blogapp.articles.reading import find_article
from blogapp.database import db, write_transaction
from blogapp.htmx import is_htmx
from blogapp.view_counts.counting import count_view

bp = Blueprint("view_counts", __name__)

# The smallest transparent GIF there is.
PIXEL = base64.b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")

# A view is worth a short wait for its turn, not a reader's patience.
PATIENCE_MS = 20_000


@bp.post("/articles/<slug>/views")
def create(slug: str) -> Response | tuple[str, int]:
    views = _count(slug)
    if not is_htmx():
        return Response(status=204)
    return make_response(render_template("view_counts/_count.html", views=views))


@bp.get("/articles/<slug>/views.gif")
def pixel(slug: str) -> Response:
    """The one GET that writes: a reader without JavaScript can ask for nothing but an image."""
    _count(slug)
    return Response(PIXEL, mimetype="image/gif", headers={"Cache-Control": "no-store"})


def _count(slug: str) -> int:
    now = clock.now()
    article = find_article(db.session(), slug, now)
    i18n.speak(article.lang)
    with write_transaction(durable=False, patience_ms=PATIENCE_MS) as session:
        return count_view(session, article.id, now.date())
