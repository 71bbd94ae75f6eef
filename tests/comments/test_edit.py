"""Authors edit and delete their comments within the time limit, and no text is lost."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment, CommentRevision, Conversation
from blogapp.db.base import db
from tests.comments.conftest import HTMX, Post


def test_only_the_author_sees_the_edit_link(comment: int, client: FlaskClient, app: Flask) -> None:
    assert f"/comments/{comment}/edit" in client.get("/articles/birds").text
    assert "15 minutes left" in client.get("/articles/birds").text
    assert f"/comments/{comment}/edit" not in app.test_client().get("/articles/birds").text


@pytest.mark.parametrize("htmx", [True, False])
def test_edit_replaces_the_text_and_keeps_the_earlier_one(
    comment: int, client: FlaskClient, app: Flask, session: Session, htmx: bool
) -> None:
    headers = HTMX if htmx else {}
    form = client.get(f"/comments/{comment}/edit", headers=headers)
    assert "First text</textarea>" in form.text
    assert ("<!doctype" in form.text) != htmx
    answer = client.post(f"/comments/{comment}/edit", data={"body": "Second *text*", "revision": "0"}, headers=headers)
    assert answer.status_code == (200 if htmx else 303)
    if htmx:
        assert f'id="comment-{comment}"' in answer.text
        assert "Your changes are saved." in answer.text
    page = app.test_client().get("/articles/birds").text
    assert "Second <em>text</em>" in page
    assert "First text" not in page
    assert 'class="edited"' in page
    assert session.scalars(select(CommentRevision.body_source)).all() == ["First text"]


@pytest.mark.parametrize("htmx", [True, False])
def test_invalid_edit_keeps_the_text(comment: int, client: FlaskClient, htmx: bool) -> None:
    headers = HTMX if htmx else {}
    for body, sentence in ((" ", "Please write a comment."), ("x" * 5001, "limited to 5,000 characters")):
        answer = client.post(f"/comments/{comment}/edit", data={"body": body, "revision": "0"}, headers=headers)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'data-error-for="body"' in answer.text
    assert "x" * 5001 in answer.text


@pytest.mark.parametrize("htmx", [True, False])
def test_conflicting_edit_shows_both_texts(comment: int, client: FlaskClient, htmx: bool) -> None:
    headers = HTMX if htmx else {}
    url = f"/comments/{comment}/edit"
    client.post(url, data={"body": "From one window", "revision": "0"})
    answer = client.post(url, data={"body": "From the other", "revision": "0"}, headers=headers)
    assert answer.status_code == 409
    assert "<p>From one window</p>" in answer.text
    assert "From the other</textarea>" in answer.text
    again = re.search(r'name="revision" value="(\d+)"', answer.text)
    assert again
    saved = client.post(url, data={"body": "From the other", "revision": again.group(1)}, headers=headers)
    assert saved.status_code == (200 if htmx else 303)
    assert "From the other" in client.get("/articles/birds").text


def test_edit_sent_twice_is_one_edit(comment: int, client: FlaskClient, session: Session) -> None:
    for _ in range(2):
        answer = client.post(f"/comments/{comment}/edit", data={"body": "Once", "revision": "0"})
        assert answer.status_code == 303
    assert session.scalars(select(Comment.revision)).one() == 1


@pytest.mark.parametrize("action", ["edit", "delete"])
@pytest.mark.parametrize("htmx", [True, False])
def test_other_visitors_are_told_why_they_cannot_change_the_comment(
    comment: int, app: Flask, session: Session, action: str, htmx: bool
) -> None:
    stranger = app.test_client()
    headers = HTMX if htmx else {}
    for token in (None, "A" * 43, "x", ""):
        if token is not None:
            stranger.set_cookie("visitor", token)
        for answer in (
            stranger.get(f"/comments/{comment}/{action}", headers=headers),
            stranger.post(f"/comments/{comment}/{action}", data={"body": "Mine now", "revision": "0"}, headers=headers),
        ):
            assert answer.status_code == 403
            assert "Comments can only be edited by their author" in answer.text
    # The cookie of another author does not help.
    stranger.delete_cookie("visitor")
    stranger.post("/articles/birds/comments", data={"author_name": "Eve", "body": "Hello"})
    assert stranger.post(f"/comments/{comment}/{action}", data={"body": "Mine now"}).status_code == 403
    assert session.scalars(select(Comment.body_source).where(Comment.id == comment)).one() == "First text"


@pytest.mark.settings(COMMENT_EDIT_MINUTES="0")
@pytest.mark.parametrize("action", ["edit", "delete"])
def test_change_after_the_time_limit_is_refused(comment: int, client: FlaskClient, action: str) -> None:
    answer = client.post(f"/comments/{comment}/{action}", data={"body": "Late", "revision": "0"})
    assert answer.status_code == 403
    assert "This comment can no longer be edited." in answer.text
    assert "/edit" not in client.get("/articles/birds").text


def test_comment_can_be_edited_for_fifteen_minutes(
    comment: int, client: FlaskClient, app: Flask, session: Session
) -> None:
    from datetime import timedelta

    posted = session.scalars(select(Comment.created_at)).one()

    def move(minutes: int) -> None:
        with app.app_context():
            db.session.execute(update(Comment).values(created_at=posted - timedelta(minutes=minutes)))
            db.session.commit()

    move(14)
    assert client.get(f"/comments/{comment}/edit").status_code == 200
    assert "1 minute left" in client.get("/articles/birds").text
    move(16)
    assert client.get(f"/comments/{comment}/edit").status_code == 403


@pytest.mark.parametrize("htmx", [True, False])
def test_deleted_comment_without_replies_disappears(
    comment: int, client: FlaskClient, app: Flask, session: Session, htmx: bool
) -> None:
    headers = HTMX if htmx else {}
    assert "Delete this comment?" in client.get(f"/comments/{comment}/delete", headers=headers).text
    answer = client.post(f"/comments/{comment}/delete", headers=headers)
    assert answer.status_code == (200 if htmx else 303)
    if htmx:
        assert f'hx-target=".item:has(> #comment-{comment})" hx-swap="delete"' in answer.text
        assert 'id="comment-count" data-count="0"' in answer.text
    page = app.test_client().get("/articles/birds").text
    assert "First text" not in page
    assert "Ada" not in page
    assert "withdrawn" not in page
    row = session.scalars(select(Comment)).one()
    assert (row.author_name, row.body_source, row.body_html, row.author_token_hash) == ("", "", "", None)
    assert session.scalars(select(Conversation.comment_count)).one() == 0


@pytest.mark.parametrize("htmx", [True, False])
def test_deleted_comment_with_replies_leaves_a_placeholder(
    comment: int, client: FlaskClient, post: Post, app: Flask, htmx: bool
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    answer = client.post(f"/comments/{comment}/delete", headers=HTMX if htmx else {})
    assert answer.status_code == (200 if htmx else 303)
    page = app.test_client().get("/articles/birds").text
    assert "Deleted by its author." in page
    assert "Answer" in page
    for gone in ("First text", "Second text", ">Ada<"):
        assert gone not in page
    assert 'id="comment-count" data-count="1"' in page
    assert client.post(f"/comments/{comment}/delete").status_code == 404
    assert client.post(f"/comments/{comment}/edit", data={"body": "Back", "revision": "1"}).status_code == 404


def test_deleted_text_can_be_posted_again(comment: int, client: FlaskClient, post: Post, session: Session) -> None:
    client.post(f"/comments/{comment}/delete")
    assert post("birds", author_name="Ada", body="First text", htmx=True).status_code == 201
    assert session.scalar(select(func.count()).select_from(Comment).where(Comment.shown)) == 1


def test_edit_with_many_links_awaits_approval(comment: int, client: FlaskClient, app: Flask) -> None:
    body = "https://a.example https://b.example https://c.example"
    client.post(f"/comments/{comment}/edit", data={"body": body, "revision": "0"})
    assert "a.example" not in app.test_client().get("/articles/birds").text
    assert "a.example" in client.get("/articles/birds").text


def test_refresh_brings_edits_and_deletions_to_open_pages(
    comment: int, client: FlaskClient, app: Flask, post: Post, session: Session
) -> None:
    reader = app.test_client()
    version = session.scalars(select(Conversation.version)).one()
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    answer = reader.get(f"/articles/birds/comments?since={version}", headers=HTMX)
    assert f'hx-target="#comment-{comment}" hx-swap="outerMorph"' in answer.text
    assert "Second text" in answer.text
    assert "new comment" not in answer.text
    version = session.scalars(select(Conversation.version)).one()
    client.post(f"/comments/{comment}/delete")
    answer = reader.get(f"/articles/birds/comments?since={version}", headers=HTMX)
    assert f'hx-target=".item:has(> #comment-{comment})" hx-swap="delete"' in answer.text
    # `?after=` returns new comments only.
    assert reader.get(f"/articles/birds/comments?after={comment}", headers=HTMX).status_code == 204


def test_missing_comment_is_404_and_wrong_method_405(client: FlaskClient) -> None:
    for address in ("/comments/4711/edit", "/comments/4711/delete"):
        assert client.get(address).status_code == 404
        assert client.post(address, data={"body": "x"}).status_code == 404
        assert client.put(address).status_code == 405
