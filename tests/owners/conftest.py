"""An owner, Chloé Martin, for every test here, and functions to sign in."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password

NAME = "Chloé Martin"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD."""
    return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def owner(app: Flask, password_hash: str) -> None:
    with app.app_context(), write_transaction() as session:
        save_owner(session, NAME, password_hash)


def sign_in(
    client: FlaskClient, password: str = PASSWORD, name: str = NAME, address: str = "192.0.2.1", **form: str
) -> TestResponse:
    return client.post(
        "/owner/sign-in",
        data={"name": name, "password": password, **form},
        headers={"X-Forwarded-For": address},
    )


def is_signed_in(client: FlaskClient) -> bool:
    return f"You are signed in as {NAME}." in client.get("/owner/sign-in").text


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("owner")
    assert cookie is not None
    return cookie.value
