"""Live updates do not move the page; browsers with and without JavaScript show the same comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.clock import now
from blogapp.db.transactions import write_transaction
from tests.browser.conftest import Visit, assert_accessible, write
from tests.browser.test_refresh import open_with_a_clock
from tests.conftest import SECRET_KEY, dispose
from tests.conftest import browser as agent
from tests.harness.server import Server

Visits = Callable[..., Visit]
Articles = Callable[..., str]


def post_many(blog: Flask, address: str, count: int, text: str = "Remark", parent: str = "") -> None:
    slug = address.rsplit("/", 1)[1]
    client = blog.test_client()
    for number in range(count):
        form = {"author_name": "Ada", "body": f"{text} {slug} {number};", "parent_id": parent}
        client.post(f"/articles/{slug}/comments", data=form)


def test_new_comments_below_the_viewport_wait_behind_a_button(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article(paragraphs=10)
    post_many(blog, address, 12)
    page = open_with_a_clock(visit(), address)
    page.locator(".comment").first.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    post_many(blog, address, 3, "News")
    page.clock.fast_forward(15_000)
    news = page.locator("#news")
    expect(news).to_have_text("3 new comments")
    assert page.evaluate("scrollY") == before
    expect(page.locator(".comment:visible")).to_have_count(12)
    assert_accessible(page)
    news.click()
    expect(page.locator(".comment:visible")).to_have_count(15)
    expect(page.locator(".comment", has_text="News").first).to_be_focused()
    expect(page.locator(".comment", has_text="News").first).to_be_in_viewport()
    expect(news).to_be_hidden()


def page_with_a_waiting_comment(visit: Visits, article: Articles, blog: Flask) -> Page:
    """An article whose 13th comment waits behind the button."""
    address = article(paragraphs=10)
    post_many(blog, address, 12)
    page = open_with_a_clock(visit(), address)
    page.locator(".comment").first.scroll_into_view_if_needed()
    post_many(blog, address, 1, "News")
    page.clock.fast_forward(15_000)
    expect(page.locator("#news")).to_have_text("1 new comment")
    return page


def test_refresh_button_shows_the_waiting_comments(visit: Visits, article: Articles, blog: Flask) -> None:
    page = page_with_a_waiting_comment(visit, article, blog)
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comment:visible")).to_have_count(13)
    expect(page.locator("#news")).to_be_hidden()


def test_more_comments_and_replies_are_announced_and_get_the_focus(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    post_many(blog, address, 60)
    page = visit().page
    page.goto(address)
    more = page.get_by_role("link", name="More comments")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".comment")).to_have_count(60)
    expect(page.locator(".comment").nth(50)).to_be_focused()
    expect(page.locator(".comment").nth(50)).to_be_in_viewport()
    expect(page.locator("#status")).to_have_text("10 more comments are shown.")
    parent = (page.locator(".comment").first.get_attribute("id") or "").removeprefix("comment-")
    post_many(blog, address, 70, "Reply", parent)
    page.goto(address)
    for shown, left, message in ((10, 60, "50"), (60, 10, "10")):
        replies = page.locator(".replies .comment")
        expect(replies).to_have_count(shown)
        page.get_by_role("link", name=f"Show {left} more replies").focus()
        page.keyboard.press("Enter")
        expect(replies.nth(shown)).to_be_focused()
        expect(replies.nth(shown)).to_be_in_viewport()
        expect(page.locator("#status")).to_have_text(f"{message} more replies are shown.")


def test_focus_stays_where_the_visitor_has_moved_it_while_comments_load(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    post_many(blog, address, 51)
    page = visit().page
    held: list[Route] = []
    page.route("**/comments?before=*", lambda route: held.append(route))
    page.goto(address)
    with page.expect_request("**/comments?before=*"):
        page.get_by_role("link", name="More comments").click()
    page.locator("#comment-form [name=body]").focus()
    held[0].continue_()
    expect(page.locator(".comment")).to_have_count(51)
    expect(page.locator("#status")).to_have_text("1 more comment is shown.")
    expect(page.locator("#comment-form [name=body]")).to_be_focused()


def test_edits_and_deletions_by_others_arrive_while_writing(visit: Visits, article: Articles) -> None:
    address = article()
    writer, reader = visit(), visit()
    writer.page.goto(address)
    for text in ("First", "Second"):
        write(writer.page, text, name=text)
        expect(writer.page.locator(".comment", has_text=text)).to_have_count(1)
    page = open_with_a_clock(reader, address)
    page.get_by_role("link", name="Reply to Second").click()
    field = page.locator(".reply-slot [name=body]")
    field.fill("Half an answer")
    field.evaluate("field => field.setSelectionRange(2, 5)")
    page.locator("#comment-form [name=body]").evaluate("field => field.value = 'Half a thought'")
    scroll = page.evaluate("scrollY")
    first = writer.page.locator(".item", has_text="First").first
    first.get_by_role("link", name="Edit").click()
    first.locator("[name=body]").fill("First, edited")
    first.get_by_role("button", name="Save").click()
    expect(first.locator(".comment-body")).to_have_text("First, edited")
    page.clock.fast_forward(15_000)
    expect(page.locator(".comment-body").first).to_have_text("First, edited")
    first.get_by_role("link", name="Delete").click()
    first.get_by_role("button", name="Delete").click()
    expect(writer.page.locator(".comment")).to_have_count(1)
    page.clock.fast_forward(15_000)
    expect(page.locator(".comment")).to_have_count(1)
    expect(page.locator("#comment-count")).to_have_text("1 comment")
    expect(field).to_have_value("Half an answer")
    expect(field).to_be_focused()
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [2, 5]
    expect(page.locator("#comment-form [name=body]")).to_have_value("Half a thought")
    # A comment above the field was deleted; scroll anchoring keeps the field in place.
    assert page.evaluate("scrollY") <= scroll


def test_collapsed_thread_stays_collapsed_after_a_refresh(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    writer = visit()
    writer.page.goto(address)
    write(writer.page, "Root")
    expect(writer.page.locator(".comment")).to_have_count(1)
    for number in range(4):
        writer.page.get_by_role("link", name="Reply to Ada").first.click()
        write(writer.page, f"Answer {number}", name=f"Bob {number}", form=".reply-slot form")
        expect(writer.page.locator(".comment")).to_have_count(number + 2)
    page = open_with_a_clock(visit(), address)
    page.locator("details.thread > summary").click()
    expect(page.locator(".replies .comment").first).to_be_hidden()
    expect(page.locator("details.thread > summary")).to_contain_text("4 replies")
    assert_accessible(page)
    writer.page.get_by_role("link", name="Reply to Ada").first.click()
    write(writer.page, "Answer 4", name="Cleo", form=".reply-slot form")
    expect(writer.page.locator(".comment")).to_have_count(6)
    page.clock.fast_forward(15_000)
    expect(page.locator("details.thread > summary")).to_contain_text("5 replies")
    expect(page.locator(".replies .comment").first).to_be_hidden()


def test_open_page_refreshes_less_often_while_the_server_is_down(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource")
    page = open_with_a_clock(visitor, article())
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, body="")

    page.route(re.compile("since="), refuse)
    for _ in range(12):
        page.clock.fast_forward(10_000)
        page.wait_for_timeout(60)
    assert 2 <= len(asked) <= 5


def test_page_open_for_more_than_a_day_stops_refreshing(visit: Visits, article: Articles) -> None:
    visitor = visit()
    page = open_with_a_clock(visitor, article())
    page.clock.fast_forward("25:00:00")
    page.wait_for_timeout(200)
    asked = len([request for request in visitor.requests if "since=" in request.url])
    for _ in range(4):
        page.clock.fast_forward(60_000)
        page.wait_for_timeout(50)
    assert len([request for request in visitor.requests if "since=" in request.url]) == asked


def test_back_and_forward_count_no_view_and_keep_the_text(visit: Visits, article: Articles, server: Server) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(article(views=4))
    expect(page.locator("#view-count")).to_have_text("5 views")
    page.locator("#comment-form [name=body]").fill("Half a thought")
    page.goto(f"{server.url}/")
    with page.expect_response("**/views"):
        page.go_back()
    expect(page.locator("#comment-form [name=body]")).to_have_value("Half a thought")
    expect(page.locator("#view-count")).to_have_text("5 views")


def reply(page: Page, to: str, text: str, name: str) -> None:
    page.get_by_role("link", name=f"Reply to {to}", exact=True).first.click()
    form = ".reply-slot form" if page.locator(".reply-slot form").count() else "#comment-form"
    if page.url.endswith("/reply"):
        form = "#comment-form"
    else:
        expect(page.locator(".reply-slot form [name=body]")).to_be_visible()
        form = ".reply-slot form"
    write(page, text, name, form)
    expect(page.locator(".comment", has_text=text)).to_be_visible()


def change(page: Page, text: str, plain: bool) -> None:
    own = page.locator(".item", has_text=text).last
    own.get_by_role("link", name="Edit").click()
    field = page.locator("[name=body]" if plain else ".reply-slot [name=body]")
    field.fill(f"{text}, edited")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body", has_text=f"{text}, edited")).to_be_visible()


def withdraw(page: Page, text: str) -> None:
    own = page.locator(".item", has_text=text).last
    own.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".comment-body", has_text=text)).to_have_count(0)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
    when = now()
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", [], False, when, "They sing."), when)
    yield server
    dispose(app)
    server.stop()


def test_browsers_with_and_without_javascript_show_the_same_comments(browser: Browser, own_server: Server) -> None:
    plain = Visit(browser.new_context(java_script_enabled=False, user_agent=agent("Plain")), own_server.url)
    live = Visit(browser.new_context(user_agent=agent("Live")), own_server.url)
    live.allow("Failed to load resource|htmx:error|Failed to fetch")
    plain.allow("Failed to load resource")
    address = f"{own_server.url}/articles/birds"
    one, two = plain.page, live.page
    one.goto(address)
    two.goto(address)
    write(one, "Plain one", "Paul")  # 1
    write(two, "Live one", "Lena")  # 2
    expect(two.locator(".comment", has_text="Live one")).to_be_visible()
    one.goto(address)
    two.get_by_role("link", name="Refresh").click()  # 3
    expect(two.locator(".comment")).to_have_count(2)
    reply(one, "Lena", "Plain answer", "Paul")  # 4
    two.get_by_role("link", name="Refresh").click()
    expect(two.locator(".comment")).to_have_count(3)
    reply(two, "Paul", "Live answer", "Lena")  # 5
    write(one, " ", "Paul")  # 6: wrong
    expect(one.locator("[data-error-for=body]")).to_be_visible()
    two.locator("#comment-form [name=author_url]").fill("nonsense")
    write(two, "Live two", "Lena")  # 7: wrong
    expect(two.locator("[data-error-for=author_url]")).to_be_visible()
    two.locator("#comment-form [name=author_url]").fill("")
    own_server.kill()  # 8
    two.locator("#comment-form button[type=submit]").click()  # 9: no server
    expect(two.locator("#comment-form .form-failure")).to_have_text("Connection failed. Your text is saved here.")
    own_server.start()  # 10
    two.locator("#comment-form button[type=submit]").click()  # 11
    expect(two.locator(".comment", has_text="Live two")).to_be_visible()
    one.goto(address)
    change(one, "Plain one", plain=True)  # 12
    change(two, "Live one", plain=False)  # 13
    one.goto(address)
    one.locator(".item", has_text="Live two").locator(".like-button").last.click()  # 14
    write(one, "Plain two", "Paul")  # 15
    two.get_by_role("link", name="Refresh").click()  # 16
    expect(two.locator(".comment", has_text="Plain two")).to_be_visible()
    withdraw(two, "Live answer")  # 17
    one.goto(address)
    withdraw(one, "Plain answer")  # 18
    reply(one, "Lena", "Plain last", "Paul")  # 19
    two.get_by_role("link", name="Refresh").click()  # 20
    expect(two.locator(".comment", has_text="Plain last")).to_be_visible()
    one.goto(address)
    seen = """() => [...document.querySelectorAll(".comment")].map((comment) => [
      comment.id,
      comment.dataset.parent ?? "",
      comment.querySelector(".comment-author")?.textContent ?? "",
      comment.querySelector(".comment-body")?.textContent ?? "",
    ].join("|")).concat(document.querySelector("#comment-count").textContent)"""
    assert one.evaluate(seen) == two.evaluate(seen)
    fresh = Visit(browser.new_context(), own_server.url)
    fresh.page.goto(address)
    assert fresh.page.evaluate(seen) == two.evaluate(seen)
    for each in (plain, live, fresh):
        each.context.close()
        each.check()


def test_link_to_a_comment_behind_the_button_shows_it(visit: Visits, article: Articles, blog: Flask) -> None:
    page = page_with_a_waiting_comment(visit, article, blog)
    page.evaluate("location.hash = document.querySelector('.item[hidden] .comment').id")
    expect(page.locator(".comment:target")).to_be_in_viewport()
    expect(page.locator("#news")).to_be_hidden()
