"""The security page: sessions, the password and the recovery codes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.owners.models import OwnerSession, RecoveryCode
from tests.conftest import locked
from tests.owners.conftest import PASSWORD, cookie_of, is_signed_in, sign_in

HTMX = {"HX-Request": "true"}


@pytest.fixture
def second(app: Flask, client: FlaskClient) -> FlaskClient:
    """Another browser, curl, in which the owner is signed in as in `client`."""
    sign_in(client)
    second = app.test_client()
    second.environ_base["HTTP_USER_AGENT"] = "curl/8.11.0"
    sign_in(second)
    return second


def revocations(page: str) -> list[str]:
    return re.findall(r'action="(/owner/security/sessions/\d+/revocation)"', page)


def test_sessions_are_listed_and_this_one_is_marked(client: FlaskClient, second: FlaskClient) -> None:
    page = client.get("/owner/security").text
    assert re.findall(r"<bdi>([^<]*)</bdi>(?: <strong>(.*?)</strong>)?</p>", page) == [
        ("curl", ""),
        ("Firefox, Linux", "(this browser)"),
    ]
    assert page.count("Last used:") == 2
    assert len(revocations(page)) == 1


@pytest.mark.settings(SITE_TIME_ZONE="Asia/Tokyo")
def test_times_of_sessions_are_on_the_clocks_of_the_site(client: FlaskClient, second: FlaskClient) -> None:
    page = client.get("/owner/security").text
    times = re.findall(r'<time datetime="([^"]+)">[^<]*(\d\d):\d\d</time>', page)
    assert times
    assert [(datetime.fromisoformat(utc).hour + 9) % 24 for utc, _ in times] == [int(hour) for _, hour in times]


def test_passwords_are_not_kept_and_the_sign_in_page_says_so(client: FlaskClient) -> None:
    answer = client.post("/owner/security/password", data={"present_password": "a secret", "password": "a new secret"})
    assert answer.status_code == 401
    assert "Passwords cannot be kept here." in answer.text
    assert "what you sent will be saved" not in answer.text
    assert "secret" not in answer.text
    again = client.post("/owner/settings", data={"site_title": "Birds", "sign_in_password": "wrong"})
    assert "what you sent will be saved" in again.text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_session_can_be_ended(client: FlaskClient, second: FlaskClient, headers: dict[str, str]) -> None:
    (address,) = revocations(client.get("/owner/security").text)
    answer = client.post(address, headers=headers)
    if headers:
        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert "curl" not in answer.text
    else:
        assert answer.location == "/owner/security?notice=session"
    assert not is_signed_in(second)
    assert is_signed_in(client)


def test_session_of_another_owner_cannot_be_ended(
    app: Flask, client: FlaskClient, second: FlaskClient, runner: FlaskCliRunner
) -> None:
    (address,) = revocations(client.get("/owner/security").text)
    runner.invoke(args=["owner", "create", "--name", "Zoé", "--password", PASSWORD])
    zoe = app.test_client()
    sign_in(zoe, name="Zoé")
    assert "curl" not in zoe.get("/owner/security").text
    zoe.post(address)
    assert is_signed_in(second)


def test_sign_out_everywhere(client: FlaskClient, second: FlaskClient, session: Session) -> None:
    answer = client.post("/owner/security/sessions/revocation")
    assert (answer.status_code, answer.location) == (303, "/owner/sign-in")
    assert client.get_cookie("owner") is None
    assert not is_signed_in(second)
    assert session.scalar(select(func.count()).select_from(OwnerSession)) == 0


def test_password_can_be_changed_and_other_browsers_are_signed_out(
    app: Flask, client: FlaskClient, second: FlaskClient
) -> None:
    before = cookie_of(client)
    form = {"present_password": PASSWORD, "password": "another pass phrase"}
    assert client.post("/owner/security/password", data=form).location == "/owner/security?notice=password"
    assert cookie_of(client) != before
    assert is_signed_in(client)
    assert not is_signed_in(second)
    assert sign_in(app.test_client(), "another pass phrase").status_code == 303


@pytest.mark.parametrize(
    ("present", "new", "field"), [("wrong", "another pass phrase", "present_password"), (PASSWORD, "short", "password")]
)
def test_wrong_or_short_password_changes_nothing(client: FlaskClient, present: str, new: str, field: str) -> None:
    sign_in(client)
    answer = client.post("/owner/security/password", data={"present_password": present, "password": new})
    assert answer.status_code == 422
    assert re.findall(r'data-error-for="(\w+)"', answer.text) == [field]
    assert "another pass phrase" not in answer.text
    assert sign_in(client).status_code == 303


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_guesses_of_the_present_password_are_limited(client: FlaskClient) -> None:
    sign_in(client)
    form = {"present_password": "wrong", "password": "another pass phrase"}
    codes = [client.post("/owner/security/password", data=form).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_new_recovery_codes_replace_the_old_ones(client: FlaskClient, session: Session) -> None:
    sign_in(client)
    assert "You have 0 unused recovery codes" in client.get("/owner/security").text
    form = {"present_password": PASSWORD}
    pages = [client.post("/owner/security/recovery-codes", data=form).text for _ in range(2)]
    first, second = (set(re.findall(r"<code>([a-z2-9-]+)</code>", page)) for page in pages)
    assert len(first | second) == 20
    assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 10
    assert "You have 10 unused recovery codes" in client.get("/owner/security").text


@pytest.mark.parametrize("fields", [{}, {"present_password": "wrong"}])
def test_recovery_codes_need_the_present_password(
    client: FlaskClient, session: Session, fields: dict[str, str]
) -> None:
    """Each code replaces the password, so a stolen session must not get any."""
    sign_in(client)
    answer = client.post("/owner/security/recovery-codes", data=fields)
    assert answer.status_code == 422
    assert 'id="codes-error"' in answer.text
    assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 0


def test_last_use_is_recorded_once_an_hour(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    begin = clock.now()

    def last_seen(minutes: int) -> timedelta:
        moment = begin + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: moment)
        assert client.get("/owner").status_code == 200
        seen = session.scalars(select(OwnerSession.last_seen_at)).one()
        assert seen is not None
        return seen - begin

    assert last_seen(59) < timedelta(minutes=1)
    assert last_seen(61) == timedelta(minutes=61)
    assert last_seen(100) == timedelta(minutes=61)


def test_page_is_shown_if_the_last_use_cannot_be_recorded(
    client: FlaskClient, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    with locked(database_url, "owner_sessions", "EXCLUSIVE"):
        assert client.get("/owner").status_code == 200


def test_forged_posts_change_nothing(client: FlaskClient, second: FlaskClient) -> None:
    (address,) = revocations(client.get("/owner/security").text)
    for path in (address, "/owner/security/sessions/revocation", "/owner/security/recovery-codes", "/owner/sign-out"):
        assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post(path, headers={"Origin": "null"}).status_code == 403
    assert is_signed_in(client)
    assert is_signed_in(second)
