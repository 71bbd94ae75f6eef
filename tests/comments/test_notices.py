"""The page after an owner's press says what was done."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import Ban

pytestmark = pytest.mark.usefixtures("article")


def page_after(browser: FlaskClient, address: str, **form: str) -> tuple[str, str]:
    """The address of the page that follows when a form is sent without JavaScript, and its message."""
    answer = browser.post(address, data=form)
    assert answer.status_code == 303
    place = answer.headers["Location"]
    return place, message(browser, place)


def message(browser: FlaskClient, address: str) -> str:
    found = re.search(r'<p id="status"[^>]*>([^<]*)<', browser.get(address).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("noun", "sentence"),
    [("ban", "The author of the comment is banned."), ("erasure", "The comment is deleted for good.")],
)
def test_ban_and_deletion_are_confirmed(owner: FlaskClient, comment: int, app: Flask, noun: str, sentence: str) -> None:
    place, said = page_after(owner, f"/comments/{comment}/{noun}")
    assert place.startswith("/articles/birds?")
    assert place.endswith("#comments")
    assert said == sentence
    assert message(app.test_client(), place) == ""


@pytest.mark.parametrize(
    ("noun", "sentence"),
    [("ban", "The author of the comment is banned."), ("erasure", "The comment is deleted for good.")],
)
def test_ban_and_deletion_are_confirmed_in_the_list(owner: FlaskClient, comment: int, noun: str, sentence: str) -> None:
    place, said = page_after(owner, f"/comments/{comment}/{noun}", queue="status=published")
    assert place.startswith("/owner/comments?status=published&")
    assert said == sentence


@pytest.mark.parametrize("form", [{}, {"queue": "status=published"}])
def test_undo_is_confirmed(owner: FlaskClient, comment: int, form: dict[str, str]) -> None:
    place, _ = page_after(owner, f"/comments/{comment}/spam", **form)
    batch = re.findall(r"undo=(\d+)", place)[0]
    assert page_after(owner, "/owner/comments/undo", batch=batch, **form)[1] == "Undone."


def test_settings_of_an_articles_comments_are_confirmed(owner: FlaskClient) -> None:
    place, said = page_after(owner, "/owner/comments/settings", article="birds", closed="1")
    assert place == "/articles/birds?notice=saved#comments"
    assert said == "Your changes are saved."


def test_saved_spam_list_and_lifted_ban_are_confirmed(owner: FlaskClient, comment: int, session: Session) -> None:
    assert page_after(owner, "/owner/comments/rules", terms="casino")[1] == "Your changes are saved."
    owner.post(f"/comments/{comment}/ban")
    ban_id = session.scalars(select(Ban.id)).first()
    assert page_after(owner, f"/owner/comments/bans/{ban_id}/end")[1] == "The ban is lifted."
    assert message(owner, "/owner/comments/rules?notice=unknown") == ""
