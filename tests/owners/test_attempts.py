"""Limits for sign-in attempts, counted in the database per network, account and known browser."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock, create_app
from blogapp.owners.attempts import PERIOD
from blogapp.owners.models import SignInAttempts
from tests.conftest import SECRET_KEY, dispose
from tests.owners.conftest import sign_in

pytestmark = pytest.mark.settings(RATELIMIT_ENABLED="on", TRUSTED_PROXIES="1")


def test_one_network_has_ten_attempts(client: FlaskClient) -> None:
    assert [sign_in(client, "wrong").status_code for _ in range(11)] == [422] * 10 + [429]
    answer = sign_in(client)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Too many attempts to sign in, from your network or to this account. Try again in 15 minutes" in answer.text
    assert 'value="Chloé Martin"' in answer.text
    assert sign_in(client, address="198.51.100.1").status_code == 303


@pytest.mark.parametrize("name", ["Chloé Martin", "Nobody"])
def test_guesses_from_many_networks_share_the_attempts_of_the_account(app: Flask, name: str) -> None:
    statuses = [
        sign_in(app.test_client(), "wrong", name.swapcase() if number % 2 else name, f"10.0.{number}.1").status_code
        for number in range(24)
    ]
    assert Counter(statuses) == {422: 20, 429: 4}


def test_browser_that_signed_in_before_is_not_locked_out(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    client.post("/owner/sign-out")
    for number in range(20):
        sign_in(app.test_client(), "wrong", address=f"10.0.{number}.1")
    for _ in range(11):
        sign_in(app.test_client(), "wrong", address="192.0.2.1")
    assert sign_in(app.test_client(), address="203.0.113.9").status_code == 429
    assert sign_in(client).status_code == 303


def test_known_browser_has_a_separate_limit_for_its_owner_only(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    statuses = [sign_in(client, "wrong", address=f"10.0.{number}.1").status_code for number in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    statuses = [sign_in(client, "wrong", "Nobody", "198.51.100.1").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_forged_cookie_of_a_known_browser_has_no_separate_limit(app: Flask) -> None:
    statuses = []
    for number in range(11):
        client = app.test_client()
        client.set_cookie("known-browser", f"WzEsIm{number}.aZ.bbb", path="/owner/sign-in")
        statuses.append(sign_in(client, "wrong").status_code)
    assert statuses == [422] * 10 + [429]


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


def test_concurrent_attempts_are_all_counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(lambda _: sign_in(app.test_client(), "wrong").status_code, range(40)))
    assert statuses[422] + statuses[503] <= 10
    assert statuses[429] >= 30


def test_attempts_expire_after_the_period(
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


def test_no_address_and_no_name_is_stored(client: FlaskClient, session: Session) -> None:
    sign_in(client, "wrong", "Nobody", "203.0.113.77")
    for row in session.scalars(select(SignInAttempts)):
        assert len(row.key) == 16
        assert b"203" not in row.key
