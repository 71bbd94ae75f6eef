"""The owner: marked by the session, and by nothing that others could type."""

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
from blogapp.text.confusables import skeleton

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def owner(publish_article: Callable[..., Article], runner: FlaskCliRunner) -> None:
    publish_article(slug="birds", lang="en", title="Birds")
    done = runner.invoke(args=["owner", "create", "--name", "Chloé Martin", "--password", PASSWORD])
    assert done.output == "Chloé Martin can sign in at /owner/sign-in.\n"


def sign_in(client: FlaskClient, password: str = PASSWORD, name: str = "Chloé Martin") -> TestResponse:
    return client.post("/owner/sign-in", data={"name": name, "password": password})


def test_the_owner_signs_in_and_out(client: FlaskClient) -> None:
    assert "Sign in" in client.get("/owner/sign-in").text
    answer = sign_in(client)
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "You are signed in as Chloé Martin." in client.get("/owner/sign-in").text
    assert client.post("/owner/sign-out").status_code == 303
    assert "You are signed in" not in client.get("/owner/sign-in").text


@pytest.mark.parametrize(("name", "password"), [("Chloé Martin", "wrong"), ("Nobody", PASSWORD), ("", "")])
def test_a_wrong_password_says_no_more_than_that(client: FlaskClient, name: str, password: str) -> None:
    answer = sign_in(client, password, name)
    assert answer.status_code == 422
    assert "The name or the password is not right." in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_guessing_is_slowed_down(client: FlaskClient) -> None:
    assert [sign_in(client, "wrong").status_code for _ in range(11)] == [422] * 10 + [429]


def test_a_new_password_ends_older_sessions(client: FlaskClient, runner: FlaskCliRunner) -> None:
    sign_in(client)
    runner.invoke(args=["owner", "create", "--name", "Chloé Martin", "--password", "another good password"])
    assert "You are signed in" not in client.get("/owner/sign-in").text


def test_a_short_password_is_refused(runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["owner", "create", "--name", "Bob", "--password", "short"])
    assert done.exit_code == 1
    assert "at least 10 characters" in done.output


def test_the_owners_comment_is_marked_and_needs_no_name(
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
@pytest.mark.parametrize(
    "name",
    [
        "Chloé Martin",
        "chloe martin",
        "CHLOE MARTIN",
        "Сhloé Маrtin",
        "Ch1oe Martin",
        "C\u200bhloé  Martin",
        "Chloé-Martin",
    ],
)
def test_nobody_else_may_look_like_the_owner(
    post: Callable[..., TestResponse], session: Session, name: str, htmx: bool
) -> None:
    answer = post("birds", author_name=name, body="Buy this", htmx=htmx)
    assert answer.status_code == 422
    assert 'data-error-for="author_name"' in answer.text
    assert "too similar to the site owner" in answer.text
    assert "Buy this</textarea>" in answer.text
    assert session.scalars(select(Comment)).all() == []


@pytest.mark.parametrize("name", ["Chloé", "Martin", "Chloe Marten", "Zoé Martin", "李小龙"])
def test_other_names_are_free(post: Callable[..., TestResponse], name: str) -> None:
    assert post("birds", author_name=name, body="Hello").status_code == 303


def test_a_reader_does_not_become_the_owner_by_a_made_up_cookie(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("owner", "eyJvd25lciI6MX0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert "Commenting as" not in client.get("/articles/birds").text


def test_the_owner_may_change_any_comment(client: FlaskClient, app: Flask, session: Session) -> None:
    app.test_client().post("/articles/birds/comments", data={"author_name": "Ada", "body": "With a slip"})
    number = session.scalars(select(Comment.id)).one()
    sign_in(client)
    assert client.post(f"/comments/{number}/edit", data={"body": "Without", "revision": "0"}).status_code == 303
    assert "Without" in app.test_client().get("/articles/birds").text


def test_a_skeleton_is_what_the_eye_sees() -> None:
    assert skeleton("Chloé Martin") == skeleton("ＣＨＬＯＥ ｍａｒｔｉｎ")
    assert skeleton("Olivier") == skeleton("0liv1er")
    assert skeleton("Bernard") == skeleton("Bemard")
    assert skeleton("Anna") != skeleton("Hanna")
