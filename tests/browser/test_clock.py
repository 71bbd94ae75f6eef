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
