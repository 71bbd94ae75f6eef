"""The owner sees who decided what about a comment, when, and about which text."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.comments.conftest import HTMX, OWNER


def events(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<strong>(.+?)</strong> <bdi>(.+?)</bdi>", page)


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_history_has_every_decision_and_edit_newest_first(
    owner: FlaskClient, client: FlaskClient, comment: int, runner: FlaskCliRunner, headers: dict[str, str]
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    owner.post(f"/comments/{comment}/spam")
    owner.post(f"/comments/{comment}/approval", data={"revision": "1"})
    runner.invoke(args=["comments", "remove", str(comment)])
    page = owner.get(f"/owner/comments/{comment}/history", headers=headers).text
    assert events(page) == [
        ("Removed", "A command on the server"),
        ("Approved", OWNER),
        ("Marked as spam", OWNER),
        ("Edited", "The author"),
        ("Posted", "The author"),
    ]
    assert "First text</p>" in page
    assert page.count("text 2") == 3


def test_history_of_a_comment_deleted_for_good_has_no_text(
    owner: FlaskClient, client: FlaskClient, comment: int
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    owner.post(f"/comments/{comment}/erasure")
    page = owner.get(f"/owner/comments/{comment}/history").text
    assert events(page) == [("Deleted for good", OWNER), ("Posted", "The author")]
    assert "First text" not in page
    assert "Second text" not in page


def test_history_is_for_owners_only(app: Flask, owner: FlaskClient, comment: int) -> None:
    assert app.test_client().get(f"/owner/comments/{comment}/history").status_code == 302
    assert owner.get("/owner/comments/999/history").status_code == 404
    address = f'href="/owner/comments/{comment}/history"'
    assert address in owner.get("/articles/birds").text
    assert address in owner.get("/owner/comments?status=published").text
    assert address not in app.test_client().get("/articles/birds").text
