"""The owner's page "Health of this blog": the checks of `flask doctor`, and what arrived with the request."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.db import faults
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password
from blogapp.pages.doctor import CAUSES
from blogapp.settings import LOCALES
from blogapp.site.settings import change_site

NAME, PASSWORD = "Chloé Martin", "correct horse battery"
PAGE = "/owner/doctor"
READER = "203.0.113.7"
HTTPS = {"SITE_URL": "https://example.org", "TRUSTED_PROXIES": "1"}


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    with app.app_context(), write_transaction() as session:
        save_owner(session, NAME, hash_password(PASSWORD))
    client = app.test_client()
    assert (
        client.post("/owner/sign-in", data={"name": NAME, "password": PASSWORD}, base_url=base(app)).status_code == 303
    )
    return client


def base(app: Flask) -> str:
    site_url: str = app.extensions["storage_settings"].site_url
    return site_url or "http://localhost"


def page_of(owner: FlaskClient, **fields: str) -> str:
    """The page as text, with the fields of proxies and, as `address`, where the connection comes from."""
    environ = {"REMOTE_ADDR": fields.pop("address", "127.0.0.1")}
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    answer = owner.get(PAGE, headers=headers, environ_overrides=environ, base_url=base(owner.application))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    return " ".join(re.sub("<[^>]+>", " ", answer.text).split())


def test_page_is_for_owners_only_and_linked_from_the_settings(client: FlaskClient, owner: FlaskClient) -> None:
    assert client.get(PAGE).location == f"/owner/sign-in?next={PAGE}"
    assert f'href="{PAGE}"' in owner.get("/owner/settings").text


def test_page_has_the_checks_of_the_command_and_says_what_arrived(owner: FlaskClient) -> None:
    page = page_of(owner)
    # The disk of the tests may be in memory.
    for each in ("Database", "Schema", "Clock", "Backups", "Proxies", "Secret key", "File rights"):
        assert f"{each} (fine)" in page
    assert re.search(r"Storage \((fine|wrong)\)", page)
    assert "Your address 127.0.0.1 Scheme http Host localhost" in page


def test_field_of_a_proxy_without_trusted_proxies_is_wrong(owner: FlaskClient) -> None:
    for name in ("X_Forwarded_For", "Forwarded", "X_Forwarded_Proto"):
        page = page_of(owner, **{name: READER})
        assert f"A proxy has sent {name.replace('_', '-')}, but TRUSTED_PROXIES is 0" in page
        assert "Everything that was checked is fine." not in page
        assert "Your address 127.0.0.1" in page


@pytest.mark.settings(**HTTPS)
def test_trusted_proxy_that_sends_all_fields_is_fine(owner: FlaskClient) -> None:
    page = page_of(owner, X_Forwarded_For=READER, X_Forwarded_Proto="https", X_Forwarded_Host="example.org")
    assert "TRUSTED_PROXIES fits what arrived with this request." in page
    assert f"Your address {READER} Scheme https Host example.org" in page


@pytest.mark.settings(SITE_URL="https://example.org", TRUSTED_PROXIES="2")
def test_fewer_addresses_than_proxies_are_wrong(owner: FlaskClient) -> None:
    page = page_of(owner, X_Forwarded_For=READER, X_Forwarded_Proto="https, https")
    assert "TRUSTED_PROXIES is 2, but the number of addresses in X-Forwarded-For is 1." in page


@pytest.mark.settings(**HTTPS)
@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "fd00::1", "::ffff:192.168.1.2", "unknown"])
def test_local_address_behind_a_proxy_is_wrong(owner: FlaskClient, address: str) -> None:
    page = page_of(owner, X_Forwarded_For=address, X_Forwarded_Proto="https")
    assert "This is not a public address" in page


@pytest.mark.settings(**HTTPS)
def test_http_although_site_url_has_https_is_wrong(owner: FlaskClient) -> None:
    answer = owner.get(
        PAGE,
        headers={"X-Forwarded-For": READER},
        base_url=base(owner.application),
        environ_overrides={"wsgi.url_scheme": "http"},
    )
    assert "The request arrived with http, but SITE_URL begins with https." in answer.text


@pytest.mark.parametrize("locale", [each for each in LOCALES if each != "en"])
def test_page_is_in_the_language_of_the_site(app: Flask, owner: FlaskClient, locale: str) -> None:
    with app.app_context(), write_transaction() as session:
        change_site(session, {"locale": locale})
    page = page_of(owner, X_Forwarded_For=READER)
    for english in ("fine", "database", "clock", "latest", "address", "wrong"):
        assert english not in page


def test_causes_of_a_database_that_cannot_be_written_have_translations() -> None:
    unwritable = {
        each.cause
        for each in vars(faults).values()
        if isinstance(each, faults.Fault) and each.kind == faults.UNWRITABLE
    }
    assert unwritable == set(CAUSES)
