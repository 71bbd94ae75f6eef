"""Owner sessions: their rows in the database, their cookies, and when they end."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.owners.models import OwnerSession
from blogapp.owners.sessions import LIFETIME, SESSIONS_AT_MOST, browser_name
from tests.owners.conftest import PASSWORD, cookie_of, is_signed_in, sign_in


def test_signing_in_sets_a_cookie_and_signing_out_deletes_it(client: FlaskClient) -> None:
    assert "Sign in" in client.get("/owner/sign-in").text
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/owner")
    session_cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("owner="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(session_cookie.split("; "))
    assert is_signed_in(client)
    assert client.post("/owner/sign-out").status_code == 303
    assert client.get_cookie("owner") is None
    assert not is_signed_in(client)


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_session_cookie_over_https_has_the_host_prefix(client: FlaskClient) -> None:
    form = {"name": "Chloé Martin", "password": PASSWORD}
    answer = client.post("/owner/sign-in", data=form, headers={"X-Forwarded-Proto": "https"})
    cookies = answer.headers.getlist("Set-Cookie")
    assert [each.split("=")[0] for each in cookies] == ["__Host-owner", "__Secure-known-browser"]
    assert all({"Secure", "HttpOnly"} <= set(each.split("; ")) for each in cookies)
    # The second one is sent to every page, for forms that sign in at their own address (test_access.py).
    assert all("Path=/" in each.split("; ") for each in cookies)


def test_sign_out_ends_the_session_of_a_copied_cookie(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    copy = app.test_client()
    copy.set_cookie("owner", cookie_of(client))
    assert is_signed_in(copy)
    client.post("/owner/sign-out")
    assert not is_signed_in(copy)


def test_database_stores_only_a_hash_of_the_cookie(client: FlaskClient, session: Session) -> None:
    sign_in(client)
    row = session.scalars(select(OwnerSession)).one()
    assert len(row.token_hash) == 32
    assert cookie_of(client).encode() not in row.token_hash


def test_signing_in_again_replaces_the_session(app: Flask, client: FlaskClient, session: Session) -> None:
    sign_in(client)
    old = cookie_of(client)
    sign_in(client)
    assert cookie_of(client) != old
    assert session.scalar(select(func.count()).select_from(OwnerSession)) == 1


def test_session_ends_after_its_lifetime_and_its_row_is_deleted(
    app: Flask, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    later = clock.now() + LIFETIME
    monkeypatch.setattr(clock, "now", lambda: later)
    assert not is_signed_in(client)
    sign_in(app.test_client())
    assert session.scalar(select(func.count()).select_from(OwnerSession)) == 1


def test_owner_has_a_bounded_number_of_sessions(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blogapp.owners.sessions.SESSIONS_AT_MOST", 3)
    clients = [app.test_client() for _ in range(5)]
    for each in clients:
        sign_in(each)
    assert [is_signed_in(each) for each in clients] == [False, False, True, True, True]
    assert SESSIONS_AT_MOST == 20


def test_new_password_ends_all_sessions(app: Flask, runner: FlaskCliRunner) -> None:
    clients = [app.test_client() for _ in range(2)]
    for each in clients:
        sign_in(each)
    runner.invoke(args=["owner", "create", "--name", "chloé martin", "--password", "another good password"])
    assert [is_signed_in(each) for each in clients] == [False, False]


def test_forged_cookie_signs_nobody_in(client: FlaskClient) -> None:
    for value in ("eyJvd25lciI6MX0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "a" * 43, "\0", ""):
        client.set_cookie("owner", value)
        assert not is_signed_in(client)
        assert client.post("/owner/sign-out").status_code == 303


def test_reading_as_the_owner_writes_nothing(client: FlaskClient, session: Session) -> None:
    sign_in(client)
    before = [(row.id, row.expires_at) for row in session.scalars(select(OwnerSession))]
    client.get("/")
    assert [(row.id, row.expires_at) for row in session.scalars(select(OwnerSession))] == before


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
            "Safari/537.36 Edg/140.0.0.0",
            "Edge, Windows",
        ),
        ("curl/8.11.0", "curl"),
        ("\0" * 5, ""),
        ("x" * 500, "x" * 40),
    ],
)
def test_session_has_the_short_name_of_its_browser(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
