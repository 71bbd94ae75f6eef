"""A signed-in owner, and functions for the editor."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.models import Owner
from blogapp.owners.passwords import hash_password
from blogapp.web.page_store import Entry

NAME, OTHER_NAME = "Chloé Martin", "Ada"
PASSWORD = "correct horse battery"
HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def cached_pages(app: Flask) -> list[Entry]:
    """What the page cache has stored."""
    segments = [each for store in app.extensions["page_cache"]._stores.values() for each in (store._new, store._used)]
    return [entry for segment in segments for entry, _ in segment.entries.values()]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD."""
    return hash_password(PASSWORD)


@pytest.fixture
def owner(app: Flask, password_hash: str) -> Owner:
    with app.app_context(), write_transaction() as session:
        save_owner(session, OTHER_NAME, password_hash)
        return save_owner(session, NAME, password_hash)


@pytest.fixture
def writer(app: Flask, owner: Owner) -> FlaskClient:
    """A client that is signed in."""
    return signed_in(app)


def signed_in(app: Flask, name: str = NAME) -> FlaskClient:
    client = app.test_client()
    assert client.post("/owner/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
    return client


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Return a function that sets the clock."""

    def set_clock(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return set_clock


class Form:
    """The editor's form as a browser without JavaScript, or with HTMX, has it."""

    def __init__(self, client: FlaskClient, address: str = "/owner/articles/new") -> None:
        self.client = client
        self.address = address
        self.page = client.get(address).text
        self.hidden = hidden_of(self.page)
        self.sequence = 0

    def send(self, action: str = "save", htmx: bool = False, **fields: str) -> TestResponse:
        self.sequence += htmx
        answer = self.client.post(
            self.address,
            data={**self.hidden, "sequence": str(self.sequence), "action": action, **fields},
            headers=HTMX if htmx else {},
            # The test client does not close the file in which it keeps a long multipart body.
            content_type="multipart/form-data" if len(fields.get("body", "")) < 100_000 else None,
        )
        if htmx and answer.status_code in {200, 422} and 'id="owner-state"' in answer.text:
            self.hidden = hidden_of(answer.text)
            self.address = f"/owner/articles/{self.hidden['article']}/edit"
        elif answer.status_code == 303 and "/edit" in answer.location:
            self.address = answer.location.partition("?")[0]
            self.hidden = hidden_of(self.client.get(answer.location).text)
        return answer

    def send_and_lose_the_response(self, action: str = "save", htmx: bool = False, **fields: str) -> TestResponse:
        """As `send`, but the form stays as it was, because its browser does not get the response that is returned."""
        address, hidden = self.address, self.hidden
        answer = self.send(action, htmx, **fields)
        self.address, self.hidden = address, hidden
        return answer

    @property
    def article_id(self) -> int:
        return int(self.hidden["article"])


def hidden_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(revision|editor|article)" value="([^"]*)"', page))


def value_of(page: str, name: str) -> str:
    """The value of a field in a page."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*? value="([^"]*)"', page)
    assert found is not None
    return found[1]
