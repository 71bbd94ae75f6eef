"""Pictures in Chromium: chosen, pasted and dropped in the editor, and uploaded in the library."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Visit, assert_accessible
from tests.browser.test_editor import owner as owner
from tests.browser.test_editor import saved, type_article
from tests.browser.test_editor import write as write
from tests.harness.server import Server
from tests.media.conftest import picture

MARKDOWN = re.compile(r"^They sing\.\n\n!\[(.*)\]\((/media/[0-9a-f]{32}-\d+x\d+\.webp)\)\n\n$")
# Calls the handlers of an event that a person causes with a file in the clipboard or under the pointer.
SEND = """([selector, kind, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def test_chosen_picture_is_inserted_and_its_description_typed(write: Callable[..., Visit], server: Server) -> None:
    page = write().page
    type_article(page, "With a picture", "They sing.")
    page.locator("#owner-body").press("ControlOrMeta+End")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Picture", exact=True).click()
    chooser.value.set_files(file("bird.png", picture("PNG", (1000, 500))))
    body = page.locator("#owner-body")
    expect(body).to_have_value(MARKDOWN)
    expect(body).to_be_focused()
    page.keyboard.type("A robin")
    expect(body).to_have_value(re.compile(r"!\[A robin\]\(/media/"))
    page.keyboard.press("ControlOrMeta+z")
    saved(page)
    page.locator("#owner-publish").click()
    expect(page.locator("#status")).to_have_text("Published.")
    page.goto(f"{server.url}/articles/with-a-picture")
    image = page.locator(".article-body img")
    expect(image).to_have_attribute("srcset", re.compile(" 480w, .* 960w, .* 1000w"))
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_picture_is_pasted_or_dropped(write: Callable[..., Visit], kind: str) -> None:
    page = write().page
    type_article(page, f"By {kind}", "They sing.")
    page.locator("#owner-body").press("ControlOrMeta+End")
    content = base64.b64encode(picture("PNG", (100, 50))).decode()
    page.evaluate(SEND, ["#owner-body", kind, "bird.png", "image/png", content])
    expect(page.locator("#owner-body")).to_have_value(MARKDOWN)


def test_refused_picture_is_named_and_nothing_is_lost(write: Callable[..., Visit]) -> None:
    visitor = write()
    visitor.allow("status of 422")
    page = visitor.page
    type_article(page, "Refused", "They sing.")
    page.locator("#owner-picture-files").set_input_files([file("<b>.png", b"no picture")])
    expect(page.locator(".uploads .field-error")).to_contain_text("<b>.png This is not a JPEG")
    expect(page.locator("#owner-body")).to_have_value("They sing.")
    assert_accessible(page)


def test_lost_connection_is_named(write: Callable[..., Visit]) -> None:
    visitor = write()
    visitor.allow("ERR_FAILED|net::")
    page = visitor.page
    type_article(page, "Offline", "They sing.")
    saved(page)
    page.route("**/owner/pictures", lambda route: route.abort())
    page.locator("#owner-picture-files").set_input_files([file("bird.png", picture("PNG"))])
    expect(page.locator(".uploads .field-error")).to_contain_text("The upload failed.")


def upload(page: Page, *names: str) -> None:
    page.get_by_label("Add pictures").set_input_files(
        [file(name, picture("PNG", (300, 200), colour=os.urandom(3).hex().join(("#", "")))) for name in names]
    )
    page.get_by_role("button", name="Upload").click()


@pytest.mark.parametrize("scripts", [True, False])
def test_library_stores_several_pictures(write: Callable[..., Visit], scripts: bool) -> None:
    page = write("/owner/pictures", java_script_enabled=scripts).page
    before = page.locator(".pictures > li").count()
    upload(page, "one.png", "two.png")
    expect(page.locator(".pictures > li")).to_have_count(before + 2)
    first = page.locator(".pictures > li").first
    first.get_by_label("Description for people who cannot see it").fill("A robin")
    first.get_by_role("button", name="Save").click()
    expect(page.locator("#status")).to_have_text("The description is saved.")
    expect(page.locator(".pictures img").first).to_have_attribute("alt", "A robin")
    page.locator(".pictures > li").first.get_by_role("button", name="Delete").click()
    expect(page.locator(".pictures > li")).to_have_count(before + 1)
    if scripts:
        assert_accessible(page)


def test_stored_picture_is_listed_beside_the_error_of_another(write: Callable[..., Visit]) -> None:
    visitor = write("/owner/pictures")
    visitor.allow("status of 422")
    page = visitor.page
    before = page.locator(".pictures > li").count()
    page.get_by_label("Add pictures").set_input_files(
        [file("good.png", picture("PNG", (310, 200))), file("fake.jpg", b"no picture")]
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#status")).to_have_text("1 picture is stored.")
    expect(page.locator(".pictures > li")).to_have_count(before + 1)
    expect(page.locator(".uploads .field-error")).to_contain_text("fake.jpg This is not a JPEG")
    assert page.get_by_label("Add pictures").evaluate("input => input.files.length") == 0
    assert_accessible(page)


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_logo_is_chosen_or_dropped(write: Callable[..., Visit], way: str) -> None:
    page = write("/owner/settings/logo").page
    content = picture("PNG", (120 if way == "chosen" else 140, 60))
    field = page.get_by_label("Upload a logo")
    if way == "chosen":
        field.set_input_files([file("logo.png", content)])
    else:
        data = base64.b64encode(content).decode()
        page.evaluate(SEND, ["form.picture-upload", "drop", "logo.png", "image/png", data])
    assert field.evaluate("input => input.files[0].name") == "logo.png"
    page.get_by_role("button", name="Use as logo", exact=True).first.click()
    expect(page.locator("#status")).to_have_text("The logo is saved.")
    page.get_by_role("button", name="Remove the logo").click()
    expect(page.locator("#status")).to_have_text("The logo is removed.")
