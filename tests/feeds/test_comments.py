"""The feeds of comments: only what readers see, and nothing else about the authors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.articles.publishing import change_slug
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from blogapp.feeds import reading
from tests.feeds.conftest import Change, Publish, parse, titles

BOTH = ("/comments.xml", "/articles/birds/comments.xml")


@pytest.fixture
def reader(app: Flask) -> FlaskClient:
    """A client without the cookie of a commenter, whose requests bypass the page cache."""
    return app.test_client()


@pytest.mark.parametrize("address", BOTH)
def test_comment_is_shown_with_its_name_text_and_address(
    publish_article: Publish, post: Publish, reader: FlaskClient, session: Session, address: str
) -> None:
    publish_article()
    fields = {"author_email": "ada@example.org", "author_url": "https://ada.example.org"}
    post("birds", author_name="Ada", body="They *dance*.", **fields)
    (entry,) = parse(reader, address).entries
    comment_id = session.scalars(select(Comment.id)).one()
    assert (entry.title, entry.author) == ("Ada on “Birds”", "Ada")
    assert entry.content[0].value == "<p>They <em>dance</em>.</p>"
    assert entry.link == f"http://localhost/comments/{comment_id}"
    assert "ada@" not in reader.get(address).text


def test_reply_names_the_comment_that_it_answers(
    publish_article: Publish, post: Publish, reader: FlaskClient, session: Session
) -> None:
    publish_article()
    post("birds", body="First")
    parent = session.scalars(select(Comment.id)).one()
    post("birds", body="A reply", parent_id=str(parent))
    reply, first = parse(reader, "/comments.xml").entries
    assert reply["thr_in-reply-to"]["ref"] == first.id


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_comment_appears_only_once_it_is_approved(
    publish_article: Publish, post: Publish, reader: FlaskClient, runner: FlaskCliRunner
) -> None:
    publish_article()
    post("birds", body="Waiting")
    assert [titles(reader, address) for address in BOTH] == [[], []]
    assert runner.invoke(args=["comments", "approve", "1"]).exit_code == 0
    assert [len(titles(reader, address)) for address in BOTH] == [1, 1]


@pytest.mark.parametrize("address", BOTH)
def test_removed_and_deleted_comments_disappear_at_once(
    publish_article: Publish,
    post: Publish,
    reader: FlaskClient,
    client: FlaskClient,
    runner: FlaskCliRunner,
    address: str,
) -> None:
    publish_article()
    for number in (1, 2, 3):
        post("birds", author_name=f"Name {number}", body=f"Text {number}")
    assert len(titles(reader, address)) == 3
    runner.invoke(args=["comments", "remove", "1"])
    client.post("/comments/2/delete")
    assert titles(reader, address) == ["Name 3 on “Birds”"]
    assert "Text 1" not in reader.get(address).text


@pytest.mark.parametrize("status", ["draft", "unlisted", "unpublished", "deleted"])
def test_comments_on_an_article_that_is_not_listed_are_left_out(
    publish_article: Publish, post: Publish, reader: FlaskClient, change_article: Change, status: str
) -> None:
    article = publish_article()
    post("birds")
    assert len(titles(reader, "/comments.xml")) == 1
    change_article(article.id, status=status)
    assert titles(reader, "/comments.xml") == []
    expected = {"draft": 404, "unlisted": 200, "unpublished": 410, "deleted": 404}[status]
    assert reader.get("/articles/birds/comments.xml").status_code == expected


def test_comments_of_a_page_are_in_the_feed_of_all_comments(
    publish_article: Publish, post: Publish, reader: FlaskClient, change_article: Change
) -> None:
    article = publish_article()
    post("birds")
    change_article(article.id, kind="page")
    assert [len(titles(reader, address)) for address in BOTH] == [1, 1]


def test_article_that_shows_no_comments_has_no_feed_of_them(
    publish_article: Publish, post: Publish, reader: FlaskClient, change_article: Change
) -> None:
    article = publish_article()
    post("birds")
    change_article(article.id, comments="none")
    assert titles(reader, "/comments.xml") == []
    assert reader.get("/articles/birds/comments.xml").status_code == 404
    assert "comments.xml" not in reader.get("/articles/birds").text
    assert "comments.xml" not in reader.get("/feed.xml").text


def test_edit_raises_updated(publish_article: Publish, post: Publish, client: FlaskClient, reader: FlaskClient) -> None:
    publish_article()
    post("birds", body="Before")
    (entry,) = parse(reader, "/comments.xml").entries
    assert entry.updated == entry.published
    client.post("/comments/1/edit", data={"body": "After", "revision": "0"})
    (edited,) = parse(reader, "/comments.xml").entries
    assert "After" in edited.content[0].value
    assert (edited.id, edited.published) == (entry.id, entry.published)
    assert edited.updated >= entry.updated


@pytest.mark.parametrize("address", BOTH)
def test_feed_has_the_newest_comments(
    publish_article: Publish, post: Publish, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(reading, "COMMENTS", 2)
    publish_article()
    for name in ("Ada", "Bo", "Cy"):
        post("birds", author_name=name)
    assert titles(reader, address) == ["Cy on “Birds”", "Bo on “Birds”"]


def test_comments_feed_of_a_renamed_article_redirects(
    publish_article: Publish, app: Flask, client: FlaskClient
) -> None:
    article_id = publish_article(slug="birds").id
    with app.app_context(), write_transaction() as session:
        change_slug(session, session.get_one(Article, article_id), "bees")
    answer: TestResponse = client.get("/articles/birds/comments.xml")
    assert (answer.status_code, answer.location) == (301, "/articles/bees/comments.xml")


def test_feed_without_comments_has_a_date_that_stays(publish_article: Publish, reader: FlaskClient) -> None:
    publish_article(published_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert parse(reader, "/comments.xml").feed.updated == "1970-01-01T00:00:00Z"
