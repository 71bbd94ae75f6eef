"""The editor of articles in Chromium: writing, preview, publishing, with the keyboard, and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.models import Owner
from blogapp.owners.passwords import hash_password
from tests.browser.conftest import Visit, assert_accessible
from tests.harness.server import Server

Visits = Callable[..., Visit]
NAME, PASSWORD = "Chloé Martin", "correct horse battery"
SAVED = re.compile(r"^Saved \d\d:\d\d$")


@pytest.fixture(scope="module")
def owner(blog: Flask) -> Iterator[None]:
    password_hash = hash_password(PASSWORD)
    with blog.app_context(), write_transaction() as session:
        save_owner(session, NAME, password_hash)
    yield
    # Other modules test a blog without an owner.
    with blog.app_context(), write_transaction() as session:
        for each in session.scalars(select(Article).where(Article.created_in.is_not(None))):
            session.delete(each)
        session.execute(delete(Owner))


@pytest.fixture
def write(visit: Visits, server: Server, owner: None) -> Callable[..., Visit]:
    """Return a function that signs in a browser and opens the editor for a new article."""

    def start(address: str = "/owner/articles/new", **options: Any) -> Visit:
        visitor = visit(**options)
        visitor.allow("Autofocus processing was blocked")  # a test may be faster than the page
        visitor.page.goto(f"{server.url}/owner/sign-in?next={address}")
        sign_in(visitor.page)
        # Loaded with its scripts: a test may take the network away at once.
        visitor.page.wait_for_url(lambda url: "/owner/sign-in" not in url)
        return visitor

    return start


def sign_in(page: Page) -> None:
    page.locator("[name=name]").fill(NAME)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button[type=submit]").click()


def saved(page: Page) -> None:
    expect(page.locator("#owner-saved")).to_have_text(SAVED)


def texts(blog: Flask, title: str) -> list[str]:
    with blog.app_context():
        found = list(db.session.scalars(select(Article.body_source).where(Article.title == title)))
        db.session.remove()
        return found


def type_article(page: Page, title: str, text: str) -> None:
    page.locator("#owner-title").fill(title)
    page.locator("#owner-body").fill(text)


def test_article_is_saved_while_it_is_typed_and_published(write: Callable[..., Visit], server: Server) -> None:
    page = write().page
    expect(page.locator("#owner-title")).to_be_focused()
    page.keyboard.type("Birds by ear")
    page.keyboard.press("Enter")
    page.keyboard.type("They sing ")
    saved(page)
    expect(page).to_have_url(re.compile(r"/owner/articles/\d+/edit$"))
    expect(page).to_have_title(re.compile("^Edit article – "))
    expect(page.get_by_role("heading", level=1)).to_have_text("Edit article")
    expect(page.get_by_role("form", name="Edit article")).to_have_count(1)
    page.keyboard.type("before sunrise.")
    expect(page.locator("#owner-body")).to_be_focused()
    expect(page.locator("#owner-body")).to_have_value("They sing before sunrise.")
    expect(page.locator("#owner-count")).to_have_text("4 words · 1 minute to read")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    expect(page.locator("#owner-published_at")).not_to_have_value("")
    page.locator("#owner-body").focus()
    page.keyboard.press("End")
    page.keyboard.type(" Then they stop.")
    expect(page.locator(".editor-changes")).to_have_text("Changes not published yet")
    saved(page)
    # Undo works across saves.
    page.keyboard.press("Control+z")
    expect(page.locator("#owner-body")).not_to_have_value(re.compile("stop"))
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#owner-body")).to_have_value(re.compile("stop"))
    page.locator(".editor-actions a").click()
    expect(page.locator(".article-body")).to_have_text("They sing before sunrise.")
    page.go_back()
    expect(page.locator("#owner-body")).to_have_value("They sing before sunrise. Then they stop.")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    expect(page.locator(".editor-changes")).to_have_count(0)
    assert_accessible(page)
    # The button disappears: the message gets its focus.
    page.locator("details:has(#owner-more-actions) > summary").click()
    page.get_by_role("button", name="Unpublish").click()
    expect(page.locator("#status")).to_have_text("The article is no longer public.")
    expect(page.locator("#status")).to_be_focused()
    assert_accessible(page)


def test_button_pressed_at_once_publishes_the_latest_text(write: Callable[..., Visit], blog: Flask) -> None:
    page = write().page
    type_article(page, "At once", "One")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    for number in range(3):
        page.locator("#owner-body").fill(f"Text {number}")
        page.wait_for_timeout(number * 500)
        page.keyboard.press("Control+s") if number == 1 else page.locator("#owner-publish").click()
        saved(page)
    expect(page.locator(".editor-changes")).to_have_count(0)
    assert texts(blog, "At once") == ["Text 2"]


def test_long_text_is_saved_exactly(write: Callable[..., Visit], blog: Flask) -> None:
    page = write().page
    text = "\n  Début…\tשלום 😀\n" + "A line of text & <b>markup</b> é\n" * 6_500 + "  end \n\n"
    assert len(text) > 200_000
    page.locator("#owner-title").fill("Long")
    # Chromium takes a minute to insert so many lines as if they were typed.
    put = "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    page.locator("#owner-body").evaluate(put, text)
    saved(page)
    assert texts(blog, "Long") == [text]
    page.reload()
    expect(page.locator("#owner-body")).to_have_value(text)


def test_wrong_field_is_marked_and_focused(write: Callable[..., Visit]) -> None:
    visitor = write()
    visitor.allow("422")
    page = visitor.page
    type_article(page, "Marked", "Text")
    saved(page)
    page.locator("#owner-details > summary").click()
    page.locator("#owner-slug").fill("Not a slug")
    expect(page.locator("#owner-saved")).to_have_text(re.compile("except the marked fields"))
    expect(page.locator("#owner-slug")).to_have_attribute("aria-invalid", "true")
    page.locator("#owner-title").fill("")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Not saved: please check the marked fields.")
    expect(page.locator("#owner-title")).to_be_focused()
    assert_accessible(page)
    page.locator("#owner-title").fill("Marked")
    page.locator("#owner-slug").fill("a-slug")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    expect(page.locator("#owner-slug")).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("width", [375, 1280])
def test_preview_follows_the_text(write: Callable[..., Visit], width: int) -> None:
    page = write(viewport={"width": width, "height": 800}).page
    type_article(page, "Preview", "One *word*")
    page.locator("#owner-preview-button").click()
    expect(page.locator("#owner-preview em")).to_have_text("word")
    assert_accessible(page)
    if width == 375:
        expect(page.locator("#owner-body")).to_be_hidden()
        page.locator("#owner-preview-button").click()
        expect(page.locator("#owner-preview")).to_be_hidden()
        page.locator("#owner-body").fill("Another **text**")
        page.locator("#owner-preview-button").click()
    else:
        page.locator("#owner-body").fill("Another **text**")
    expect(page.locator("#owner-preview strong")).to_have_text("text")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    saved(page)


def test_toolbar_formats_the_text_and_can_be_undone(write: Callable[..., Visit]) -> None:
    page = write().page
    body = page.locator("#owner-body")
    page.locator("#owner-title").fill("Tools")
    body.fill("one two")
    for tool, expected in {
        "Bold": "**one two**",
        "Code": "`one two`",
        "Link": "[one two](https://)",
        "Quote": "> one two",
        "List": "- one two",
        "Heading": "## one two",
    }.items():
        body.press("Control+a")
        page.get_by_role("button", name=tool, exact=True).click()
        expect(body).to_have_value(expected)
        expect(body).to_be_focused()
        page.keyboard.press("Control+z")
        expect(body).to_have_value("one two")
    body.press("Control+a")
    page.keyboard.press("Control+b")
    page.keyboard.press("Control+b")
    expect(body).to_have_value("one two")
    saved(page)


def test_keyboard_alone_writes_and_publishes_an_article(write: Callable[..., Visit], blog: Flask) -> None:
    page = write().page
    expect(page.locator("#owner-title")).to_be_focused()
    page.keyboard.type("Keyboard")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Bold", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Link", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("Text")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#owner-details")).to_have_attribute("open", "")
    page.locator("#owner-publish").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Published.")
    expect(page.locator("#owner-publish")).to_be_focused()
    assert texts(blog, "Keyboard") == ["Text"]


@pytest.mark.parametrize("java_script", [True, False])
def test_list_editor_and_history_are_accessible(write: Callable[..., Visit], server: Server, java_script: bool) -> None:
    visitor = write(java_script_enabled=java_script, viewport={"width": 375, "height": 800})
    page = visitor.page
    title = f"Accessible {java_script}"
    type_article(page, title, "Text")
    page.locator("#owner-save").click()
    expect(page.locator("#status")).to_have_text("Saved.")
    page.locator("#owner-body").fill("Text and more")
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    page.locator("#owner-details > summary").click()
    if java_script:  # axe needs it
        assert_accessible(page)
    page.get_by_role("link", name="History").click()
    if java_script:
        assert_accessible(page)
    page.locator(".list-title").first.click()
    expect(page.locator(".diff ins")).to_have_text(" and more")
    if java_script:
        assert_accessible(page)
    page.goto(f"{server.url}/owner/articles")
    expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    if java_script:
        assert_accessible(page)
    page.get_by_role("link", name=title, exact=True).click()
    page.locator("#owner-details > summary").click()
    page.locator("button[value=delete]").click()
    expect(page.locator("#status")).to_have_text("The article is in the bin.")
    page.goto(f"{server.url}/owner/articles?state=deleted")
    page.get_by_role("button", name=f"Restore {title}").click()
    expect(page.locator("#status")).to_have_text("The article is out of the bin.")
