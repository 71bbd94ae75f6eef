"""Passkeys in Chromium, with its virtual authenticator: a device that always recognizes its owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from blogapp import create_app
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import OwnerSession
from tests.browser.conftest import Visit, assert_accessible
from tests.browser.test_owner import set_up
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

Visits = Callable[..., Visit]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


class Device:
    """Chromium's virtual authenticator for one page."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self._id = {"authenticatorId": added["authenticatorId"]}

    def recognize(self, is_owner: bool) -> None:
        self._session.send("WebAuthn.setUserVerified", {**self._id, "isUserVerified": is_owner})

    def forget(self) -> None:
        self._session.send("WebAuthn.clearCredentials", self._id)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server whose setup is open, at the name of its host: browsers allow no passkeys at an IP address."""
    server = Server(tmp_path / "server", BLOGAPP_TEST_SETUP="1")
    server.url = server.url.replace("127.0.0.1", "localhost")
    yield server
    server.stop()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.locator(".owner-bar")).to_have_count(0)


def test_passkey_is_added_signs_in_and_is_removed(visit: Visits, server: Server) -> None:
    visitor = visit()
    visitor.allow("status of 422")
    page = visitor.page
    device = Device(page)
    codes = set_up(page, server)
    page.get_by_role("button", name="Add a passkey").click()
    section = page.locator("#passkeys")
    expect(section.get_by_role("status")).to_have_text("The passkey is saved. You can sign in with it now.")
    expect(section.get_by_text("Chrome, Linux")).to_be_visible()
    expect(section.get_by_role("status")).to_be_focused()
    assert page.locator(".recovery-codes code").all_inner_texts() == codes
    assert_accessible(page)

    page.get_by_role("button", name="Add a passkey").click()  # the same device again
    expect(section.locator(".form-failure:not(:empty)")).to_contain_text("already has a passkey")
    assert_accessible(page)

    sign_out(page)
    page.goto(f"{server.url}/owner/sign-in?next=/owner/security")
    device.recognize(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(".form-failure")).to_contain_text("No passkey was used.")
    assert_accessible(page)
    device.recognize(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{server.url}/owner/security")
    expect(section.get_by_text("Last used:")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("button", name="Remove the passkey Chrome, Linux").click()
    expect(section.get_by_role("status")).to_have_text("The passkey has been removed.")
    expect(section.get_by_role("listitem")).to_have_count(0)
    sign_out(page)
    page.goto(f"{server.url}/owner/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey was not accepted.")


def owner_with_passkey(visit: Visits, server: Server) -> Page:
    """The page of the owner's account, after a passkey was added."""
    visitor = visit()
    visitor.allow("status of 401")
    page = visitor.page
    Device(page)
    set_up(page, server)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#passkeys").get_by_role("listitem")).to_have_count(1)
    return page


def end_sessions(server: Server) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY}, server.folder)
    with app.app_context(), write_transaction(Changes.NOTHING) as session:
        session.execute(delete(OwnerSession))
    dispose(app)


def test_ended_session_is_renewed_with_a_passkey(visit: Visits, server: Server) -> None:
    page = owner_with_passkey(visit, server)
    page.get_by_role("button", name="Remove the passkey").focus()
    end_sessions(server)
    page.keyboard.press("Enter")
    form = page.locator("#sign-in-again form")
    expect(form).to_contain_text("Your session has ended.")
    assert_accessible(page)
    form.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#sign-in-again")).to_contain_text("You are signed in as Zoé Martin.")
    # The removal was carried out.
    expect(page.locator("#passkeys").get_by_role("status")).to_have_text("The passkey has been removed.")


def test_editor_asks_to_sign_in_again_with_a_passkey(visit: Visits, server: Server) -> None:
    page = owner_with_passkey(visit, server)
    page.goto(f"{server.url}/owner/articles/new")
    end_sessions(server)
    page.locator("#owner-body").fill("They sing")
    page.locator("#sign-in-again").get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#owner-saved")).to_have_text(re.compile("^Saved"))
    expect(page.locator("#owner-body")).to_be_focused()
