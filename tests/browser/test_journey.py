"""The whole way of a new blog: from the setup code to an export that another blog imports, with every state checked by
axe. Once in French on a phone, once in English with the keyboard alone on PostgreSQL, and once without JavaScript."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from blogapp import create_app
from tests.browser.conftest import Visit, assert_accessible
from tests.browser.input_devices import InputDevice, Keyboard, Pointer
from tests.browser.test_owner import setup_address
from tests.browser.test_pages import overflow
from tests.browser.test_passkeys import Device
from tests.browser.test_pictures import SEND, file
from tests.conftest import dispose, eventually
from tests.harness.databases import on_server, url_of
from tests.harness.server import Server
from tests.media.conftest import picture

NAME, PASSWORD = "Zoé Martin", "a long pass phrase"
TITLE = "Les oiseaux du jardin"
TEXT = "Ils chantent avant l’aube."
PICTURE = re.compile(r"!\[.*\]\(/media/[0-9a-f]{32}-\d+x\d+\.webp\)")


@dataclass
class Journey:
    """`check` looks at a page in the present state."""

    server: Server
    visit: Callable[..., Visit]
    input_device: InputDevice
    has_scripts: bool
    width: int

    def open(self, visitor: Visit, path: str) -> Page:
        visitor.page.goto(self.server.url + path)
        return visitor.page

    def check(self, page: Page) -> None:
        assert overflow(page) <= 0, page.url
        if self.has_scripts:  # axe needs it
            assert_accessible(page, skip_colors=self.width > 375)  # the other journey checks the same colours

    def press(self, page: Page, selector: str) -> None:
        self.input_device.press(page.locator(selector).first)

    def fill(self, page: Page, selector: str, text: str) -> None:
        self.input_device.fill(page.locator(selector).first, text)


@pytest.fixture
def database(request: pytest.FixtureRequest, worker_id: str) -> Iterator[str]:
    """Yield the URL of a new database whose setup is open, empty for the usual SQLite file."""
    if request.param == "sqlite":
        yield ""
        return
    name = f"journey_{worker_id}"
    on_server(f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")
    with psycopg.connect(url_of(name)) as connection:
        connection.execute("DELETE FROM site_settings")
    yield url_of(name)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[Server]:
    """At the name of its host, because browsers allow no passkeys at an IP address."""
    server = Server(tmp_path / "server", BLOGAPP_TEST_SETUP="1", DATABASE_URL=database)
    server.url = server.url.replace("127.0.0.1", "localhost")
    yield server
    server.stop()


@pytest.fixture
def other(tmp_path: Path, server: Server) -> Iterator[Flask]:
    """Another blog with an owner of the same name, on SQLite, which believes to be at the same address."""
    app = create_app({"SECRET_KEY": "another secret key", "SITE_URL": server.url}, tmp_path / "other")
    app.test_cli_runner().invoke(args=["owner", "create", "--name", NAME, "--password", PASSWORD])
    yield app
    dispose(app)


@pytest.mark.parametrize(
    ("database", "language", "width", "input_device", "has_scripts"),
    [
        ("sqlite", "fr", 375, Pointer(), True),
        ("postgresql", "en", 1280, Keyboard(), True),
        ("sqlite", "en", 1280, Pointer(), False),
    ],
    indirect=["database"],
    ids=["fr-375-sqlite", "en-1280-postgresql-keyboard", "without-javascript"],
)
def test_from_the_setup_code_to_an_imported_export(
    visit: Callable[..., Visit],
    server: Server,
    other: Flask,
    tmp_path: Path,
    language: str,
    width: int,
    input_device: InputDevice,
    has_scripts: bool,
) -> None:
    browser = {
        "locale": {"fr": "fr-FR", "en": "en-GB"}[language],
        "viewport": {"width": width, "height": 800},
        "java_script_enabled": has_scripts,
    }
    journey = Journey(server, visit, input_device, has_scripts, width)
    owner, visitor = visit(**browser), visit(**browser)
    owner.allow("status of 409")
    owner.allow("Autofocus processing was blocked")  # a test may be faster than the page

    device = set_up(journey, owner, language)
    address = write_article(journey, owner)
    hold_all_comments(journey, owner)
    comment(journey, visitor, address)
    assert "Bonjour" not in read(server, address)
    approve_and_answer(journey, owner, address)
    assert "Bonjour" in read(server, address)
    if device:
        sign_in_with_the_passkey(journey, owner)
    edit_in_two_tabs(journey, owner, address)

    export = download(journey, owner, tmp_path / "export.zip")
    result = other.test_cli_runner().invoke(args=["restore", str(export)])
    assert result.exit_code == 0, result.output
    page = read(server, address)
    images = re.findall(r"/media/[\w.-]+", page)
    assert len(images) > 1
    # The number of views in a page may be some seconds old.
    for path in ("/", address, *images):
        eventually(partial(differences, server, other, path), [])


def set_up(journey: Journey, owner: Visit, language: str) -> Device | None:
    page = journey.open(owner, "/")
    expect(page).to_have_url(f"{journey.server.url}/owner/setup")
    expect(page.locator("html")).to_have_attribute("lang", language)
    journey.check(page)
    page.goto(setup_address(journey.server))
    device = Device(page) if journey.has_scripts else None
    for name, value in (("name", NAME), ("password", PASSWORD), ("site_title", "Petit carnet")):
        journey.fill(page, f"[name={name}]", value)
    journey.press(page, "main form button[type=submit]")
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    journey.check(page)
    if device:
        journey.press(page, "#passkeys form button[type=submit]")
        expect(page.locator("#passkeys li")).to_have_count(1)
        journey.check(page)
    journey.press(page, "a.button")
    expect(page).to_have_url(f"{journey.server.url}/owner/articles/new")
    return device


def write_article(journey: Journey, owner: Visit) -> str:
    """Publish the first article, with a picture. Returns its path."""
    page, content = owner.page, picture("PNG", (1000, 500))
    text = TEXT
    if not journey.has_scripts:
        page.goto(f"{journey.server.url}/owner/pictures")
        page.locator("input[type=file]").set_input_files([file("bird.png", content)])
        journey.press(page, "form.picture-upload button[type=submit]")
        text = f"{TEXT}\n\n{page.locator('.picture-text').input_value()}"
        page.goto(f"{journey.server.url}/owner/articles/new")
    expect(page.locator("#owner-title")).to_be_focused()
    journey.check(page)
    journey.fill(page, "#owner-title", TITLE)
    journey.fill(page, "#owner-body", text)
    if journey.has_scripts:
        page.keyboard.press("ControlOrMeta+End")
        page.evaluate(SEND, ["#owner-body", "paste", "bird.png", "image/png", base64.b64encode(content).decode()])
        expect(page.locator("#owner-body")).to_have_value(PICTURE)
        page.keyboard.insert_text("Un rouge-gorge")
        expect(page.locator("#owner-saved")).to_have_text(re.compile(r"\d\d:\d\d"))
        journey.check(page)
    journey.press(page, "#owner-publish")
    expect(page.locator(".state-published")).to_be_visible()
    expect(page.locator("#status")).not_to_be_empty()
    journey.check(page)
    journey.press(page, ".editor-actions a")
    expect(page.locator(".article-body img")).to_have_attribute("srcset", re.compile("480w"))
    journey.check(page)
    return page.url.removeprefix(journey.server.url)


def hold_all_comments(journey: Journey, owner: Visit) -> None:
    page = owner.page
    journey.press(page, ".owner-bar a[href$='/owner/settings']")
    expect(page).to_have_url(f"{journey.server.url}/owner/settings")
    journey.check(page)
    journey.input_device.choose(page.locator("[name=moderation]"), "all")
    journey.press(page, "form[action$='/owner/settings'] button[type=submit]")
    expect(page).to_have_url(re.compile("notice=saved"))
    expect(page.locator("[name=moderation]")).to_have_value("all")


def comment(journey: Journey, visitor: Visit, address: str) -> None:
    page = journey.open(visitor, "/")
    journey.check(page)
    journey.press(page, f"main a[href='{address}']")
    journey.fill(page, "#comment-form [name=body]", "Bonjour ! Quel **beau** chant.")
    journey.fill(page, "#comment-form [name=author_name]", "Ada")
    journey.press(page, "#comment-form button[type=submit]")
    expect(page.locator("article.comment .waiting")).to_be_visible()
    journey.check(page)


def approve_and_answer(journey: Journey, owner: Visit, address: str) -> None:
    page = owner.page
    journey.press(page, ".owner-bar a[href$='/owner/comments']")
    expect(page.locator(".queued")).to_contain_text("Bonjour")
    journey.check(page)
    journey.press(page, ".queued [data-key=a]")
    expect(page.locator(".undo button")).to_be_visible()
    journey.check(page)
    page.goto(journey.server.url + address)
    journey.press(page, "article.comment .reply-link")
    form = f"{'.reply-slot' if journey.has_scripts else 'main'} form.comment-form"
    journey.fill(page, f"{form} [name=body]", "Merci, Ada.")
    journey.check(page)
    journey.press(page, f"{form} button[type=submit]")
    expect(page.locator(".replies .comment-body")).to_have_text("Merci, Ada.")
    expect(page.locator(".replies .owner-mark")).to_be_visible()
    journey.check(page)


def sign_in_with_the_passkey(journey: Journey, owner: Visit) -> None:
    page = owner.page
    journey.press(page, ".owner-sign-out")
    expect(page.locator(".owner-bar")).to_have_count(0)
    page.goto(f"{journey.server.url}/owner/sign-in")
    journey.check(page)
    journey.press(page, "[data-passkey-sign-in]")
    expect(page).to_have_url(f"{journey.server.url}/owner")
    journey.check(page)


def edit_in_two_tabs(journey: Journey, owner: Visit, address: str) -> None:
    """The second tab saves first; the first one gets a conflict, merges the texts and publishes."""
    first, second = owner.page, owner.context.new_page()
    first.goto(f"{journey.server.url}/owner/articles")
    journey.check(first)
    journey.press(first, ".list-title")
    expect(first).to_have_url(re.compile(r"/edit$"))
    second.goto(first.url)
    text = first.locator("#owner-body").input_value()
    assert PICTURE.search(text)
    journey.fill(second, "#owner-body", f"{text}\n\nEt le soir aussi.")
    journey.press(second, "#owner-save")
    expect(second.locator("#status")).not_to_be_empty()
    second.close()
    journey.fill(first, "#owner-body", f"{text}\n\nPuis ils se taisent.")
    journey.press(first, "#owner-save")
    if journey.has_scripts:
        expect(first.locator("#owner-conflict .editor-warning")).to_be_visible()
        journey.check(first)
        journey.press(first, "[data-plain-submit]")
    expect(first.locator(".editor-warning .diff").first).to_contain_text("soir")
    expect(first.locator("#owner-body")).to_have_value(re.compile("Puis ils se taisent."))
    journey.check(first)
    journey.fill(first, "#owner-body", f"{text}\n\nEt le soir aussi. Puis ils se taisent.")
    journey.press(first, "#owner-publish")
    expect(first.locator("#status")).not_to_be_empty()
    assert "Et le soir aussi. Puis ils se taisent." in read(journey.server, address)


def download(journey: Journey, owner: Visit, path: Path) -> Path:
    page = owner.page
    journey.press(page, ".owner-bar a[href$='/owner/settings']")
    with page.expect_download() as found:
        journey.press(page, "a[download]")
    found.value.save_as(path)
    return path


def differences(server: Server, other: Flask, path: str) -> list[str]:
    """The lines that differ between the two blogs; none if the responses are the same, byte for byte."""
    here, there = get(server, path), other.test_client().get(path).data
    if here == there:
        return []
    old, new = (content.decode(errors="replace").splitlines() for content in (here, there))
    return list(unified_diff(old, new, n=0))


def get(server: Server, path: str) -> bytes:
    with urlopen(server.url + path, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def read(server: Server, path: str) -> str:
    """The page as readers get it."""
    return get(server, path).decode()
