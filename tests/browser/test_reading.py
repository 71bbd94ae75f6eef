"""The pages that lead to articles, and the page about the author: accessible and within the window, in two languages,
with scripts and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import delete, or_

from blogapp.articles.models import NONE, PAGE, Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.site.settings import change_site
from blogapp.view_counts.models import ViewMark
from tests.browser.conftest import Visit, assert_accessible
from tests.browser.test_pages import overflow
from tests.harness.server import Server

Visits = Callable[..., Visit]
SetLanguage = Callable[[str], None]

DAY = datetime(2026, 1, 2, tzinfo=UTC)
PAGES = ("/tags", "/tags/garden", "/archive", "/search?q=pintail", "/about")
TABLE = "<table><tr><th>A wide table of raw HTML</th>" + "<td>pintail and teal</td>" * 12 + "</tr></table>"


@pytest.fixture(scope="module")
def filled(blog: Flask) -> Iterator[None]:
    """Articles in two languages with tags, and a page about their author in both; other tests get a menu without it."""
    with blog.app_context(), write_transaction() as session:
        for number in range(2):
            for lang, title in (("en", "A pintail"), ("fr", "Le pintail")):
                manuscript = Manuscript(
                    f"{lang}-pintail-{number}", lang, title, "", ["Garden", "birds"], False, DAY,
                    "It swam.", author_name="Ada Lovelace",
                )  # fmt: skip
                publish(session, manuscript, DAY)
        for slug, lang, title in (("about", "en", "About"), ("a-propos", "fr", "À propos")):
            original = "about" if slug != "about" else ""
            manuscript = Manuscript(
                slug, lang, title, "", [], False, DAY, f"I write.\n\n{TABLE}", kind=PAGE, in_menu=True, comments=NONE,
                translation_of=original,
            )  # fmt: skip
            publish(session, manuscript, DAY)
    yield
    with blog.app_context(), write_transaction() as session:
        session.execute(delete(Article).where(or_(Article.kind == PAGE, Article.slug.contains("pintail"))))
        # SQLite gives the ids of deleted articles to new ones, which this browser would have viewed already.
        session.execute(delete(ViewMark))


@pytest.fixture
def set_language(blog: Flask) -> Iterator[SetLanguage]:
    """Return a function that sets the language of the site, which is reset afterwards."""

    def change(lang: str) -> None:
        with blog.app_context(), write_transaction(Changes.EVERYTHING) as session:
            change_site(session, {"locale": lang})

    yield change
    change("en")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("has_scripts", "lang"), [(True, "en"), (True, "fr"), (False, "fr")], ids=["en", "fr", "no-scripts"]
)
def test_lists_and_page_about_the_author_are_accessible_and_fit_the_window(
    visit: Visits, server: Server, set_language: SetLanguage, has_scripts: bool, lang: str
) -> None:
    set_language(lang)
    visitor = visit(viewport={"width": 375, "height": 800})
    page = visitor.page
    if not has_scripts:  # axe needs JavaScript, so only the scripts of the site are kept away
        page.route("**/*.js", lambda route: route.abort())
        visitor.allow("net::ERR_FAILED")
    for path in (*PAGES[:-1], "/about" if lang == "en" else "/a-propos"):
        page.goto(server.url + path)
        assert page.locator("html").get_attribute("lang") == lang
        assert_accessible(page)
        assert overflow(page) <= 0, path
        page.set_viewport_size({"width": 1280, "height": 800})
        assert overflow(page) <= 0, path
        if has_scripts and lang == "en":  # the colours are the same in each language
            page.emulate_media(color_scheme="dark")
            assert_accessible(page, colors_only=True)
            page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 375, "height": 800})
    assert page.locator(".site-menu a").first.inner_text() == ("About" if lang == "en" else "À propos")
