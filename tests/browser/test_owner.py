"""An owner's journeys: the first setup, the demo content, a lost password, a session that has ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from blogapp import create_app
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import OwnerSession
from tests.browser.conftest import Visit, assert_accessible, assert_accessible_in_both_schemes
from tests.browser.test_pages import overflow
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

Visits = Callable[..., Visit]
PASSWORD = "a long pass phrase"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose setup is open."""
    server = Server(tmp_path / "server", BLOGAPP_TEST_SETUP="1")
    yield server
    server.stop()


@pytest.fixture
def app(server: Server) -> Iterator[Flask]:
    """The same blog in this process, to read and change the database."""
    app = create_app({"SECRET_KEY": SECRET_KEY, "RATELIMIT_ENABLED": "off"}, server.folder)
    yield app
    dispose(app)


@pytest.fixture
def demo(app: Flask) -> None:
    """The demo content, as after `make run`."""
    app.test_cli_runner().invoke(args=["demo"])


def setup_address(server: Server) -> str:
    found = re.search(r"Set up the blog at http://[^/]*(/\S+)", server.log())
    assert found is not None, server.log()
    return server.url + found[1]


def set_up(page: Page, server: Server) -> list[str]:
    """Fill in the setup form. Returns the recovery codes."""
    page.goto(setup_address(server))
    page.get_by_label("Your name").fill("Zoé Martin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Title of the blog").fill("Petit carnet")
    page.get_by_role("button", name="Set up the blog").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    return page.locator(".recovery-codes code").all_inner_texts()


def check_page(page: Page) -> None:
    """axe finds nothing, and nothing is wider than a narrow and a wide window."""
    assert_accessible_in_both_schemes(page)
    for width in (320, 375, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) <= 0, (page.url, width)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("has_scripts", [True, False])
def test_new_owner_sets_up_the_blog_and_removes_the_demo(visit: Visits, server: Server, has_scripts: bool) -> None:
    page = visit(java_script_enabled=has_scripts, timezone_id="America/Montreal").page
    page.goto(server.url)
    page.get_by_role("link", name="Set up this blog").click()
    expect(page.get_by_label("Setup code")).to_have_value("")
    codes = set_up(page, server)
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have saved them").click()
    expect(page).to_have_url(f"{server.url}/owner/articles/new")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.get_by_role("link", name="Settings").click()
    zone = page.get_by_label("Time zone").input_value()
    assert (zone == "America/Toronto") or (zone == "America/Montreal") if has_scripts else zone
    page.get_by_role("link", name="Zoé Martin").click()
    page.get_by_role("link", name="Remove the demo content").click()
    page.get_by_role("button", name="Remove the demo content").click()
    expect(page.locator("#status")).to_have_text("The demo content has been removed.")
    page.get_by_role("link", name="Petit carnet").click()
    expect(page.get_by_text("No articles yet.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".owner-bar")).to_have_count(0)


@pytest.mark.usefixtures("demo")
def test_owner_pages_are_accessible_and_fit(visit: Visits, server: Server) -> None:
    visitor = visit()
    visitor.allow("status of 422")
    page = visitor.page
    page.goto(setup_address(server))
    check_page(page)
    page.get_by_role("button", name="Set up the blog").click()
    expect(page.get_by_label("Your name")).to_be_focused()
    check_page(page)
    set_up(page, server)
    check_page(page)
    for path in (
        "/owner",
        "/owner/settings",
        "/owner/settings/logo",
        "/owner/doctor",
        "/owner/security",
        "/owner/accounts",
        "/owner/demo/removal",
        "/articles/le-marche-du-jeudi",
    ):
        page.goto(server.url + path)
        expect(page.locator(".owner-bar")).to_be_visible()
        check_page(page)
    stranger = visit().page
    for path in ("/owner/sign-in", "/owner/recovery"):
        stranger.goto(server.url + path)
        check_page(stranger)


def test_setup_and_settings_work_with_the_keyboard_alone(visit: Visits, server: Server) -> None:
    page = visit().page
    page.goto(setup_address(server))
    page.get_by_label("Setup code").focus()
    for text in ("Zoé Martin", PASSWORD, "Petit carnet"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.goto(f"{server.url}/owner")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    settings = page.get_by_role("link", name="Settings")
    for _ in range(10):  # the other links of the bar come first
        page.keyboard.press("Tab")
        if settings.evaluate("link => link === document.activeElement"):
            break
    expect(settings).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}/owner/settings")


def test_request_after_the_end_of_a_session_is_sent_again_after_signing_in(visit: Visits, server: Server) -> None:
    visitor = visit()
    visitor.allow("status of 401|status of 422")
    page = visitor.page
    set_up(page, server)
    other = visit().page
    other.goto(f"{server.url}/owner/sign-in")
    other.get_by_label("Name").fill("Zoé Martin")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(f"{server.url}/owner")
    page.goto(f"{server.url}/owner/security")
    expect(page.locator("#sessions > li")).to_have_count(2)
    token = next(each for each in visitor.context.cookies() if each["name"] == "owner")
    visitor.context.clear_cookies(name="owner")
    page.locator("#sessions button").click()
    form = page.locator("#sign-in-again form")
    expect(form).to_contain_text("Your session has ended.")
    expect(form.get_by_label("Name")).to_be_focused()
    assert_accessible(page)
    page.keyboard.type("Zoé Martin")
    form.get_by_label("Password").fill("wrong")
    form.get_by_role("button").click()
    expect(form).to_contain_text("Wrong name or password")
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.locator("#sign-in-again")).to_contain_text("You are signed in as Zoé Martin.")
    assert token["value"] not in {each["value"] for each in visitor.context.cookies()}
    # The revocation was carried out: the other browser is signed out, and its row is gone.
    expect(page.locator("#sessions")).to_contain_text("(this browser)")
    expect(page.locator("#sessions button")).to_have_count(1)
    other.goto(f"{server.url}/owner")
    expect(other).to_have_url(f"{server.url}/owner/sign-in?next=/owner")


def test_owner_without_scripts_signs_in_again_and_replaces_a_lost_password(
    visit: Visits, server: Server, app: Flask
) -> None:
    server.url = server.url.replace("127.0.0.1", "localhost")  # at an IP address, browsers allow no passkeys
    visitor = visit(java_script_enabled=False)
    visitor.allow("status of 401")
    page = visitor.page
    codes = set_up(page, server)
    page.goto(f"{server.url}/owner/security")
    expect(page.get_by_text("To add a passkey, you need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_have_count(0)
    # A form that is sent after the end of the session is saved.
    page.goto(f"{server.url}/owner/settings")
    page.get_by_label("Title of the blog").fill("Grand carnet")
    with app.app_context(), write_transaction(Changes.NOTHING) as session:
        session.execute(delete(OwnerSession))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.get_by_label("Name").fill("zoé martin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#status")).to_have_text("Your changes are saved.")
    expect(page.get_by_label("Title of the blog")).to_have_value("Grand carnet")
    # A lost password is replaced with a recovery code, which ends the sessions of other browsers.
    visitor.context.clear_cookies()
    page.goto(f"{server.url}/owner/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Recovery code").fill(codes[9])
    page.get_by_label("New password").fill("another pass phrase")
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.locator("#status")).to_contain_text("Your new password is saved.")
    expect(page.locator("#sessions > li")).to_have_count(1)
