"""The owner's comments are marked, and nobody else can use a name that looks like the owner's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from tests.owners.conftest import PASSWORD, sign_in


@pytest.fixture(autouse=True)
def birds(publish_article: Callable[..., Article]) -> None:
    publish_article(slug="birds", lang="en", title="Birds")


def test_owners_comment_is_marked_and_needs_no_name(
    client: FlaskClient, post: Callable[..., TestResponse], app: Flask, session: Session
) -> None:
    sign_in(client)
    assert "Commenting as Chloé Martin" in client.get("/articles/birds").text
    answer = post("birds", author_name="", body="From the house", htmx=True)
    assert answer.status_code == 201
    page = app.test_client().get("/articles/birds").text
    assert "owner-mark" in page
    assert '<bdi class="comment-author">Chloé Martin</bdi>' in page
    assert session.scalars(select(Comment.by_owner)).one()


@pytest.mark.parametrize("htmx", [True, False])
def test_name_that_looks_like_the_owners_is_refused(
    post: Callable[..., TestResponse], session: Session, htmx: bool
) -> None:
    names = [
        "Chloé Martin",
        "CHLOE MARTIN",
        "Сhloé Маrtin",
        "C\u200bhloé  Martin",
        "Chloé-Martin",
        "ᴄʜʟᴏᴇ́ ᴍᴀʀᴛɪɴ",
        "Ch|oe Mart1n",
    ]
    for name in names:
        answer = post("birds", author_name=name, body="Buy this", htmx=htmx)
        assert answer.status_code == 422, name
        assert 'data-error-for="author_name"' in answer.text
        assert "too similar to the site owner" in answer.text
        assert "Buy this</textarea>" in answer.text
    assert session.scalars(select(Comment)).all() == []


def test_other_names_are_accepted(post: Callable[..., TestResponse]) -> None:
    for name in ("Chloé", "Martin", "Chloe Marten", "Zoé Martin", "李小龙", "Chloé M", "☕"):
        assert post("birds", author_name=name, body="Hello").status_code == 303, name


def test_owner_can_edit_any_comment(client: FlaskClient, app: Flask, session: Session) -> None:
    app.test_client().post("/articles/birds/comments", data={"author_name": "Ada", "body": "With a slip"})
    number = session.scalars(select(Comment.id)).one()
    sign_in(client)
    assert client.post(f"/comments/{number}/edit", data={"body": "Without", "revision": "0"}).status_code == 303
    assert "Without" in app.test_client().get("/articles/birds").text


def test_owner_name_of_symbols_blocks_only_the_same_symbols(
    runner: FlaskCliRunner, post: Callable[..., TestResponse]
) -> None:
    runner.invoke(args=["owner", "create", "--name", "☕", "--password", PASSWORD])
    statuses = {"☕": 422, "☕\ufe0f": 422, "!!": 303, "😀": 303, "...": 303}
    for name, status in statuses.items():
        assert post("birds", author_name=name, body="Hello").status_code == status, name
