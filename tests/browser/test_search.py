"""The search page in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, assert_accessible, assert_accessible_in_both_schemes
from tests.browser.test_pages import overflow
from tests.harness.server import Server

Visits = Callable[..., Visit]
Articles = Callable[..., str]

RESULTS = ".result-title a"


def test_results_appear_and_are_announced_as_one_types_and_come_back(
    visit: Visits, article: Articles, server: Server
) -> None:
    heron = article(text="A grey heron stood near the pond.")
    page = visit(viewport={"width": 375, "height": 800}).page
    page.goto(server.url)
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Search").click()
    field = page.get_by_role("searchbox", name="Search for words")
    expect(field).to_be_focused()
    field.press_sequentially("grey her")
    expect(page.locator("#search-count[role=status]")).to_have_text("1 result")
    expect(page.locator(f"{RESULTS}[href$='{path_of(heron)}']")).to_be_visible()
    expect(page.locator("mark", has_text="heron")).to_be_visible()
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"/search\?q=grey(\+|%20)her$"))
    assert_looks(page)
    page.locator(RESULTS).click()
    expect(page).to_have_url(heron)
    page.go_back()
    expect(field).to_have_value("grey her")
    expect(page.locator(RESULTS)).to_have_count(1)
    field.fill("no such words anywhere")
    expect(page.locator("#search-count")).to_have_text("Nothing found.")
    assert_accessible(page)
    for typed, count in (("!!", "Type at least one letter or digit."), ("heron", "1 result"), ("", "")):
        field.fill(typed)
        expect(page.locator("#search-count")).to_have_text(count)
        expect(page.locator("#search-results > *")).to_have_count(1 if typed == "heron" else 0)


def assert_looks(page: Page) -> None:
    """The results fit the window and are accessible, in both widths and colour schemes."""
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 800})
        assert_accessible_in_both_schemes(page)
        assert overflow(page) <= 0


def test_search_without_scripts(visit: Visits, article: Articles, server: Server) -> None:
    osprey = article(text="A young osprey stood near the pond.")
    page = visit(java_script_enabled=False).page
    page.goto(f"{server.url}/search")
    page.get_by_role("searchbox", name="Search for words").fill('"young osprey"')
    page.get_by_role("checkbox", name="Also in comments").check()
    page.get_by_role("main").get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("1 result")
    expect(page.get_by_role("searchbox")).to_have_value('"young osprey"')
    page.locator(RESULTS).click()
    expect(page).to_have_url(osprey)


def path_of(address: str) -> str:
    return "/" + address.split("/", 3)[3]
