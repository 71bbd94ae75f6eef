"""The editor in Chromium without a network, after a crash, after the end of a session, and beside another tab: nothing
that is typed is lost, and nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit, assert_accessible
from tests.browser.test_editor import owner as owner
from tests.browser.test_editor import saved, sign_in, texts, type_article
from tests.browser.test_editor import write as write
from tests.harness.server import Server


def lose_the_network(write: Callable[..., Visit], title: str) -> Visit:
    """A visitor whose article is saved with the text "Before", and who has no network any more."""
    visitor = write()
    visitor.allow("ERR_INTERNET_DISCONNECTED")
    type_article(visitor.page, title, "Before")
    saved(visitor.page)
    visitor.context.set_offline(True)
    return visitor


def test_lost_network_is_shown_and_the_text_is_saved_when_it_is_back(write: Callable[..., Visit], blog: Flask) -> None:
    visitor = lose_the_network(write, "Offline")
    page = visitor.page
    page.locator("#owner-body").fill("Typed offline")
    expect(page.locator("#owner-saved")).to_have_text("Not saved: no connection")
    page.locator("#owner-body").focus()
    visitor.context.set_offline(False)
    saved(page)
    expect(page.locator("#owner-body")).to_be_focused()
    assert texts(blog, "Offline") == ["Typed offline"]


def test_failure_of_a_button_disappears_when_the_text_is_saved(write: Callable[..., Visit]) -> None:
    visitor = lose_the_network(write, "Button offline")
    visitor.allow("Failed to fetch")
    page = visitor.page
    page.locator("#owner-body").fill("Typed offline")
    page.locator("#owner-save").click()
    expect(page.locator("#owner-editor .form-failure")).to_contain_text("Connection failed")
    visitor.context.set_offline(False)
    saved(page)
    expect(page.locator("#owner-editor .form-failure")).to_be_empty()


def test_text_survives_a_killed_browser(write: Callable[..., Visit], blog: Flask) -> None:
    visitor = lose_the_network(write, "Killed")
    page, address = visitor.page, visitor.page.url
    page.locator("#owner-body").fill("Typed just before the end")
    page.wait_for_timeout(400)
    page.close(run_before_unload=False)  # without any event for the page
    visitor.context.set_offline(False)
    assert texts(blog, "Killed") == ["Before"]
    page = visitor.page = visitor.context.new_page()
    page.goto(address)
    expect(page.locator("#owner-body")).to_have_value("Typed just before the end")
    expect(page.locator("#owner-kept")).to_contain_text("is restored")
    saved(page)
    assert texts(blog, "Killed") == ["Typed just before the end"]
    assert_accessible(page)
    page.locator("[data-kept=discard]").click()
    expect(page.locator("#owner-body")).to_have_value("Before")
    expect(page.locator("#owner-body")).to_be_focused()
    expect(page.locator("#owner-kept")).to_be_hidden()
    saved(page)
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("#owner-body")).to_have_value("Before")
    expect(page.locator("#owner-kept")).to_be_hidden()


def test_unsaved_text_of_one_article_never_enters_another(write: Callable[..., Visit], server: Server) -> None:
    visitor = write()
    visitor.allow("ERR_INTERNET_DISCONNECTED")
    page = visitor.page
    visitor.context.set_offline(True)
    type_article(page, "Never sent", "Only in this browser")
    expect(page.locator("#owner-saved")).to_have_text("Not saved: no connection")
    page.close(run_before_unload=False)
    visitor.context.set_offline(False)
    page = visitor.page = visitor.context.new_page()
    page.goto(f"{server.url}/owner/articles/new")
    expect(page.locator("#owner-kept")).to_contain_text("Never sent")
    expect(page.locator("#owner-body")).to_have_value("")
    page.locator("[data-kept=use]").click()
    expect(page.locator("#owner-body")).to_have_value("Only in this browser")
    saved(page)
    page.goto(f"{server.url}/owner/articles/new")
    expect(page.locator("#owner-kept")).to_be_hidden()
    expect(page.locator("#owner-body")).to_have_value("")


def test_page_that_is_reloaded_at_once_does_not_conflict_with_itself(write: Callable[..., Visit], blog: Flask) -> None:
    page = write().page  # a response with the status 409 would be in its console
    type_article(page, "Reloaded", "They sing.")
    saved(page)
    body = page.locator("#owner-body")
    typed = "They sing."
    for word in (" Before", " sunrise", " and", " after"):
        body.press("ControlOrMeta+End")
        page.keyboard.type(word)
        typed += word
        page.reload()
        expect(body).to_have_value(typed)
    page.wait_for_timeout(2_500)
    saved(page)
    expect(page.locator("#owner-kept")).to_be_hidden()
    body.press("ControlOrMeta+End")
    page.keyboard.type(".")
    expect(page.locator("#owner-saved")).to_have_text("Not saved yet")
    saved(page)
    assert texts(blog, "Reloaded") == [typed + "."]


def test_title_that_is_reloaded_at_once_is_not_offered_again(write: Callable[..., Visit], blog: Flask) -> None:
    page = write().page
    type_article(page, "Reloaded title", "They sing.")
    saved(page)
    # The address follows the title, so what the server has stored differs from what was sent.
    page.locator("#owner-title").press("End")
    page.keyboard.type("s")
    with page.expect_request(lambda request: request.method == "POST"):
        pass  # the automatic save
    page.reload()
    expect(page.locator("#owner-title")).to_have_value("Reloaded titles")
    page.wait_for_timeout(1_500)
    saved(page)
    expect(page.locator("#owner-kept")).to_be_hidden()
    assert texts(blog, "Reloaded titles") == ["They sing."]


def test_two_tabs_get_a_conflict_and_are_merged(write: Callable[..., Visit], blog: Flask) -> None:
    visitor = write()
    visitor.allow("409")
    first = visitor.page
    type_article(first, "Two tabs", "The text of both tabs.")
    saved(first)
    second = visitor.context.new_page()
    second.goto(first.url)
    second.locator("#owner-body").fill("The text of the second tab.")
    saved(second)
    first.locator("#owner-body").fill("The text of the first tab.")
    expect(first.locator("#owner-saved")).to_have_text("Not saved: changed elsewhere")
    assert texts(blog, "Two tabs") == ["The text of the second tab."]
    assert_accessible(first)
    first.locator("#owner-body").press_sequentially(" And more.")
    first.locator("[data-plain-submit]").click()
    expect(first.locator(".editor-warning .diff").first).to_contain_text("second")
    expect(first.locator("#owner-conflict-heading")).to_be_focused()
    expect(first.locator("#owner-body")).to_have_value("The text of the first tab. And more.")
    assert_accessible(first)
    first.locator("#owner-body").fill("The text of the first and the second tab.")
    first.locator("#owner-save").click()
    expect(first.locator("#status")).to_have_text("Saved.")
    assert texts(blog, "Two tabs") == ["The text of the first and the second tab."]
    expect(first.locator("#owner-conflict-heading")).to_have_count(0)
    # A button finds the conflict too.
    second.locator("#owner-publish").click()
    expect(second.locator("#owner-conflict")).to_contain_text("Your text here is not saved yet")
    assert texts(blog, "Two tabs") == ["The text of the first and the second tab."]


@pytest.mark.parametrize("way", ["typing", "button"])
def test_ended_session_loses_nothing(write: Callable[..., Visit], blog: Flask, server: Server, way: str) -> None:
    visitor = write()
    visitor.allow("401")
    page = visitor.page
    title = f"Session {way}"
    type_article(page, title, "Before")
    saved(page)
    other = visitor.context.new_page()
    other.goto(f"{server.url}/owner")
    other.locator(".owner-sign-out").click()
    expect(other.locator(".owner-sign-out")).to_have_count(0)
    other.wait_for_load_state()  # closing a page that waits for a response hangs
    other.close()
    page.locator("#owner-body").fill("Typed after the end of the session")
    if way == "button":
        page.locator("#owner-publish").click()
        expect(page.locator("#sign-in-again form")).to_be_visible()
    else:
        expect(page.locator("#owner-saved")).to_have_text("Not saved: sign in above")
        expect(page.locator("#owner-body")).to_be_focused()
    assert texts(blog, title) == ["Before"]
    sign_in(page)
    saved(page)
    if way == "button":
        expect(page.locator(".state-published")).to_be_visible()
    expect(page.locator("#owner-body")).to_have_value("Typed after the end of the session")
    expect(page.locator("#owner-publish" if way == "button" else "#owner-body")).to_be_focused()
    assert texts(blog, title) == ["Typed after the end of the session"]


def test_preview_of_an_ended_session_is_not_requested_again_and_again(write: Callable[..., Visit]) -> None:
    visitor = write()
    visitor.allow("401")
    page = visitor.page
    page.clock.install()  # before any timer is set: a timer of the real clock would not be cleared
    type_article(page, "Preview", "Before")
    page.locator("#owner-preview-button").click()
    expect(page.locator("#owner-preview")).to_contain_text("Before")
    saved(page)
    visitor.context.clear_cookies()
    page.locator("#owner-body").fill("After")
    with page.expect_response("**/owner/articles/preview") as refused:
        page.clock.run_for(10_000)
    assert refused.value.status == 401
    expect(page.locator("#sign-in-again form")).to_be_visible()
    page.clock.run_for(10_000)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for _ in range(3):
        page.clock.run_for(10_000)
        page.evaluate("fetch('/healthz').then((response) => response.text())")
    assert [url for url in requests if url.endswith("/preview")] == []
    sign_in(page)
    # The pause before the next preview is twice as long as the last one took by the clock that was moved.
    preview = page.locator("#owner-preview")
    for _ in range(50):
        page.clock.fast_forward(10_000)
        if "After" in preview.inner_text():
            break
        page.wait_for_timeout(200)
    expect(preview).to_contain_text("After")
    expect(page.locator("#owner-body")).to_have_value("After")


def test_response_of_another_server_does_not_count_as_saved(write: Callable[..., Visit]) -> None:
    page = write().page

    def portal(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body="<p id=owner-state>Saved 12:00</p>")

    page.route("**/owner/articles/**", portal)
    type_article(page, "Portal", "Text")
    expect(page.locator("#owner-saved")).to_have_text("Not saved: no connection")
    page.unroute("**/owner/articles/**")
    saved(page)
