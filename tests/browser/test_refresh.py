"""An open page shows new comments without disturbing the reader."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]

STATE = """() => {
  const field = document.querySelector("#comment-form [name=body]");
  return [field.value, field.selectionStart, field.selectionEnd, document.activeElement === field, window.scrollY];
}"""

HIDE = """() => {
  Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""

SHOW = """() => {
  Object.defineProperty(document, "visibilityState", {value: "visible", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def open_with_a_clock(visitor: Visit, address: str) -> Page:
    visitor.page.clock.install()
    with visitor.page.expect_response("**/views"):
        visitor.page.goto(address)
    return visitor.page


def refreshes(visitor: Visit) -> int:
    return len([request for request in visitor.requests if "since=" in request.url])


def test_open_page_shows_new_comments_and_keeps_typed_text(visit: Visits, article: Articles) -> None:
    address = article(paragraphs=8)
    reader, writer = visit(), visit()
    page = open_with_a_clock(reader, address)
    field = page.locator("#comment-form [name=body]")
    field.fill("Half a thought")
    field.evaluate("field => field.setSelectionRange(4, 6)")
    before = page.evaluate(STATE)
    writer.page.goto(address)
    write(writer.page, "News", name="Bob")
    expect(writer.page.locator(".comment")).to_have_count(1)
    page.clock.fast_forward(15_000)
    expect(page.locator("#comment-list .comment")).to_contain_text("News")
    expect(page.locator("#comment-count")).to_have_text("1 comment")
    expect(page.locator("#status")).to_have_text("1 new comment")
    assert page.evaluate(STATE) == before


def test_new_reply_appears_below_its_parent(visit: Visits, article: Articles) -> None:
    address = article()
    reader, writer = visit(), visit()
    writer.page.goto(address)
    write(writer.page, "Question")
    expect(writer.page.locator(".comment")).to_have_count(1)
    page = open_with_a_clock(reader, address)
    writer.page.get_by_role("link", name="Reply to Ada").click()
    write(writer.page, "Answer", form=".reply-slot form")
    expect(writer.page.locator(".comment")).to_have_count(2)
    page.clock.fast_forward(15_000)
    expect(page.locator(".replies .comment")).to_contain_text("Answer")


def post(blog: Flask, address: str, text: str, parent: str = "") -> str:
    """Post a comment as somebody else and return its id."""
    form = {"author_name": "Bob", "body": text, "parent_id": parent}
    answer = blog.test_client().post(f"{urlsplit(address).path}/comments", data=form)
    return answer.headers["Location"].rpartition("-")[2]


def place_of(page: Page, comment: str) -> str | None:
    """The id of the comment that a comment is displayed under."""
    place = "comment => comment.closest('.item').parentElement.closest('.item')?.querySelector('.comment').id"
    found: str | None = page.locator(f"#comment-{comment}").evaluate(place)
    return found and found.removeprefix("comment-")


def test_replies_arrive_together_with_their_parents(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    old = post(blog, address, "Old")
    page = open_with_a_clock(visit(), address)
    a = post(blog, address, "A")
    b = post(blog, address, "B", a)
    c = post(blog, address, "C", b)
    d = post(blog, address, "D", old)
    e = post(blog, address, "E", d)
    page.clock.fast_forward(15_000)
    expect(page.locator("#status")).to_have_text("5 new comments")
    expect(page.locator(".comment")).to_have_count(6)
    assert [place_of(page, each) for each in (a, b, c, d, e)] == [None, a, b, old, d]
    expect(page.locator("#news")).to_have_text("5 new comments")
    # Replies to comments that are still hidden are counted, too.
    post(blog, address, "F", c)
    page.clock.fast_forward(15_000)
    expect(page.locator("#news")).to_have_text("6 new comments")
    expect(page.locator("#comment-count")).to_have_text("7 comments")
    page.locator("#news").click()
    expect(page.locator(f"#comment-{d}")).to_be_focused()
    expect(page.locator(".comment:visible")).to_have_count(7)


def test_replies_to_an_own_comment_that_is_already_on_the_page_arrive(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    page = open_with_a_clock(visit(), address)
    write(page, "Mine")
    expect(page.locator(".comment")).to_have_count(1)
    own = (page.locator(".comment").get_attribute("id") or "").removeprefix("comment-")
    answer = post(blog, address, "Answer", own)
    deeper = post(blog, address, "Deeper", answer)
    page.clock.fast_forward(15_000)
    expect(page.locator(".comment")).to_have_count(3)
    assert [place_of(page, each) for each in (own, answer, deeper)] == [None, own, answer]
    expect(page.locator("details.thread > summary .summary-count")).to_have_text("2 replies")


def test_comment_that_is_shown_again_replaces_its_placeholder(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    hidden = post(blog, address, "Not so bad")
    post(blog, address, "Reply", hidden)
    runner = blog.test_cli_runner()
    assert runner.invoke(args=["comments", "remove", hidden]).exit_code == 0
    page = open_with_a_clock(visit(), address)
    expect(page.locator(f"#comment-{hidden}")).to_have_text("Removed by the site owner.")
    assert runner.invoke(args=["comments", "approve", hidden]).exit_code == 0
    page.clock.fast_forward(15_000)
    expect(page.locator(f"#comment-{hidden}")).to_contain_text("Not so bad")
    expect(page.locator(".comment")).to_have_count(2)


def test_orders_of_comments_appear_with_the_second_thread(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    page = open_with_a_clock(visit(), address)
    orders = page.get_by_role("navigation", name="Sort comments")
    for number, shown in enumerate([False, True, True]):
        post(blog, address, f"Thread {number}")
        page.get_by_role("link", name="Refresh").click()
        expect(page.locator(".comment")).to_have_count(number + 1)
        expect(orders).to_be_visible(visible=shown)
    orders.get_by_role("link", name="Newest first").click()
    expect(page.locator(".comment").first).to_contain_text("Thread 2")


def test_own_comment_is_not_duplicated_by_a_refresh(visit: Visits, article: Articles) -> None:
    visitor = visit()
    page = open_with_a_clock(visitor, article())
    write(page, "Mine")
    expect(page.locator(".comment")).to_have_count(1)
    with page.expect_response(lambda response: "since=" in response.url):
        page.clock.fast_forward(15_000)
    page.wait_for_timeout(200)
    expect(page.locator(".comment")).to_have_count(1)
    expect(page.locator("#status")).to_have_text("Your comment is posted.")


def test_hidden_page_sends_no_refresh_until_it_is_visible_again(visit: Visits, article: Articles) -> None:
    visitor = visit()
    page = open_with_a_clock(visitor, article())
    page.evaluate(HIDE)
    asked = refreshes(visitor)
    for _ in range(5):
        page.clock.fast_forward(15_000)
        page.wait_for_timeout(50)
    assert refreshes(visitor) == asked
    page.evaluate(SHOW)
    page.wait_for_timeout(300)
    assert refreshes(visitor) == asked + 1


def test_page_opened_in_the_background_is_counted_when_it_becomes_visible(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.page.add_init_script(f"({HIDE})()")
    visitor.page.goto(article(views=4))
    visitor.page.wait_for_timeout(300)
    expect(visitor.page.locator("#view-count")).to_have_text("4 views")
    visitor.page.evaluate(SHOW)
    expect(visitor.page.locator("#view-count")).to_have_text("5 views")


def test_refresh_button_loads_new_comments(visit: Visits, article: Articles) -> None:
    address = article()
    reader, writer = visit(), visit()
    reader.page.goto(address)
    refresh = reader.page.get_by_role("link", name="Refresh")
    refresh.click()
    expect(reader.page.locator("#status")).to_have_text("No new comments.")
    writer.page.goto(address)
    write(writer.page, "News")
    expect(writer.page.locator(".comment")).to_have_count(1)
    refresh.click()
    expect(reader.page.locator(".comment")).to_have_count(1)
    expect(refresh).to_be_focused()


def test_refresh_button_announces_edits_and_deletions(visit: Visits, article: Articles) -> None:
    address = article()
    reader, writer = visit(), visit()
    writer.page.goto(address)
    write(writer.page, "First text")
    expect(writer.page.locator(".comment")).to_have_count(1)
    reader.page.goto(address)
    refresh = reader.page.get_by_role("link", name="Refresh")
    writer.page.get_by_role("link", name="Edit").click()
    writer.page.locator(".reply-slot [name=body]").fill("Second text")
    writer.page.get_by_role("button", name="Save").click()
    expect(writer.page.locator(".comment-body")).to_have_text("Second text")
    refresh.click()
    expect(reader.page.locator(".comment-body")).to_have_text("Second text")
    expect(reader.page.locator("#status")).to_have_text("Comments updated.")
    expect(reader.page.locator(".comments-header .notice")).to_have_text("Comments updated.")
    writer.page.get_by_role("link", name="Delete").click()
    writer.page.get_by_role("button", name="Delete").click()
    expect(writer.page.locator(".comment")).to_have_count(0)
    refresh.click()
    expect(reader.page.locator(".comment")).to_have_count(0)
    expect(reader.page.locator("#status")).to_have_text("Comments updated.")
    refresh.click()
    expect(reader.page.locator("#status")).to_have_text("No new comments.")


def test_own_comment_is_shown_at_once_after_going_back(visit: Visits, article: Articles) -> None:
    page = visit().page  # without a clock of Playwright, which hides the type of the navigation
    with page.expect_response("**/views"):
        page.goto(article(paragraphs=10))
    write(page, "My first comment")
    expect(page.locator(".comment")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    page.locator(".site-title").click()
    expect(page.locator("#comment-form")).to_have_count(0)
    page.go_back()
    expect(page.locator(".comment")).to_be_visible(timeout=9_000)  # before the first automatic refresh
    expect(page.locator(".comment-actions").get_by_role("link", name="Edit")).to_be_visible()
    expect(page.locator("#news")).to_be_hidden()
