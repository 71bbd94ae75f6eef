"""Bans of a browser and its network."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.comments.models import Ban, Comment
from tests.comments.conftest import HTMX, Post

pytestmark = pytest.mark.usefixtures("article")


def post_from(app: Flask, address: str, body: str = "Hello", client: FlaskClient | None = None) -> TestResponse:
    form = {"author_name": "Eve", "body": body}
    place = {"REMOTE_ADDR": address}
    return (client or app.test_client()).post("/articles/birds/comments", data=form, environ_overrides=place)


@pytest.mark.parametrize("htmx", [True, False])
def test_ban_refuses_the_browser_and_its_network(owner: FlaskClient, app: Flask, session: Session, htmx: bool) -> None:
    troll = app.test_client()
    post_from(app, "192.0.2.1", "Insult", troll)
    number = session.scalars(select(Comment.id)).one()
    question = owner.get(f"/comments/{number}/ban", headers=HTMX if htmx else {}).text
    assert 'name="days" value="7"' in question
    answer = owner.post(f"/comments/{number}/ban", data={"days": "7"}, headers=HTMX if htmx else {})
    assert answer.status_code == (200 if htmx else 303)
    elsewhere = post_from(app, "203.0.113.5", "From elsewhere", troll)
    neighbor = post_from(app, "192.0.2.200", "Without the cookie")
    for refused in (elsewhere, neighbor):
        assert refused.status_code == 403
        assert "are not accepted until" in refused.text
        assert "</textarea>" in refused.text
    assert "From elsewhere</textarea>" in elsewhere.text
    edit = troll.post(f"/comments/{number}/edit", data={"body": "Worse", "revision": "0"})
    assert edit.status_code == 403
    assert "Worse</textarea>" in edit.text
    assert post_from(app, "203.0.113.5", "Somebody else").status_code == 303
    assert owner.post("/articles/birds/comments", data={"body": "The owner"}).status_code == 303


@pytest.mark.parametrize(("days", "is_over"), [("1", True), ("7", False), ("0", False)])
def test_ban_ends_in_time(
    owner: FlaskClient, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch, days: str, is_over: bool
) -> None:
    post_from(app, "192.0.2.1", "Insult")
    number = session.scalars(select(Comment.id)).one()
    owner.post(f"/comments/{number}/ban", data={"days": days})
    assert post_from(app, "192.0.2.1", "Now").status_code == 403
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert (post_from(app, "192.0.2.1", "Later").status_code == 303) is is_over


def test_ban_is_listed_replaced_and_lifted(owner: FlaskClient, app: Flask, session: Session) -> None:
    post_from(app, "192.0.2.1", "Insult")
    number = session.scalars(select(Comment.id)).one()
    for days in ("0", "1"):
        owner.post(f"/comments/{number}/ban", data={"days": days})
    assert session.scalar(select(func.count()).select_from(Ban)) == 2
    page = owner.get("/owner/comments/rules").text
    assert page.count('class="bans"') == 1
    assert page.count("Until ") == 2
    assert "For ever" not in page
    for ban_id in session.scalars(select(Ban.id)).all():
        assert owner.post(f"/owner/comments/bans/{ban_id}/end").status_code == 303
    assert "Nobody is banned." in owner.get("/owner/comments/rules").text
    assert post_from(app, "192.0.2.1", "Again").status_code == 303


def test_owner_cannot_be_banned(owner: FlaskClient, session: Session) -> None:
    owner.post("/articles/birds/comments", data={"body": "Mine"})
    number = session.scalars(select(Comment.id)).one()
    assert owner.post(f"/comments/{number}/ban", data={"days": "0"}).status_code == 409
    assert session.scalar(select(func.count()).select_from(Ban)) == 0


def test_only_owners_ban(client: FlaskClient, comment: int, post: Post, session: Session) -> None:
    assert client.get(f"/comments/{comment}/ban").status_code == 302
    assert client.post(f"/comments/{comment}/ban", data={"days": "0"}).status_code == 401
    assert client.post("/owner/comments/bans/1/end").status_code == 401
    assert client.post("/owner/comments/rules", data={"terms": ""}).status_code == 401
    assert post("birds", body="Still allowed").status_code == 303
