"""The fields of the comment form, and its limits."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment
from tests.comments.conftest import HTMX, Post

pytestmark = pytest.mark.usefixtures("article")


@pytest.mark.settings(COMMENT_EDIT_MINUTES="0")
def test_edit_after_the_time_limit_returns_the_text(client: FlaskClient, comment: int) -> None:
    answer = client.post(f"/comments/{comment}/edit", data={"body": "Typed <late>", "revision": "0"})
    assert answer.status_code == 403
    assert "Typed &lt;late&gt;</textarea>" in answer.text


def test_preview_without_javascript_keeps_the_parent(client: FlaskClient, comment: int) -> None:
    for body in ("Answer", "x" * 5001):
        form = {"body": body, "author_name": "", "parent_id": str(comment), "article": "birds"}
        page = client.post("/comments/preview", data=form)
        assert f'name="parent_id" value="{comment}"' in page.text
        assert f"{body}</textarea>" in page.text


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        ("example.org", "https://example.org"),
        ("www.example.org/x?y", "https://www.example.org/x?y"),
        ("//example.org", "https://example.org"),
        ("bücher.example", "https://bücher.example"),
    ],
)
def test_author_link_gets_https(post: Post, session: Session, typed: str, link: str) -> None:
    assert post("birds", author_url=typed).status_code == 303
    assert session.scalars(select(Comment.author_url)).one() == link


@pytest.mark.parametrize(
    "typed", ["javascript:alert(1)", "user@example.org", "example.org@evil.example", "a b.example", "localhost"]
)
def test_invalid_author_link_is_refused(post: Post, typed: str) -> None:
    assert post("birds", author_url=typed).status_code == 422


@pytest.mark.parametrize("body", ["*", "-", "1."])
def test_comment_of_one_character_is_accepted(post: Post, body: str) -> None:
    assert post("birds", body=body).status_code == 303


@pytest.mark.settings(RATELIMIT_ENABLED="on", COMMENT_RATE_PER_MINUTE="1")
def test_forms_with_errors_are_limited(app: Flask) -> None:
    statuses = [app.test_client().post("/articles/birds/comments", data={"body": ""}).status_code for _ in range(7)]
    assert statuses == [422] * 6 + [429]


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_edits_and_likes_are_limited(client: FlaskClient, app: Flask, comment: int) -> None:
    edits = []
    for number in range(11):
        edits.append(client.post(f"/comments/{comment}/edit", data={"body": f"Text {number}", "revision": str(number)}))
    assert [each.status_code for each in edits] == [303] * 10 + [429]
    assert "Text 10</textarea>" in edits[-1].text
    likes = [
        app.test_client().post(f"/comments/{comment}/likes", headers={"User-Agent": f"Agent {number}"}).status_code
        for number in range(21)
    ]
    assert likes == [303] * 20 + [429]


def test_like_sent_twice_is_one_like(app: Flask, comment: int, session: Session) -> None:
    reader = app.test_client()
    for _ in range(2):
        answer = reader.post(f"/comments/{comment}/likes", data={"liked": "1"}, headers=HTMX)
        assert 'aria-pressed="true"' in answer.text
        assert 'name="liked" value="0"' in answer.text
    assert session.scalars(select(Comment.like_count)).one() == 1
    reader.post(f"/comments/{comment}/likes", data={"liked": "0"})
    assert session.scalars(select(Comment.like_count)).one() == 0


def test_name_field_contains_the_name_of_the_last_comment(client: FlaskClient, comment: int, app: Flask) -> None:
    assert 'name="author_name"' in client.get("/articles/birds").text
    assert 'value="Ada"' in client.get("/articles/birds").text
    assert 'value="Ada"' in client.get(f"/comments/{comment}/reply").text
    assert 'value="Ada"' not in app.test_client().get("/articles/birds").text
