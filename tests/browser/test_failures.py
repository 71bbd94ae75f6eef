"""Responses of other servers and missing responses replace nothing; a message appears beside the form or button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit, assert_accessible, write
from tests.browser.test_refresh import open_with_a_clock
from tests.harness.server import Server

Visits = Callable[..., Visit]
Articles = Callable[..., str]

NOISE = "Failed to load resource|htmx:error|Failed to fetch|net::ERR|timeout"
KEPT = "Connection failed. Your text is saved here."
FAILED = "Connection failed. Try again in a moment."
PORTAL = (
    "<!doctype html><html><head><title>Log in</title></head><body><form>Log in to this network</form></body></html>"
)
FRAGMENT = "<p>Too many requests</p>"
MARKED = {"Blogapp-Response": "1"}

FOREIGN: list[dict[str, Any]] = [
    {"status": 200, "body": PORTAL},
    {"status": 200, "body": ""},
    {"status": 200, "body": FRAGMENT, "headers": {"HX-Trigger": '{"comment-changed": {"comment": "x"}}'}},
    {"status": 201, "body": FRAGMENT},
    *({"status": status, "body": FRAGMENT} for status in (400, 401, 403, 404, 409, 413, 422, 429, 502)),
    {"status": 503, "body": PORTAL},
    {"status": 504, "body": ""},
    # With our header, but not a fragment: a whole page, or an empty body because a proxy removed it.
    {"status": 200, "body": PORTAL, "headers": MARKED},
    {"status": 200, "body": "", "headers": MARKED},
]


def answer_posts(page: Page, pattern: str, **answer: Any) -> None:
    answer.setdefault("content_type", "text/html")
    page.route(pattern, lambda route: route.fulfill(**answer) if route.request.method == "POST" else route.continue_())


def open_edit(page: Page, address: str) -> None:
    page.goto(address)
    write(page, "Before")
    expect(page.locator(".comment")).to_have_count(1)
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(".reply-slot [name=body]")).to_be_focused()


def test_foreign_response_does_not_replace_an_edit(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(NOISE)
    page = visitor.page
    open_edit(page, article())
    field = page.locator(".reply-slot [name=body]")
    field.fill("A long and careful edit")
    for answer in FOREIGN:
        answer_posts(page, "**/edit", **answer)
        with page.expect_response("**/edit"):
            page.get_by_role("button", name="Save").click()
        expect(page.locator(".reply-slot .form-failure")).to_have_text(KEPT)
        expect(field).to_have_value("A long and careful edit")
        expect(page.get_by_role("button", name="Save")).to_be_focused()
        page.unroute("**/edit")
    assert page.title().startswith("Birds by ear")
    assert_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text("A long and careful edit")
    expect(page.locator(".form-failure", has_text="Connection")).to_have_count(0)


@pytest.mark.parametrize("answer", [FOREIGN[0], {"status": 429, "body": FRAGMENT}])
def test_foreign_response_replaces_nothing_on_the_page(
    visit: Visits, article: Articles, answer: dict[str, Any]
) -> None:
    address = article()
    author = visit()
    author.page.goto(address)
    write(author.page, "Sing!")
    expect(author.page.locator(".comment")).to_have_count(1)
    visitor = visit()
    visitor.allow(NOISE)
    page = visitor.page
    page.goto(address)
    expect(page.locator("#view-count")).to_have_text("1 view")
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", **answer))
    page.locator(".like-button").click()
    expect(page.locator(".comment-actions .request-failure")).to_have_text(FAILED)
    expect(page.locator(".like-button")).to_be_focused()
    page.get_by_role("link", name="Reply to Ada").click()
    expect(page.locator(".comment-actions .request-failure")).to_have_count(1)
    expect(page.locator(".reply-slot")).to_be_empty()
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comments-header .request-failure")).to_have_text(FAILED)
    write(page, "Kept")
    expect(page.locator("#comment-form .form-failure")).to_have_text(KEPT)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview-comment-form")).to_be_empty()
    expect(page.locator(".comment-body")).to_have_text("Sing!")
    expect(page.locator("#comment-form [name=body]")).to_have_value("Kept")
    expect(page.locator("#view-count")).to_have_text("1 view")
    assert_accessible(page)
    page.unroute("**/*")
    page.locator(".like-button").click()
    expect(page.locator(".like-button")).to_have_text("1")
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comments-header .request-failure, .comment-actions .request-failure")).to_have_count(0)


def test_foreign_response_to_an_opt_out_keeps_the_form(visit: Visits, server: Server) -> None:
    visitor = visit()
    visitor.allow(NOISE)
    page = visitor.page
    page.goto(f"{server.url}/privacy")
    answer_posts(page, "**/objection", status=200, body=PORTAL)
    page.locator("#objection-button").click()
    expect(page.locator("#objection-form .form-failure")).to_have_text(FAILED)
    assert_accessible(page)
    page.unroute("**/objection")
    page.locator("#objection-button").click()
    expect(page.locator("#objection-button")).to_have_text("Count my views again")


def test_redirect_to_another_page_is_not_swapped(visit: Visits, article: Articles, server: Server) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(article())
    answer_posts(page, "**/comments", status=303, headers={"Location": f"{server.url}/owner/sign-in"})
    write(page, "Kept")
    expect(page.locator("#comment-form .form-failure")).to_have_text(KEPT)
    expect(page.locator("#comment-form [name=body]")).to_have_value("Kept")


def test_error_of_the_application_is_shown_beside_the_form(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(NOISE)
    page = visitor.page
    open_edit(page, article())
    page.locator(".reply-slot [name=body]").fill("x" * 70_000)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".reply-slot .form-failure")).to_contain_text("too large")
    expect(page.locator(".reply-slot [name=body]")).to_have_value("x" * 70_000)


def test_slow_request_is_sent_once_and_times_out(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(NOISE)
    page = open_with_a_clock(visitor, article())
    held: list[Route] = []
    page.route("**/comments", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    write(page, "Slow")
    page.locator("#comment-form button[type=submit]").click()  # pressed again
    page.clock.fast_forward(21_000)
    expect(page.locator("#comment-form .form-failure")).to_have_text(KEPT)
    expect(page.locator("#comment-form [name=body]")).to_have_value("Slow")
    expect(page.locator("#comment-form button[type=submit]")).to_be_enabled()
    assert len(held) == 1
    page.unroute("**/comments")
    page.locator("#comment-form button[type=submit]").click()
    expect(page.locator(".comment")).to_have_count(1)


def test_automatic_refresh_fails_silently_and_recovers(visit: Visits, article: Articles) -> None:
    address = article()
    visitor = visit()
    visitor.allow(NOISE)
    page = open_with_a_clock(visitor, address)
    asked: list[str] = []

    def answer_as_a_portal(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body=PORTAL)

    page.route("**/comments?since=*", answer_as_a_portal)
    for _ in range(12):
        page.clock.fast_forward(10_000)
        page.wait_for_timeout(60)
    assert 2 <= len(asked) <= 5
    expect(page.locator(".request-failure")).to_have_count(0)
    expect(page.locator("#status")).to_be_empty()
    page.unroute("**/comments?since=*")
    other = visit()
    other.page.goto(address)
    write(other.page, "News")
    expect(other.page.locator(".comment")).to_have_count(1)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".comment")).to_have_count(1)
