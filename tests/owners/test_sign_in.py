"""Signing in and out: sessions in the database, limits in the database, one password checked at a time."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from blogapp import clock, create_app
from blogapp.db.transactions import write_transaction
from blogapp.owners import passwords
from blogapp.owners.attempts import PERIOD
from blogapp.owners.models import Owner, OwnerSession, SignInAttempts
from blogapp.owners.sessions import LIFETIME, SESSIONS_AT_MOST, browser_name
from tests.conftest import SECRET_KEY, dispose

PASSWORD = "correct horse battery"
LIMITED = pytest.mark.settings(RATELIMIT_ENABLED="on", TRUSTED_PROXIES="1")


@pytest.fixture(autouse=True)
def owner(runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Chloé Martin", "--password", PASSWORD])
    assert done.output == "Chloé Martin can sign in at /owner/sign-in.\n"


def sign_in(
    client: FlaskClient, password: str = PASSWORD, name: str = "Chloé Martin", address: str = "192.0.2.1", **form: str
) -> TestResponse:
    return client.post(
        "/owner/sign-in",
        data={"name": name, "password": password, **form},
        headers={"X-Forwarded-For": address},
    )


def is_signed_in(client: FlaskClient) -> bool:
    return "You are signed in as Chloé Martin." in client.get("/owner/sign-in").text


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("owner")
    assert cookie is not None
    return cookie.value


def test_signing_in_sets_a_cookie_and_signing_out_deletes_it(client: FlaskClient) -> None:
    assert "Sign in" in client.get("/owner/sign-in").text
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/")
    session_cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("owner="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(session_cookie.split("; "))
    assert is_signed_in(client)
    assert client.post("/owner/sign-out").status_code == 303
    assert client.get_cookie("owner") is None
    assert not is_signed_in(client)


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_over_https_the_session_cookie_has_the_host_prefix(client: FlaskClient) -> None:
    form = {"name": "Chloé Martin", "password": PASSWORD}
    answer = client.post("/owner/sign-in", data=form, headers={"X-Forwarded-Proto": "https"})
    cookies = answer.headers.getlist("Set-Cookie")
    assert [each.split("=")[0] for each in cookies] == ["__Host-owner", "__Secure-known-browser"]
    assert all({"Secure", "HttpOnly"} <= set(each.split("; ")) for each in cookies)
    # Only the sign-in page gets the second one, so that readers' pages stay the same after signing out.
    assert "Path=/owner/sign-in" in cookies[1]


def test_a_copied_cookie_is_worthless_after_sign_out(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    thief = app.test_client()
    thief.set_cookie("owner", cookie_of(client))
    assert is_signed_in(thief)
    client.post("/owner/sign-out")
    assert not is_signed_in(thief)


def test_the_database_stores_only_a_hash_of_the_cookie(client: FlaskClient, session: Session) -> None:
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


def test_a_session_ends_after_its_lifetime_and_its_row_is_deleted(
    app: Flask, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    later = clock.now() + LIFETIME
    monkeypatch.setattr(clock, "now", lambda: later)
    assert not is_signed_in(client)
    sign_in(app.test_client())
    assert session.scalar(select(func.count()).select_from(OwnerSession)) == 1


def test_an_owner_has_a_bounded_number_of_sessions(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blogapp.owners.sessions.SESSIONS_AT_MOST", 3)
    clients = [app.test_client() for _ in range(5)]
    for each in clients:
        sign_in(each)
    assert [is_signed_in(each) for each in clients] == [False, False, True, True, True]
    assert SESSIONS_AT_MOST == 20


def test_a_new_password_ends_all_sessions(app: Flask, runner: FlaskCliRunner) -> None:
    clients = [app.test_client() for _ in range(2)]
    for each in clients:
        sign_in(each)
    runner.invoke(args=["owner", "create", "--name", "chloé martin", "--password", "another good password"])
    assert [is_signed_in(each) for each in clients] == [False, False]


@pytest.mark.parametrize("value", ["eyJvd25lciI6MX0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", "a" * 43, "\0", ""])
def test_a_forged_cookie_signs_nobody_in(client: FlaskClient, value: str) -> None:
    client.set_cookie("owner", value)
    assert not is_signed_in(client)
    assert client.post("/owner/sign-out").status_code == 303


def test_reading_as_the_owner_writes_nothing(client: FlaskClient, session: Session) -> None:
    sign_in(client)
    before = [(row.id, row.expires_at) for row in session.scalars(select(OwnerSession))]
    client.get("/")
    assert [(row.id, row.expires_at) for row in session.scalars(select(OwnerSession))] == before


@pytest.mark.parametrize(
    "name", ["chloé martin", "CHLOÉ MARTIN", "Chloe\u0301 Martin", " Chloé  Martin ", "Chloé\u200b Martin"]
)
def test_the_name_is_compared_without_case_and_in_nfc(client: FlaskClient, name: str) -> None:
    assert sign_in(client, name=name).status_code == 303
    assert is_signed_in(client)


@pytest.mark.parametrize("typed", ["pässword twelve", "pa\u0308ssword twelve"])
def test_a_password_is_the_same_in_either_normal_form(client: FlaskClient, runner: FlaskCliRunner, typed: str) -> None:
    runner.invoke(args=["owner", "create", "--name", "Chloé Martin", "--password", "pässword twelve"])
    assert sign_in(client, password=typed).status_code == 303


def test_no_second_owner_differs_by_case_only(runner: FlaskCliRunner, session: Session) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "CHLOE\u0301 martin", "--password", "another password"])
    assert done.output == "Chloé Martin can sign in at /owner/sign-in.\n"
    assert session.scalars(select(Owner.name)).all() == ["Chloé Martin"]


@pytest.mark.parametrize("password", ["short", "x" * 1001])
def test_a_password_has_a_length_of_10_to_1000(runner: FlaskCliRunner, password: str) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Bob", "--password", password])
    assert done.exit_code == 1
    assert "at least 10 and at most 1000 characters" in done.output


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u0301", "x" * 61])
def test_an_owners_name_is_visible_and_not_too_long(runner: FlaskCliRunner, name: str) -> None:
    done = runner.invoke(args=["owner", "create", "--name", name, "--password", PASSWORD])
    assert done.exit_code == 1
    assert "1 to 60 visible characters" in done.output


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Chloé Martin", "wrong"),
        ("Nobody", PASSWORD),
        ("", ""),
        ("a\0", PASSWORD),
        ("Chloé Martin", "a\0b"),
        ("Chloé Martin", PASSWORD + "x" * 30_000),
        ("x" * 30_000, PASSWORD),
    ],
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(client: FlaskClient, name: str, password: str) -> None:
    answer = sign_in(client, password, name)
    assert answer.status_code == 422
    assert "Wrong name or password" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_an_unknown_name_is_checked_against_a_hash_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = passwords.check_password

    def note(password_hash: str, password: str) -> tuple[bool, str | None]:
        checked.append(password_hash)
        return verify(password_hash, password)

    monkeypatch.setattr("blogapp.owners.sign_in.check_password", note)
    for name in ("Chloé Martin", "Nobody"):
        sign_in(client, "wrong", name)
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_a_scrypt_hash_is_replaced_at_sign_in(app: Flask, client: FlaskClient, session: Session) -> None:
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Owner).values(password_hash=generate_password_hash(PASSWORD)))
    assert sign_in(client, "wrong").status_code == 422
    assert session.scalars(select(Owner.password_hash)).one().startswith("scrypt:")
    assert sign_in(client).status_code == 303
    assert session.scalars(select(Owner.password_hash)).one().startswith("$argon2id$v=19$m=32768,t=2,p=1$")
    assert is_signed_in(client)
    assert sign_in(app.test_client()).status_code == 303


@pytest.mark.parametrize(
    ("next_path", "location"),
    [
        ("/articles/birds?sort=newest", "/articles/birds?sort=newest"),
        ("", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("\\\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/elsewhere.example", "/"),
        ("/\n/elsewhere.example", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("articles/birds", "/"),
    ],
)
def test_next_leads_to_a_page_of_this_site_only(client: FlaskClient, next_path: str, location: str) -> None:
    assert sign_in(client, next=next_path).location == location


def test_next_is_kept_in_the_form(client: FlaskClient) -> None:
    field = '<input type="hidden" name="next" value="/articles/birds">'
    assert field in client.get("/owner/sign-in?next=/articles/birds").text
    assert field in sign_in(client, "wrong", next="/articles/birds").text
    assert 'name="next"' not in client.get("/owner/sign-in?next=//elsewhere.example").text


@pytest.mark.parametrize("prefix", ["", "/blog"])
def test_next_and_cookies_respect_a_prefix_of_the_site(client: FlaskClient, prefix: str) -> None:
    form = {"name": "Chloé Martin", "password": PASSWORD, "next": "/elsewhere"}
    answer = client.post("/owner/sign-in", data=form, environ_overrides={"SCRIPT_NAME": prefix})
    assert answer.location == ("/blog/" if prefix else "/elsewhere")
    assert f"Path={prefix}/owner/sign-in" in answer.headers.getlist("Set-Cookie")[1]


@LIMITED
def test_one_network_has_ten_attempts(client: FlaskClient) -> None:
    assert [sign_in(client, "wrong").status_code for _ in range(11)] == [422] * 10 + [429]
    answer = sign_in(client)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Too many attempts. Try again in 15 minutes" in answer.text
    assert 'value="Chloé Martin"' in answer.text
    assert sign_in(client, address="198.51.100.1").status_code == 303


@LIMITED
@pytest.mark.parametrize("name", ["Chloé Martin", "Nobody"])
def test_guesses_from_many_networks_share_the_attempts_of_the_account(app: Flask, name: str) -> None:
    statuses = [
        sign_in(app.test_client(), "wrong", name.swapcase() if number % 2 else name, f"10.0.{number}.1").status_code
        for number in range(40)
    ]
    assert Counter(statuses) == {422: 20, 429: 20}


@LIMITED
def test_a_browser_that_signed_in_before_is_not_locked_out(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    client.post("/owner/sign-out")
    for number in range(25):
        sign_in(app.test_client(), "wrong", address=f"10.0.{number}.1")
    for _ in range(11):
        sign_in(app.test_client(), "wrong", address="192.0.2.1")
    assert sign_in(app.test_client(), address="203.0.113.9").status_code == 429
    assert sign_in(client).status_code == 303


@LIMITED
def test_a_known_browser_has_attempts_of_its_own_and_for_its_owner_only(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    statuses = [sign_in(client, "wrong", address=f"10.0.{number}.1").status_code for number in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    statuses = [sign_in(client, "wrong", "Nobody", "198.51.100.1").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


@LIMITED
def test_a_forged_mark_of_a_known_browser_has_no_attempts_of_its_own(app: Flask) -> None:
    statuses = []
    for number in range(11):
        client = app.test_client()
        client.set_cookie("known-browser", f"WzEsIm{number}.aZ.bbb", path="/owner/sign-in")
        statuses.append(sign_in(client, "wrong").status_code)
    assert statuses == [422] * 10 + [429]


@LIMITED
def test_attempts_are_shared_by_processes_and_survive_a_restart(
    app: Flask, client: FlaskClient, database_url: str, tmp_path: Path
) -> None:
    for _ in range(9):
        sign_in(client, "wrong")
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "TRUSTED_PROXIES": "1"}
    other = create_app(environ, tmp_path / "other")
    assert [sign_in(other.test_client(), "wrong").status_code for _ in range(2)] == [422, 429]
    dispose(other)
    assert sign_in(client, "wrong").status_code == 429


@LIMITED
def test_attempts_at_the_same_moment_are_all_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(lambda _: sign_in(app.test_client(), "wrong").status_code, range(40)))
    assert statuses[422] + statuses[503] <= 10
    assert statuses[429] >= 30


@LIMITED
def test_attempts_are_forgotten_after_a_while(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 6, 10, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    for _ in range(11):
        sign_in(client, "wrong")
    monkeypatch.setattr(clock, "now", lambda: now + PERIOD)
    assert sign_in(client, "wrong").status_code == 422
    assert sorted(row.attempts for row in session.scalars(select(SignInAttempts))) == [1, 1]
    # A clock that was years ahead for a moment does not lock anybody out.
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=3000))
    for _ in range(11):
        sign_in(client, "wrong")
    monkeypatch.setattr(clock, "now", lambda: now + 2 * PERIOD)
    assert sign_in(client).status_code == 303


@LIMITED
def test_no_address_and_no_name_is_stored(client: FlaskClient, session: Session) -> None:
    sign_in(client, "wrong", "Nobody", "203.0.113.77")
    for row in session.scalars(select(SignInAttempts)):
        assert len(row.key) == 16
        assert b"203" not in row.key


def test_a_sign_in_beyond_those_that_wait_is_answered_at_once(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "GATE", passwords.Gate(waiting=0, seconds=30))
    with passwords.GATE.enter():
        answer = sign_in(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "The server is busy" in answer.text
    assert 'value="Chloé Martin"' in answer.text
    assert sign_in(client).status_code == 303


def test_one_who_waits_too_long_at_the_gate_is_turned_away() -> None:
    gate = passwords.Gate(waiting=1, seconds=0.01)
    with gate.enter(), pytest.raises(passwords.Busy), gate.enter():
        pass
    with gate.enter():
        pass


def test_the_gate_lets_one_thread_in_at_a_time() -> None:
    gate = passwords.Gate(waiting=20, seconds=30)
    inside, most = 0, 0
    lock = threading.Lock()

    def enter(_: int) -> None:
        nonlocal inside, most
        with gate.enter():
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enter, range(200)))
    assert most == 1


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
def test_a_session_has_the_short_name_of_its_browser(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
