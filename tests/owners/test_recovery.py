"""A lost password: recovery codes, RESET_CODE and the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import create_app
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import find_owner
from blogapp.owners.models import RecoveryCode
from blogapp.owners.recovery import new_recovery_codes
from tests.conftest import SECRET_KEY, Browser, dispose
from tests.owners.conftest import NAME, PASSWORD, is_signed_in, sign_in

NEW = "another pass phrase"
RESET = "reset-me-please-1"


@pytest.fixture
def codes(app: Flask) -> list[str]:
    """The recovery codes of Chloé Martin."""
    with app.app_context(), write_transaction(Changes.NOTHING) as session:
        owner = find_owner(session, NAME)
        assert owner is not None
        return new_recovery_codes(session, owner.id)


@pytest.fixture
def other(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """Another process with the same database and another RESET_CODE."""
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "RATELIMIT_ENABLED": "off"}
    other = create_app({**environ, "RESET_CODE": "another-reset-code"}, tmp_path / "other")
    other.test_client_class = Browser
    yield other
    dispose(other)


def recover(client: FlaskClient, code: str, password: str = NEW, name: str = "") -> TestResponse:
    return client.post("/owner/recovery", data={"reset_code": code, "password": password, "name": name})


def test_code_sets_a_new_password_once_and_ends_other_sessions(
    app: Flask, client: FlaskClient, codes: list[str], session: Session
) -> None:
    thief = app.test_client()
    sign_in(thief)
    answer = recover(client, codes[3])
    assert (answer.status_code, answer.location) == (303, "/owner/security?notice=password")
    assert "Your new password is saved." in client.get(answer.location).text
    assert is_signed_in(client)
    assert not is_signed_in(thief)
    assert sign_in(app.test_client(), PASSWORD).status_code == 422
    assert sign_in(app.test_client(), NEW).status_code == 303
    assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 9
    again = recover(app.test_client(), codes[3], "a third pass phrase")
    assert again.status_code == 422
    assert "This code is wrong or was used before." in again.text
    assert codes[3] not in again.text
    assert recover(app.test_client(), codes[4]).status_code == 303


def test_code_may_be_typed_in_any_case_and_without_hyphens(client: FlaskClient, codes: list[str]) -> None:
    assert recover(client, f" {codes[0].upper().replace('-', ' ')}").status_code == 303
    assert recover(client, codes[1].replace("-", "")).status_code == 303


@pytest.mark.parametrize("code", ["", "aaaa-aaaa-aaaa-aaaa", "\0", "é" * 2000])
def test_wrong_code_changes_nothing(client: FlaskClient, codes: list[str], code: str) -> None:
    answer = recover(client, code)
    assert answer.status_code == 422
    assert 'data-error-for="reset_code"' in answer.text
    assert "Set-Cookie" not in answer.headers
    assert sign_in(client).status_code == 303


def test_short_password_does_not_use_the_code(client: FlaskClient, codes: list[str]) -> None:
    answer = recover(client, codes[0], "short")
    assert answer.status_code == 422
    assert re.findall(r'data-error-for="(\w+)"', answer.text) == ["password"]
    assert recover(client, codes[0]).status_code == 303


def test_database_has_only_hashes_of_codes(codes: list[str], session: Session) -> None:
    stored = session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(stored) == 10
    assert not {code.replace("-", "").encode() for code in codes} & set(stored)


def test_of_two_uses_at_the_same_time_one_succeeds(app: Flask, other: Flask, codes: list[str]) -> None:
    clients = [app.test_client(), other.test_client()]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda client: recover(client, codes[0]), clients))
    assert sorted(answer.status_code for answer in answers) == [303, 422]


@pytest.mark.settings(RESET_CODE=RESET)
def test_each_value_of_reset_code_works_once(app: Flask, client: FlaskClient, other: Flask) -> None:
    assert recover(client, RESET.upper()).status_code == 200  # with new recovery codes: there were none
    assert recover(app.test_client(), RESET, "a third pass phrase").status_code == 422
    assert recover(other.test_client(), RESET).status_code == 422
    assert recover(other.test_client(), "another-reset-code").status_code == 303


@pytest.mark.settings(RESET_CODE=RESET)
def test_reset_code_needs_the_name_of_one_of_several_owners(client: FlaskClient, runner: FlaskCliRunner) -> None:
    runner.invoke(args=["owner", "create", "--name", "Zoé", "--password", PASSWORD])
    answer = recover(client, RESET)
    assert answer.status_code == 422
    assert 'data-error-for="name"' in answer.text
    assert recover(client, RESET, name="nobody").status_code == 422
    assert recover(client, RESET, name="zoé").status_code == 200
    assert "You are signed in as Zoé." in client.get("/owner/sign-in").text


def test_without_reset_code_no_value_works(client: FlaskClient) -> None:
    for code in ("", " ", "-"):
        assert recover(client, code).status_code == 422


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_wrong_codes_are_limited(client: FlaskClient, codes: list[str]) -> None:
    assert [recover(client, "wrong").status_code for _ in range(11)] == [422] * 10 + [429]
    assert recover(client, codes[0]).status_code == 429


def test_command_resets_the_password_of_an_existing_owner(
    app: Flask, client: FlaskClient, runner: FlaskCliRunner
) -> None:
    sign_in(client)
    done = runner.invoke(args=["owner", "reset-password", "--name", "chloé martin", "--password", NEW])
    assert done.output == "Chloé Martin can sign in at /owner/sign-in with the new password.\n"
    assert not is_signed_in(client)
    assert sign_in(client, NEW).status_code == 303
    unknown = runner.invoke(args=["owner", "reset-password", "--name", "Nobody", "--password", NEW])
    assert unknown.exit_code == 1
    assert "The owners are: Chloé Martin." in unknown.output


def test_sign_in_page_leads_to_the_recovery_page(client: FlaskClient) -> None:
    assert 'href="/owner/recovery"' in client.get("/owner/sign-in").text
    assert client.get("/owner/recovery").headers["Cache-Control"] == "private, no-store"
