"""Attacks on all addresses of owners at once: ended sessions, forged forms, and hostile settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import Owner
from blogapp.owners.sessions import LIFETIME
from tests.owners.conftest import PASSWORD, cookie_of, sign_in

# Pages of the owner's room that need no session.
OPEN = ("owner.", "owner_setup.", "owner_recovery.")
# Tables that no content depends on: requests and sign-ins change them.
OTHER_TABLES = {"owner_sessions", "sign_in_attempts", "visitor_keys"}
EVIL = "</title></style><script>alert(1)</script>\"'"


def addresses(app: Flask, method: str) -> Iterator[tuple[str, str]]:
    """The path and the endpoint of everything that is for owners, with 1 for the variables."""
    for rule in app.url_map.iter_rules():
        is_for_owners = rule.rule.startswith("/owner") or rule.endpoint.startswith("comment_moderation.")
        if is_for_owners and method in (rule.methods or set()):
            yield re.sub(r"<[^>]*>", "1", re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)), rule.endpoint


def content(session: Session) -> dict[str, list[Any]]:
    """Every row of the tables that a request without a session must not change."""
    session.rollback()
    tables = [table for table in db.metadata.sorted_tables if table.name not in OTHER_TABLES]
    return {table.name: sorted(session.execute(select(table)).all(), key=repr) for table in tables}


@pytest.fixture
def blog(client: FlaskClient, publish_article: Callable[..., Article], post: Callable[..., Any]) -> FlaskClient:
    """An owner who is signed in, an article and a comment."""
    publish_article()
    post("birds")
    sign_in(client)
    client.get("/owner")  # records that the session is used
    return client


@pytest.fixture
def copied(blog: FlaskClient, app: Flask) -> FlaskClient:
    """Another browser with the cookie of the owner's session."""
    thief = app.test_client()
    thief.set_cookie("owner", cookie_of(blog))
    assert thief.get("/owner").status_code == 200
    return thief


@pytest.mark.parametrize("end", ["missing", "forged", "expired", "signed out", "revoked", "account deleted"])
def test_no_address_of_owners_accepts_an_ended_session(
    app: Flask, blog: FlaskClient, copied: FlaskClient, session: Session, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if end == "missing":
        copied.delete_cookie("owner")
    elif end == "forged":
        copied.set_cookie("owner", "x" * 43)
    elif end == "expired":
        later = clock.now() + LIFETIME + timedelta(seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
    elif end == "signed out":
        blog.post("/owner/sign-out")
    elif end == "revoked":
        blog.post("/owner/security/sessions/revocation")
    else:
        with app.app_context(), write_transaction() as writing:
            writing.execute(delete(Owner))
    before = content(session)
    checked = 0
    for method, status in (("GET", 302), ("POST", 401)):
        for address, endpoint in addresses(app, method):
            if endpoint.startswith(OPEN):
                continue
            answer = copied.open(address, method=method, data={"body": "text"} if method == "POST" else None)
            assert answer.status_code == status, (method, address)
            assert "no-store" in answer.headers["Cache-Control"], address
            assert answer.headers["X-Robots-Tag"] == "noindex", address
            assert method == "POST" or answer.location.startswith("/owner/sign-in?next=/"), address
            checked += 1
    assert checked > 40
    assert content(session) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # they are refused before any query
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/owner"},
    ],
    ids=str,
)
def test_no_form_of_another_site_is_accepted(
    app: Flask, blog: FlaskClient, session: Session, headers: dict[str, str]
) -> None:
    before = content(session)
    for address, _ in addresses(app, "POST"):
        for data in ({}, {"present_password": PASSWORD, "password": "another pass phrase"}):
            assert blog.post(address, data=data, headers=headers).status_code == 403, address
    assert content(session) == before
    assert blog.get("/owner").status_code == 200


def test_no_page_of_owners_writes_when_it_is_opened(app: Flask, blog: FlaskClient, session: Session) -> None:
    """So a link on another site, which carries the cookie, changes nothing."""
    before = content(session)
    for address, _ in addresses(app, "GET"):
        blog.get(address).close()
    assert content(session) == before
    assert blog.get("/owner").status_code == 200


def test_settings_cannot_leave_their_place_in_a_page(app: Flask, blog: FlaskClient) -> None:
    form = {"site_title": EVIL, "description": EVIL, "lang": "en", "time_zone": "UTC", "look": "garden"}
    assert blog.post("/owner/settings", data=form).status_code == 303
    with app.app_context(), write_transaction() as session:
        session.scalars(select(Owner)).one().name = EVIL[:60]
    reader = app.test_client()
    pages = {path: reader.get(path).text for path in ("/", "/articles/birds", "/privacy", "/owner/sign-in", "/nowhere")}
    pages |= {path: blog.get(path).text for path in ("/owner", "/owner/settings", "/owner/security", "/articles/birds")}
    challenge = blog.post("/owner/security/passkeys/challenge")
    for path, page in {**pages, "challenge": challenge.text}.items():
        assert "alert(1)" in page, path
        assert not re.search("</style>|<script>|</title>[^<]*</title>", page), path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the form refuses it
@pytest.mark.parametrize("look", ["</style><script>", '" onload="alert(1)', "paper;x", "../paper", "PAPER", "\0paper "])
def test_look_is_one_of_the_list(app: Flask, blog: FlaskClient, look: str) -> None:
    form = {"site_title": "Birds", "description": "", "lang": "en", "time_zone": "UTC", "look": look}
    assert blog.post("/owner/settings", data=form).status_code == 422
    assert "data-look" not in app.test_client().get("/").text
