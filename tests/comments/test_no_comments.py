"""Articles that were set to have no comments: those that were posted before are shown nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import NONE, Article
from blogapp.db.transactions import write_transaction

HTMX = {"HX-Request": "true"}


@pytest.fixture
def hidden(app: Flask, publish_article: Callable[..., Article], post: Callable[..., TestResponse]) -> None:
    """A comment with the id 1 and a reply to it, on an article whose comments were hidden afterwards."""
    article = publish_article(slug="birds")
    post("birds", author_name="Ada Quill", body="Secret words")
    post("birds", author_name="Ada Quill", body="More secret words", parent_id="1")
    with app.app_context(), write_transaction() as session:
        session.get_one(Article, article.id).comments = NONE


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/articles/birds", {}),
        ("/articles/birds/comments", HTMX),
        ("/articles/birds/comments?since=0", HTMX),
        ("/articles/birds/comments?after=0", HTMX),
        ("/articles/birds/comments?at=1", {}),
        ("/articles/birds/comments.xml", {}),
        ("/comments.xml", {}),
        ("/comments/1", {}),
        ("/comments/1/reply", {}),
        ("/comments/1/reply", HTMX),
        ("/comments/1/replies", HTMX),
        ("/search?q=secret&in=comments", {}),
        ("/search?q=quill&in=comments", {}),
        ("/", {}),
    ],
)
def test_hidden_comments_are_shown_nowhere(app: Flask, path: str, headers: dict[str, str]) -> None:
    reader = app.test_client()
    response = reader.get(path, headers=headers, follow_redirects=True)
    assert response.status_code in {200, 204, 404}
    for word in ("Secret words", "Ada Quill", "2 comments"):
        assert word not in response.text


@pytest.mark.usefixtures("hidden")
def test_hidden_comments_cannot_be_liked_or_answered(client: FlaskClient) -> None:
    assert client.post("/comments/1/likes", data={"liked": "1"}, headers=HTMX).status_code == 404
    form = {"author_name": "Eve", "body": "Hello", "parent_id": "1"}
    assert client.post("/articles/birds/comments", data=form).status_code in {403, 404, 409, 410, 422}
