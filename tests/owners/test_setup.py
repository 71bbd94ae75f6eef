"""The first setup in a browser: where it leads, the setup code, and that it is done only once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import Owner, RecoveryCode
from blogapp.owners.setup_routes import start_notice
from blogapp.site.models import SiteSetting
from blogapp.site.setup import derived_code
from tests.conftest import SECRET_KEY, Browser, dispose
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
CODE = derived_code(SECRET_KEY)
PASSWORD = "a long pass phrase"
FORM = {
    "setup_code": CODE,
    "name": "Zoé",
    "password": PASSWORD,
    "site_title": "Le carnet",
    "lang": "fr",
    "time_zone": "Europe/Paris",
}


@pytest.fixture
def owner() -> None:
    """No owner for the tests here: override the fixture of the package."""


@pytest.fixture(autouse=True)
def is_open(app: Flask) -> None:
    """The database of the tests is marked as set up. Remove the mark."""
    with app.app_context(), write_transaction() as session:
        session.execute(delete(SiteSetting))


@pytest.fixture
def others(database_url: str, tmp_path: Path) -> Iterator[list[Flask]]:
    """More processes with the same database."""
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "RATELIMIT_ENABLED": "off"}
    apps = [create_app(environ, tmp_path / f"other-{number}") for number in range(2)]
    for each in apps:
        each.test_client_class = Browser
    yield apps
    for each in apps:
        dispose(each)


def owner_names(session: Session) -> list[str]:
    return list(session.scalars(select(Owner.name)))


@pytest.mark.parametrize("address", ["/", "/articles/none", "/privacy", "/nowhere", "/owner", "/owner/sign-in"])
def test_empty_blog_leads_to_the_setup(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.location) == (302, "/owner/setup")
    assert "no-store" in answer.headers["Cache-Control"]


def test_health_checks_and_files_do_not_lead_to_the_setup(client: FlaskClient) -> None:
    page = client.get("/owner/setup")
    assert page.status_code == 200
    assert page.headers["X-Robots-Tag"] == "noindex"
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(addresses) == 3
    for address in ("/readyz", "/healthz", *addresses):
        assert client.get(address).status_code == 200


@pytest.mark.settings(METRICS_TOKEN="a token for tests, and for nothing else")
def test_metrics_do_not_lead_to_the_setup(client: FlaskClient) -> None:
    token = {"Authorization": "Bearer a token for tests, and for nothing else"}
    assert client.get("/metrics", headers=token).status_code == 200
    assert client.get("/metrics").status_code == 401


def test_blog_with_articles_is_served_and_links_to_the_setup(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds")
    for address in ("/", "/articles/birds"):
        page = client.get(address)
        assert page.status_code == 200
        assert 'href="/owner/setup"' in page.text
    client.post("/owner/setup", data=FORM)
    for address in ("/", "/articles/birds"):
        assert 'href="/owner/setup"' not in client.application.test_client().get(address).text


def test_setup_creates_the_owner_and_the_settings_and_signs_in(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    answer = client.post("/owner/setup", data=FORM)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    codes = re.findall(r"<code>([a-z2-9-]+)</code>", answer.text)
    assert len(set(codes)) == 10
    assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 10
    assert owner_names(session) == ["Zoé"]
    assert {row.name: row.value for row in session.scalars(select(SiteSetting))} | {
        "setup_done_at": "",
        "feed_id": "",
    } == {
        "feed_id": "",
        "title": "Le carnet",
        "locale": "fr",
        "time_zone": "Europe/Paris",
        "setup_done_at": "",
    }
    assert client.get("/owner").status_code == 200
    reader = app.test_client().get("/")
    assert reader.status_code == 200
    assert '<html lang="fr"' in reader.text
    assert "Le carnet</a>" in reader.text
    assert sign_in(app.test_client(), PASSWORD, "zoé").status_code == 303


@pytest.mark.parametrize("code", [CODE.lower(), CODE.replace("-", ""), f" {CODE.replace('-', ' ')} "])
def test_code_may_be_typed_in_any_case_and_without_hyphens(client: FlaskClient, code: str) -> None:
    assert client.post("/owner/setup", data={**FORM, "setup_code": code}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("setup_code", ""),
        ("setup_code", "AAAA-AAAA-AAAA"),
        ("setup_code", "\0é"),
        ("name", " "),
        ("name", "x" * 61),
        ("password", "short"),
        ("site_title", ""),
        ("lang", "xx"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_wrong_field_is_shown_again_and_nothing_is_stored(
    client: FlaskClient, session: Session, field: str, value: str
) -> None:
    answer = client.post("/owner/setup", data={**FORM, field: value})
    assert answer.status_code == 422
    assert re.findall(r'data-error-for="(\w+)"', answer.text) == [field]
    assert PASSWORD not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert owner_names(session) == []
    assert session.scalars(select(SiteSetting.name)).all() == []


def test_first_wrong_field_is_focused(client: FlaskClient) -> None:
    page = client.post("/owner/setup", data={"setup_code": CODE}).text
    assert re.findall(r'<input[^>]* name="(\w+)"[^>]* autofocus', page) == ["name"]


def test_setup_stays_closed_even_without_an_owner(client: FlaskClient, app: Flask, session: Session) -> None:
    client.post("/owner/setup", data=FORM)
    with app.app_context(), write_transaction() as writing:
        writing.execute(delete(Owner))
    other = app.test_client()
    assert other.get("/owner/setup").location == "/owner/sign-in"
    answer = other.post("/owner/setup", data=FORM)
    assert answer.status_code == 409
    assert "Set-Cookie" not in answer.headers
    assert owner_names(session) == []
    assert other.get("/").status_code == 200


def test_creating_an_owner_by_command_closes_the_setup(client: FlaskClient, runner: FlaskCliRunner) -> None:
    runner.invoke(args=["owner", "create", "--name", "Ada", "--password", PASSWORD])
    assert client.get("/").status_code == 200
    assert client.post("/owner/setup", data=FORM).status_code == 409


def test_of_two_setups_at_the_same_time_one_succeeds(app: Flask, others: list[Flask], session: Session) -> None:
    clients = [each.test_client() for each in (app, *others)]
    forms = [{**FORM, "name": f"Owner {number}"} for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda client, form: client.post("/owner/setup", data=form), clients, forms))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert [answer.status_code for answer in answers].index(200) == int(owner_names(session)[0][-1])
    assert len(owner_names(session)) == 1
    assert [each.get("/").status_code for each in clients] == [200, 200, 200]


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_wrong_codes_are_limited(client: FlaskClient, session: Session) -> None:
    wrong = {**FORM, "setup_code": "AAAA-AAAA-AAAA"}
    assert [client.post("/owner/setup", data=wrong).status_code for _ in range(12)] == [422] * 10 + [429] * 2
    answer = client.post("/owner/setup", data=FORM)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert owner_names(session) == []


@pytest.mark.settings(SETUP_CODE="my own setup code", SITE_TITLE="Fixed", SITE_LOCALE="he")
def test_host_can_set_the_code_and_the_title(client: FlaskClient) -> None:
    page = client.get("/owner/setup").text
    assert '<html lang="he"' in page
    assert 'name="site_title"' not in page
    assert client.post("/owner/setup", data=FORM).status_code == 422
    assert client.post("/owner/setup", data={**FORM, "setup_code": "My own SETUP code"}).status_code == 200
    assert "Fixed</a>" in client.get("/").text


def test_form_is_in_the_language_of_the_browser(client: FlaskClient) -> None:
    page = client.get("/owner/setup", headers={"Accept-Language": "fr-CA, en;q=0.5"}).text
    assert '<html lang="fr"' in page
    assert re.search(r'<option value="fr" selected', page)
    assert '<html lang="en"' in client.get("/owner/setup", headers={"Accept-Language": "de"}).text


def test_address_with_the_code_fills_in_the_field(client: FlaskClient) -> None:
    assert f'value="{CODE}"' in client.get(f"/owner/setup?setup_code={CODE}").text


def test_starting_server_prints_the_address_until_the_setup_is_done(app: Flask, client: FlaskClient) -> None:
    line = start_notice(app, "http://127.0.0.1:8000")
    assert line == f"Set up the blog at http://127.0.0.1:8000/owner/setup?setup_code={CODE}"
    client.post("/owner/setup", data=FORM)
    assert start_notice(app, "http://127.0.0.1:8000") == ""


@pytest.mark.settings(SETUP_CODE="my own setup code")
def test_code_of_the_host_is_not_printed(app: Flask) -> None:
    line = start_notice(app, "https://blog.example.org")
    assert line == "Set up the blog at https://blog.example.org/owner/setup with the code in SETUP_CODE."


def test_cross_site_setup_is_refused(client: FlaskClient) -> None:
    assert client.post("/owner/setup", data=FORM, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_title_of_a_refused_setup_begins_with_error(app: Flask) -> None:
    client = app.test_client()
    english = {"Accept-Language": "en"}
    for fields in ({}, {**FORM, "setup_code": "wrong"}, {**FORM, "password": "short"}):
        assert "<title>Error: Set up this blog" in client.post("/owner/setup", data=fields, headers=english).text, (
            fields
        )
    assert "<title>Set up this blog" in client.get("/owner/setup", headers=english).text
