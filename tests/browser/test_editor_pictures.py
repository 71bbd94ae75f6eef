"""Pictures that are uploaded while the owner goes on writing: nothing that is typed is interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.test_editor import owner as owner
from tests.browser.test_editor import saved, type_article
from tests.browser.test_editor import write as write
from tests.browser.test_pictures import file
from tests.media.conftest import picture

ADDRESS = r"\(/media/[0-9a-f]{32}-\d+x\d+\.webp\)"


@contextmanager
def slow_uploads(page: Page) -> Iterator[None]:
    """Pictures that are added in this context are stored at its end."""
    waiting: list[Route] = []
    page.route("**/owner/pictures", lambda route: waiting.append(route))
    yield
    assert waiting
    for route in waiting:
        route.continue_()
    page.unroute("**/owner/pictures")


def choose(page: Page, name: str, *more: str) -> None:
    names = (name, *more)
    width = sum(map(ord, name))  # the same picture again would have the same address
    page.locator("#owner-picture-files").set_input_files(
        [file(each, picture("PNG", (width + number, 50))) for number, each in enumerate(names)]
    )


def place_caret(page: Page, at: int) -> None:
    page.locator("#owner-body").focus()
    page.locator("#owner-body").evaluate("(field, at) => field.setSelectionRange(at, at)", at)


def caret(page: Page) -> int:
    return int(page.locator("#owner-body").evaluate("field => field.selectionStart"))


def expect_text(page: Page, text: str) -> None:
    """The text, in which ADDRESS stands for the address of a picture."""
    pattern = re.escape(text).replace("ADDRESS", ADDRESS)
    expect(page.locator("#owner-body")).to_have_value(re.compile(f"^{pattern}$"))


def test_picture_of_a_slow_upload_does_not_interrupt_the_sentence(write: Callable[..., Visit]) -> None:
    page = write().page
    type_article(page, "Slow", "They sing.\n\nThe end.")
    place_caret(page, len("They sing."))
    with slow_uploads(page):
        choose(page, "a.png")
        page.keyboard.type(" Before sun")
    page.keyboard.type("rise")
    expect_text(page, "They sing. Before sunrise\n\n![]ADDRESS\n\nThe end.")
    expect(page.locator("#owner-body")).to_be_focused()
    page.keyboard.type(", all of them.")
    expect_text(page, "They sing. Before sunrise, all of them.\n\n![]ADDRESS\n\nThe end.")
    page.keyboard.press("ControlOrMeta+z")
    page.keyboard.press("ControlOrMeta+z")
    page.keyboard.press("ControlOrMeta+z")
    expect(page.locator("#owner-body")).not_to_have_value(re.compile("media"))
    saved(page)


def test_picture_is_inserted_where_it_was_chosen(write: Callable[..., Visit]) -> None:
    page = write().page
    body = page.locator("#owner-body")
    type_article(page, "Elsewhere", "One.\n\n\n\nTwo.")
    place_caret(page, len("One.\n\n"))
    with slow_uploads(page):
        choose(page, "a.png")
        place_caret(page, 0)
        page.keyboard.type("At the top. ")
        page.keyboard.press("Delete")
        body.press("ControlOrMeta+End")
        page.keyboard.type(" Three")
    expect_text(page, "At the top. ne.\n\n![]ADDRESS\n\nTwo. Three")
    page.keyboard.type(".")
    expect_text(page, "At the top. ne.\n\n![]ADDRESS\n\nTwo. Three.")
    saved(page)


def test_picture_does_not_interrupt_the_title(write: Callable[..., Visit]) -> None:
    page = write().page
    title = page.locator("#owner-title")
    type_article(page, "", "They sing.")
    page.locator("#owner-body").press("ControlOrMeta+End")
    with slow_uploads(page):
        choose(page, "a.png")
        title.focus()
        page.keyboard.type("Birds ")
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n")
    expect(title).to_be_focused()
    page.keyboard.type("by ear")
    expect(title).to_have_value("Birds by ear")
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n")
    assert caret(page) == len("They sing.")
    saved(page)


def test_next_picture_comes_after_the_one_that_is_being_described(write: Callable[..., Visit]) -> None:
    page = write().page
    type_article(page, "Two pictures", "They sing.")
    page.locator("#owner-body").press("ControlOrMeta+End")
    choose(page, "a.png")
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n")
    choose(page, "b.png")
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n![]ADDRESS\n\n")
    # The caret is in the description of the second picture.
    page.keyboard.type("A wren")
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n![A wren]ADDRESS\n\n")
    saved(page)


@pytest.mark.parametrize("ways", ["at once", "one after the other"])
def test_several_pictures_keep_their_order(write: Callable[..., Visit], ways: str) -> None:
    page = write().page
    type_article(page, f"Several {ways}", "They sing.\n\nThe end.")
    place_caret(page, len("They sing."))
    if ways == "at once":
        choose(page, "a.png", "b.png")
    else:
        with slow_uploads(page):
            choose(page, "a.png")
            expect(page.locator(".uploads progress")).to_have_count(1)
            choose(page, "ab.png")
            expect(page.locator(".uploads progress")).to_have_count(2)
    expect_text(page, "They sing.\n\n![]ADDRESS\n\n![]ADDRESS\n\nThe end.")
    widths = re.findall(r"-(\d+)x", page.locator("#owner-body").input_value())
    assert sorted(widths, key=int) == widths
    saved(page)
