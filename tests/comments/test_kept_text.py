"""Refused requests return the typed text, and only its author sees a pending comment."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from blogapp.comments.editing import MAX_REVISIONS, edit_comment
from blogapp.comments.models import Comment, CommentRevision
from blogapp.comments.spam import Rules
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX, OWNER, Post, signed_in

pytestmark = pytest.mark.usefixtures("article")

TEXT = "Typed <carefully>"
KEPT = "Typed &lt;carefully&gt;</textarea>"


def test_comment_on_a_missing_article_returns_the_text(client: FlaskClient) -> None:
    answer = client.post("/articles/none/comments", data={"author_name": "Ada", "body": TEXT})
    assert answer.status_code == 404
    assert KEPT in answer.text


def test_edit_of_a_deleted_comment_returns_the_text(client: FlaskClient, comment: int) -> None:
    client.post(f"/comments/{comment}/delete")
    answer = client.post(f"/comments/{comment}/edit", data={"body": TEXT, "revision": "0"})
    assert answer.status_code == 404
    assert KEPT in answer.text


def test_edit_conflict_returns_the_text(client: FlaskClient, comment: int) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    answer = client.post(f"/comments/{comment}/edit", data={"body": TEXT, "revision": "0"})
    assert answer.status_code == 409
    assert KEPT in answer.text


def test_response_to_a_form_over_64_kb_says_that_the_browser_keeps_the_text(client: FlaskClient) -> None:
    answer = client.post("/articles/birds/comments", data={"body": "x" * 70_000})
    assert answer.status_code == 413
    assert "Your browser keeps your text" in answer.text


@pytest.mark.settings(RATELIMIT_ENABLED="on", COMMENT_RATE_PER_MINUTE="1")
def test_too_many_comments_return_the_text(client: FlaskClient, comment: int) -> None:
    answer = client.post("/articles/birds/comments", data={"author_name": "Ada", "body": TEXT})
    assert answer.status_code == 429
    assert KEPT in answer.text


@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.parametrize("is_reply", [True, False])
def test_busy_database_returns_the_form(
    post: Post, comment: int, busy: AbstractContextManager[None], htmx: bool, is_reply: bool
) -> None:
    fields = {"author_url": "https://ada.example", "parent_id": str(comment) if is_reply else ""}
    with busy:
        answer = post("birds", author_name="Ada & Co", body=TEXT, htmx=htmx, **fields)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert ("<!doctype" in answer.text) != htmx
    assert 'action="/articles/birds/comments"' in answer.text
    assert KEPT in answer.text
    assert 'value="Ada &amp; Co"' in answer.text
    assert 'value="https://ada.example"' in answer.text
    assert ("Reply to Ada" in answer.text) == is_reply
    assert re.search(r'data-error-for="form"[^>]*>The site is busy. Try again in a few seconds.<', answer.text)
    assert post("birds", author_name="Ada & Co", body=TEXT, htmx=htmx, **fields).status_code in {201, 303}


@pytest.mark.parametrize("htmx", [True, False])
def test_busy_database_returns_the_edit_form(
    client: FlaskClient, comment: int, busy: AbstractContextManager[None], htmx: bool
) -> None:
    url, form = f"/comments/{comment}/edit", {"body": TEXT, "revision": "0"}
    with busy:
        answer = client.post(url, data=form, headers=HTMX if htmx else {})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert ("<!doctype" in answer.text) != htmx
    assert KEPT in answer.text
    assert 'name="revision" value="0"' in answer.text
    assert re.search(r'data-error-for="body"[^>]*>The site is busy.', answer.text)
    assert client.post(url, data=form).status_code == 303


def test_owners_preview_of_a_reply_without_javascript_keeps_the_parent(owner: FlaskClient, comment: int) -> None:
    form = {"body": "Answer", "parent_id": str(comment), "article": "birds"}
    page = owner.post("/comments/preview", data=form).text
    assert f'name="parent_id" value="{comment}"' in page
    assert f"Commenting as {OWNER}" in page
    assert "Answer</textarea>" in page
    assert "Reply to Ada" in page


def test_author_can_edit_twenty_times_and_the_owner_more_often(
    client: FlaskClient, owner: FlaskClient, comment: int, session: Session
) -> None:
    for number in range(20):
        edit = client.post(f"/comments/{comment}/edit", data={"body": f"Text {number}", "revision": str(number)})
        assert edit.status_code == 303
    refused = client.post(f"/comments/{comment}/edit", data={"body": TEXT, "revision": "20"})
    assert refused.status_code == 403
    assert "edited too many times" in refused.text
    assert KEPT in refused.text
    assert session.scalar(select(func.count()).select_from(CommentRevision)) == 20
    assert owner.post(f"/comments/{comment}/edit", data={"body": "Corrected", "revision": "20"}).status_code == 303


def test_first_and_latest_texts_of_a_comment_are_kept(app: Flask, comment: int, session: Session) -> None:
    with app.app_context(), write_transaction() as writer:
        for number in range(MAX_REVISIONS + 5):
            edit_comment(writer, comment, f"Text {number}", "<p>Text</p>", number, signed_in(), Rules("open", 0))
    kept = session.scalars(select(CommentRevision.body_source).order_by(CommentRevision.revision)).all()
    assert kept == ["First text", *(f"Text {number}" for number in range(5, MAX_REVISIONS + 4))]


@pytest.mark.parametrize(("homepage", "status"), [("", "pending"), ("https://spam.example", "spam")])
@pytest.mark.settings(COMMENT_MODERATION="all")
def test_restored_comment_awaits_approval_again_if_it_did_before(
    post: Post, owner: FlaskClient, app: Flask, session: Session, homepage: str, status: str
) -> None:
    links = "https://a.example https://b.example https://c.example"
    post("birds", body=f"Held back {links}", homepage=homepage)
    comment = session.scalars(select(Comment.id)).one()
    owner.post(f"/comments/{comment}/removal")
    assert session.scalars(select(Comment.status)).one() == "removed"
    assert owner.post(f"/comments/{comment}/restoration", headers=HTMX).status_code == 200
    assert session.scalars(select(Comment.status)).one() == status
    assert "Held back" not in app.test_client().get("/articles/birds").text


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_permalink_of_a_pending_comment_works_for_its_author_only(
    client: FlaskClient, comment: int, app: Flask
) -> None:
    answer = client.get(f"/comments/{comment}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/articles/birds#comment-{comment}"
    assert f'id="comment-{comment}"' in client.get("/articles/birds").text
    assert app.test_client().get(f"/comments/{comment}").status_code == 404


def test_render_command_renders_outdated_html_only(
    app: Flask, runner: FlaskCliRunner, comment: int, post: Post, session: Session
) -> None:
    post("birds", body="*Current*")
    with app.app_context(), write_transaction() as writer:
        writer.execute(
            update(Comment).where(Comment.id == comment).values(body_html="<p>outdated</p>", renderer_version=0)
        )
        db.session.expunge_all()
    assert runner.invoke(args=["comments", "render"]).output == "1 rendered\n"
    assert "First text" in session.scalars(select(Comment.body_html).where(Comment.id == comment)).one()
    assert runner.invoke(args=["comments", "render"]).output == "0 rendered\n"
