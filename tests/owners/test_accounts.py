"""`flask owner create`: the name and the password of an account."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.owners.models import Owner
from tests.owners.conftest import PASSWORD, sign_in


def test_new_owner_can_sign_in(client: FlaskClient, runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Zoé", "--password", "another good password"])
    assert done.output == "Zoé can sign in at /owner/sign-in.\n"
    assert sign_in(client, "another good password", "zoé").status_code == 303


def test_owner_names_that_differ_only_in_case_are_one_account(runner: FlaskCliRunner, session: Session) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "CHLOE\u0301 martin", "--password", "another password"])
    assert done.output == "Chloé Martin can sign in at /owner/sign-in.\n"
    assert session.scalars(select(Owner.name)).all() == ["Chloé Martin"]


@pytest.mark.parametrize("password", ["short", "x" * 1001])
def test_password_shorter_than_10_or_longer_than_1000_characters_is_refused(
    runner: FlaskCliRunner, password: str
) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Bob", "--password", password])
    assert done.exit_code == 1
    assert "at least 10 and at most 1000 characters" in done.output


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u0301", "x" * 61])
def test_invisible_or_overlong_owner_name_is_refused(runner: FlaskCliRunner, name: str) -> None:
    done = runner.invoke(args=["owner", "create", "--name", name, "--password", PASSWORD])
    assert done.exit_code == 1
    assert "1 to 60 visible characters" in done.output
