"""The search page. The same address gives the page, and the fragment with the results while a reader types."""

from __future__ import annotations

import re

from flask import Blueprint, Response, current_app, make_response, render_template, request

from blogapp import clock
from blogapp.db.base import db
from blogapp.search.excerpts import Marker
from blogapp.search.finding import MOST_RESULTS, find, load_page
from blogapp.search.query import LONGEST_QUERY, MOST_WORDS, parse
from blogapp.text.i18n import gettext
from blogapp.text.markup import plain_text
from blogapp.web.converters import whole_number
from blogapp.web.errors import DomainError
from blogapp.web.htmx import is_htmx
from blogapp.web.rate_limits import seconds_to_wait

bp = Blueprint("search", __name__)

# The languages whose word forms are marked in an article.
MARKED_LANGS = ("fr", "en")
# The part of a long text in which an excerpt is looked for.
LONGEST_HTML = 30_000


class TooManySearches(DomainError):
    """The visitor's network has searched too often."""

    status = 429


@bp.get("/search")
def show() -> Response:
    typed = request.args.get("q", "")
    with_comments = request.args.get("in") == "comments"
    query, now = parse(typed), clock.now()
    values = {"typed": typed, "with_comments": with_comments, "query": query}
    values |= {"most_results": MOST_RESULTS, "longest_query": LONGEST_QUERY, "most_words": MOST_WORDS}
    if query.groups and (wait := seconds_to_wait(current_app.config["SEARCH_RATES"], "search", now)):
        return _refused(values, wait)
    session = db.session()
    found = find(session, query, now, with_comments)
    number = max(1, min(request.args.get("page", 1, type=whole_number) or 1, found.pages))
    page = load_page(session, found, number)
    marker = Marker(query, MARKED_LANGS)
    values |= {"found": found, "page": page, "number": number, "marker": marker, "text_of": text_of}
    template = "search/_results.html" if is_htmx() else "search/show.html"
    return _uncached(render_template(template, **values))


def text_of(body_html: str) -> str:
    """The text of an article or comment. Its headings end with a dot in the middle, so that they do not run on."""
    return plain_text(re.sub(r"(</h[1-6]>)", r" ·\1", body_html[:LONGEST_HTML]))


def _refused(values: dict[str, object], wait: int) -> Response:
    sentence = gettext("Too many searches from your network. Try again in a minute.")
    if is_htmx():
        raise TooManySearches(sentence)
    response = _uncached(render_template("search/show.html", found=None, refusal=sentence, **values))
    response.status_code = TooManySearches.status
    response.headers["Retry-After"] = str(wait)
    return response


def _uncached(page: str) -> Response:
    """Nobody asks the same question again, and what a reader looks for is nobody else's business."""
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
