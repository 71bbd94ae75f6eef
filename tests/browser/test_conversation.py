"""Reading a conversation on a phone, copying links, and printing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit, assert_accessible, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]

PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}


def height(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["height"]


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_form_is_one_line_on_a_phone_until_it_is_used(
    visit: Visits, article: Articles, java_script_enabled: bool
) -> None:
    page = visit(**PHONE, java_script_enabled=java_script_enabled).page
    page.goto(article())
    assert height(page, "#comment-form") <= 48
    expect(page.locator("#comment-form [type=submit]")).to_be_hidden()
    page.locator("#comment-form [name=body]").tap()
    expect(page.locator("#comment-form [type=submit]")).to_be_visible()
    write(page, "First comment")
    expect(page.locator(".comment-body")).to_have_text("First comment")
    if java_script_enabled:
        # The comments would move if the form shrank when the answer comes.
        expect(page.locator("#comment-form [type=submit]")).to_be_visible()
        page.reload()
    expect(page.locator("#comment-form [type=submit]")).to_be_hidden()
    start, first = page.locator("#comments").bounding_box(), page.locator(".comment").bounding_box()
    assert start is not None
    assert first is not None
    assert first["y"] - start["y"] < 350


def test_form_stays_in_its_place_when_its_middle_is_pressed(visit: Visits, article: Articles) -> None:
    page = visit(viewport={"width": 375, "height": 700}).page
    page.goto(article())
    page.locator("#comment-form [name=body]").click()
    expect(page.locator("#comment-form [name=body]")).to_be_focused()
    expect(page.locator("#comment-form [type=submit]")).to_be_visible()


def test_targets_are_44_pixels_large_on_a_touch_screen(visit: Visits, article: Articles) -> None:
    page = visit(**PHONE).page
    page.goto(article())
    page.locator("#comment-form [name=body]").tap()
    write(page, "One")
    expect(page.locator(".comment")).to_have_count(1)
    page.locator("#comment-form [name=body]").fill("x")
    page.locator(".reply-link").tap()
    expect(page.locator(".reply-slot [name=body]")).to_be_focused()
    fields = "input:not([type=hidden], [type=checkbox])"
    targets = page.locator(f"a, button, summary, textarea, label:has(> input), {fields}")
    small = targets.evaluate_all(
        """targets => targets
            .filter((each) => !each.closest(".article-body, .comment-body, .trap, .skip-link, h3") && each.offsetHeight)
            .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])
            .filter(([, height]) => height < 43.9)"""
    )
    assert small == []
    assert_accessible(page)


def test_post_in_flight_says_sending(visit: Visits, article: Articles) -> None:
    page = visit().page
    address = article()
    held: list[Route] = []
    page.route("**/comments", lambda route: held.append(route))
    page.goto(address)
    write(page, "Slow")
    button = page.locator("#comment-form [type=submit]")
    expect(button).to_have_text("Sending…")
    expect(page.locator("#comment-form .left-spoken")).to_have_text("Sending…")
    held[0].continue_()
    expect(page.locator(".comment-body")).to_have_text("Slow")
    expect(button).to_have_text("Post comment")


def test_links_to_the_article_and_to_a_comment_are_copied_and_announced(visit: Visits, article: Articles) -> None:
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    address = article()
    page.goto(address)
    write(page, "One")
    expect(page.locator(".comment")).to_have_count(1)
    link = page.locator(".article-header .copy-link")
    link.click()
    expect(link).to_have_text("Link copied")
    expect(page.locator("#status")).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == address
    page.locator(".comment .reply-link").focus()
    button = page.locator(".comment .copy-link")
    expect(button).to_have_text("Copy link")
    assert_accessible(page)
    page.locator(".comment .like-button, .comment .reply-link").last.focus()
    button.press("Enter")
    expect(button).to_have_text("Link copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"http://[^/]+/comments/\d+", copied)


def test_printed_article_has_no_controls_and_comments_only_by_choice(visit: Visits, article: Articles) -> None:
    visitor = visit(color_scheme="dark")
    page = visitor.page
    page.goto(article(text="Read [the map](https://example.org/map) and a note[^1].\n\n[^1]: Here."))
    write(page, "One")
    expect(page.locator(".comment")).to_have_count(1)
    page.reload()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    after = "(selector) => getComputedStyle(document.querySelector(selector), '::after').content"
    assert page.evaluate(after, ".article-body a[href^=http]") == '" (\u2066https://example.org/map\u2069)"'
    assert page.evaluate(after, ".footnote-ref a") == "none"
    expect(page.locator("#comments")).to_be_hidden()
    for control in (".article-footer", ".site-footer", ".to-bottom"):
        expect(page.locator(control)).to_be_hidden()
    page.emulate_media(media="screen", color_scheme="dark")
    page.locator("#print-comments").check()
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".comment-body")).to_be_visible()
    for control in ("#comment-form", ".comment-actions", "#refresh"):
        expect(page.locator(control)).to_be_hidden()
