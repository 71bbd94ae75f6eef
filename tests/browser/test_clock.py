"""Times depend on the server's clock, not on the visitor's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from blogapp.clock import now
from tests.browser.conftest import Visit, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]


# Creating any of these for the first time takes long, also where only one time is formatted.
FORMATTERS = """
window.formatters = [];
for (const name of ["DateTimeFormat", "RelativeTimeFormat", "NumberFormat", "ListFormat", "Collator"]) {
  Intl[name] = new Proxy(Intl[name], {construct: (...all) => (formatters.push(name), Reflect.construct(...all))});
}
"""


def wrong(minutes: int) -> datetime:
    return now() + timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [20, -60, 60 * 24 * 400])
def test_time_left_to_edit_does_not_depend_on_the_visitors_clock(
    visit: Visits, article: Articles, minutes: int
) -> None:
    page = visit().page
    page.clock.install(time=wrong(minutes))
    with page.expect_response("**/views"):
        page.goto(article())
    write(page, "Hello")
    left = page.locator(".time-left")
    expect(left).to_have_text("15 minutes left")
    expect(page.locator(".comment time")).to_have_text("just now")
    with page.expect_response("**/views"):
        page.reload()
    page.clock.fast_forward(31_000)
    expect(left).to_have_text("15 minutes left")
    expect(page.get_by_role("link", name="Edit")).to_be_visible()
    expect(page.locator(".comment time")).to_have_text("just now")


def test_minutes_rendered_by_the_server_stay_without_a_response(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource|htmx:error|Failed to fetch")
    page = visitor.page
    address = article()
    page.goto(address)
    write(page, "Hello")
    expect(page.locator(".comment")).to_have_count(1)
    page.clock.install(time=wrong(20))
    page.route("**/views", lambda route: route.abort())
    page.route("**/comments?since=*", lambda route: route.abort())
    page.goto(address)
    page.clock.fast_forward(31_000)
    expect(page.locator(".time-left")).to_have_text("15 minutes left")
    expect(page.locator(".comment time")).not_to_have_text(re.compile("^in"))


def test_edit_links_disappear_when_the_edit_window_ends(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("htmx:error")  # the refresh that is never answered
    page = visitor.page
    page.clock.install()
    with page.expect_response("**/views"):
        page.goto(article())
    write(page, "Hello")
    expect(page.locator(".time-left")).to_be_visible()
    page.route("**/comments?since=*", lambda route: None)  # never answered: performance.now() counts on
    page.clock.fast_forward("14:30")
    expect(page.locator(".time-left")).to_have_text("1 minute left")
    page.locator("body").click()
    page.evaluate("document.activeElement.blur()")
    page.clock.fast_forward("01:01")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)


def test_comments_from_long_ago_show_their_date_and_the_time_of_day_in_the_tooltip(
    visit: Visits, article: Articles
) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource|htmx:error|Failed to fetch")
    page = visitor.page
    page.add_init_script(FORMATTERS)
    address = article(lang="fr")
    page.goto(address)
    write(page, "Bonjour")
    time = page.locator(".comment time")
    expect(time).to_have_text("à l’instant")
    full = time.get_attribute("title") or ""
    # Without an answer, the page has only the visitor's clock.
    page.route("**/views", lambda route: route.abort())
    page.route("**/comments?since=*", lambda route: route.abort())
    for days, text in [(0.1, "il y a 2 heures"), (1.5, "il y a 1 jour"), (29.5, "il y a 29 jours")]:
        page.clock.set_fixed_time(now() + timedelta(days=days))
        page.goto(address)
        expect(time).to_have_text(text)
        assert page.evaluate("formatters") == []
    page.clock.set_fixed_time(now() + timedelta(days=31))
    page.goto(address)
    expect(time).to_have_text(re.compile(r"^\d+(er)? \w+ \d{4}$"))
    assert re.fullmatch(rf"{time.text_content()}\D+\d\d:\d\d", full)
    expect(time).to_have_attribute("title", full)
