from __future__ import annotations

from flask import Blueprint, render_template, request

from blogapp import clock
from blogapp.articles.reading import depends_on_lists
from blogapp.articles.tags import find_tag, list_tagged, list_tags
from blogapp.db.base import db
from blogapp.pages.lists import cards_of
from blogapp.web.converters import cursor

bp = Blueprint("tags", __name__)


@bp.get("/tags")
def index() -> str:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    after = request.args.get("after", "")
    return render_template("tags/index.html", listed=list_tags(session, now, after), after=after, is_first=not after)


@bp.get("/tags/<slug>")
def show(slug: str) -> str:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    tag = find_tag(session, slug, now)
    before = cursor()
    listed = list_tagged(session, slug, now, before=before)
    cards = cards_of(session, listed)
    return render_template("tags/show.html", tag=tag, total=tag.count, before=before, is_first=before is None, **cards)
