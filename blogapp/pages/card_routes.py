"""Pictures that the server draws: the cards of articles and of the site for shared links, and the site's icons."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles.authors import author_of
from blogapp.articles.reading import find_article
from blogapp.db.base import db
from blogapp.media.cards import drawn_pictures
from blogapp.media.library import smallest_file_of
from blogapp.site.looks import COLOURS, WITHOUT_SERIFS
from blogapp.site.settings import Site, current_site
from blogapp.text import i18n
from blogapp.text.names import first_letter
from blogapp.text.pictures import hashes_in
from blogapp.web.gate import Busy
from blogapp.web.page_cache import PUBLIC

# Browsers request an icon with every page. A new logo appears after this time.
ICON_MAX_AGE = 3_600
TOUCH_ICON = 180
PNG_ICON = 192
RETRY_AFTER = 2
SERIF = "Iowan Old Style, Palatino Linotype, P052, Palatino, Georgia, serif"
SANS_SERIF = "system-ui, sans-serif"

bp = Blueprint("cards", __name__)


@bp.get("/articles/<slug>/card.png")
def article(slug: str) -> WerkzeugResponse:
    """The card of a published article. Caches must ask for it again each time, because it may be unpublished."""
    session = db.session()
    article = find_article(session, slug, clock.now())
    i18n.set_locale(article.lang)
    line = [author] if (author := author_of(session, article)) else []
    return _card(i18n.typeset(article.title), " · ".join([*line, i18n.day(article.published_at)]))


@bp.get("/card.png")
def site() -> WerkzeugResponse:
    """The card of all other pages: the title of the blog, and its description."""
    site = current_site()
    return _card(i18n.typeset(site.title, site.locale), i18n.typeset(site.description, site.locale))


@bp.get("/icon.svg")
def vector_icon() -> WerkzeugResponse:
    """The letter of the blog, in the browser's fonts, which have letters of all scripts."""
    site = current_site()
    colours = COLOURS[site.look]
    family = SANS_SERIF if site.look in WITHOUT_SERIFS else SERIF
    picture = render_template("site/icon.svg", letter=first_letter(site.title), colours=colours, family=family)
    return _response(picture.encode(), "image/svg+xml", f"public, max-age={ICON_MAX_AGE}")


@bp.get("/favicon.ico")
def favicon() -> WerkzeugResponse:
    return _icon(48, "image/vnd.microsoft.icon", is_filled=False)


@bp.get("/icon.png")
def icon() -> WerkzeugResponse:
    return _icon(PNG_ICON, "image/png", is_filled=False)


@bp.get("/apple-touch-icon.png")
def touch_icon() -> WerkzeugResponse:
    return _icon(TOUCH_ICON, "image/png", is_filled=True)


def _card(title: str, line: str) -> WerkzeugResponse:
    site, is_right_to_left = current_site(), i18n.text_direction() == "rtl"
    key = (title, site.title, line, site.look, is_right_to_left, site.logo)

    def draw() -> bytes:
        from blogapp.media.drawing import Card, draw_card  # imports Pillow, which other pages do not need

        return draw_card(Card(title, site.title, line, site.look, is_right_to_left, _logo(site)))

    return _response(_drawn(key, draw), "image/png", PUBLIC)


def _icon(size: int, mimetype: str, is_filled: bool) -> WerkzeugResponse:
    site = current_site()
    key = (first_letter(site.title), site.look, size, mimetype, is_filled, site.logo)

    def draw() -> bytes:
        from blogapp.media.drawing import draw_favicon, draw_icon  # imports Pillow, which other pages do not need

        if mimetype == "image/png":
            return draw_icon(first_letter(site.title), site.look, size, _logo(site), is_filled)
        return draw_favicon(first_letter(site.title), site.look, _logo(site))

    return _response(_drawn(key, draw), mimetype, f"public, max-age={ICON_MAX_AGE}")


def _drawn(key: tuple[object, ...], draw: Callable[[], bytes]) -> bytes:
    try:
        return drawn_pictures.get(key, draw)
    except Busy:
        raise ServiceUnavailable(retry_after=RETRY_AFTER) from None


def _logo(site: Site) -> bytes | None:
    """The smallest copy of the logo; None if there is none, or no longer."""
    return next((smallest_file_of(db.session(), each) for each in hashes_in([site.logo])), None)


def _response(body: bytes, mimetype: str, cache_control: str) -> WerkzeugResponse:
    response = Response(body, mimetype=mimetype)
    response.headers["Cache-Control"] = cache_control
    # Previews of shared links show cards on other sites.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.add_etag()
    return response.make_conditional(request)
