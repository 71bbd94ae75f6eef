"""`flask owner create`: the name and the password of an account."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.owners.models import Owner
from tests.owners.conftest import PASSWORD, sign_in


def test_an_owner_can_sign_in_after_they_were_created(client: FlaskClient, runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Zoé", "--password", "another good password"])
    assert done.output == "Zoé can sign in at /owner/sign-in.\n"
    assert sign_in(client, "another good password", "zoé").status_code == 303


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
