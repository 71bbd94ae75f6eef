"""Messages appear beside the comment they are about, and are announced once."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import expect

from tests.browser.conftest import Visit, assert_accessible, write
from tests.browser.test_live import post_many

Visits = Callable[..., Visit]
Articles = Callable[..., str]


def test_messages_are_shown_at_the_comment_and_announced_once(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    post_many(blog, address, 20)
    page = visit(viewport={"width": 375, "height": 700}).page
    page.goto(address)
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comments-header .notice")).to_have_text("No new comments.")
    write(page, "Mine")
    notice = page.locator(".notice")
    own = page.locator(".comment", has_text="Mine")
    expect(own.locator(".notice")).to_have_text("Your comment is posted.")
    expect(notice).to_be_in_viewport()
    expect(page.locator("#status")).to_have_text("Your comment is posted.")
    assert page.locator("[role=status], [role=alert], [aria-live]").filter(has=notice).count() == 0
    assert_accessible(page)
    page.get_by_role("link", name="Edit").click()
    page.locator(".reply-slot [name=body]").fill("Mine, edited")
    page.get_by_role("button", name="Save").click()
    expect(own.locator(".notice")).to_have_text("Your changes are saved.")
    expect(notice).to_have_count(1)
    expect(notice).to_be_in_viewport()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(own).to_have_count(0)
    expect(notice).to_have_text("Your comment has been deleted.")
    expect(notice).to_be_in_viewport()
    expect(page.locator(".comment").last).to_be_focused()


def test_message_rendered_by_the_server_stays_visible(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(f"{article()}?notice=waiting")
    expect(page.locator("#status")).to_have_text("Thank you. Your comment is awaiting approval.")
    expect(page.locator("#status")).not_to_have_class("visually-hidden")


def test_buttons_are_enabled_after_going_back_during_a_post(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource|htmx:error|Failed to fetch")
    page = visitor.page
    address = article()
    page.goto(address)
    page.route("**/comments", lambda route: None if route.request.method == "POST" else route.continue_())
    write(page, "On its way")
    page.goto(address.split("/articles")[0])
    page.go_back()
    page.unroute("**/comments")
    expect(page.locator("#comment-form button[type=submit]")).to_be_enabled()
    expect(page.locator("#comment-form [name=body]")).to_have_value("On its way")
    page.locator("#comment-form [name=author_name]").fill("Ada")
    page.locator("#comment-form button[type=submit]").click()
    expect(page.locator(".comment")).to_have_count(1)
