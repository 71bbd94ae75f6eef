"""Remove, restore, approve and delete comments; each decision is recorded."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.comments.models import Comment, CommentDecision, CommentRevision, Conversation, Like
from blogapp.comments.undo import UNDO_PERIOD
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX, OWNER, Post
from tests.comments.test_article_settings import without_version

pytestmark = pytest.mark.usefixtures("article")


def acts(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(CommentDecision).order_by(CommentDecision.id)).all()
    return [(row.act, row.actor, row.status_before) for row in rows]


def press(owner: FlaskClient, comment: int, noun: str, htmx: bool, **fields: str) -> str:
    """Press a button of a comment; returns the page that follows."""
    answer = owner.post(f"/comments/{comment}/{noun}", data=fields, headers=HTMX if htmx else {})
    assert answer.status_code == (200 if htmx else 303)
    return answer.text if htmx else owner.get(answer.headers["Location"]).text


def batch_in(page: str) -> str:
    found = re.search(r'action="/owner/comments/undo".*?name="batch" value="(\d+)"', page, re.DOTALL)
    assert found is not None
    return found[1]


def undo(owner: FlaskClient, page: str, htmx: bool = False) -> int:
    headers = HTMX if htmx else {}
    return owner.post("/owner/comments/undo", data={"batch": batch_in(page)}, headers=headers).status_code


def state(session: Session, comment: int) -> tuple[str, int]:
    """The status of the comment, and the number of published comments of its article."""
    found = session.scalars(select(Comment).where(Comment.id == comment)).one()
    status, article_id = found.status, found.article_id
    count = select(Conversation.comment_count).where(Conversation.article_id == article_id)
    return status, session.scalars(count).one()


@pytest.mark.parametrize("htmx", [True, False])
def test_owner_removes_and_restores_a_readers_comment(
    owner: FlaskClient, comment: int, app: Flask, session: Session, htmx: bool
) -> None:
    assert f'formaction="/comments/{comment}/removal"' in owner.get("/articles/birds").text
    assert "The comment is removed." in press(owner, comment, "removal", htmx)
    assert "First text" not in app.test_client().get("/articles/birds").text
    assert state(session, comment) == ("removed", 0)
    assert "The comment is restored." in press(owner, comment, "restoration", htmx)
    assert "First text" in app.test_client().get("/articles/birds").text
    assert state(session, comment) == ("published", 1)
    assert acts(session) == [("remove", "owner", "published"), ("restore", "owner", "removed")]


@pytest.mark.settings(COMMENT_MODERATION="all")
@pytest.mark.parametrize("htmx", [True, False])
def test_owner_approves_a_comment(owner: FlaskClient, comment: int, app: Flask, session: Session, htmx: bool) -> None:
    assert "The comment is published." in press(owner, comment, "approval", htmx, revision="0")
    assert "First text" in app.test_client().get("/articles/birds").text
    assert state(session, comment) == ("published", 1)
    assert acts(session) == [("approve", "owner", "pending")]


@pytest.mark.parametrize("htmx", [True, False])
def test_owner_marks_a_comment_as_spam(
    owner: FlaskClient, client: FlaskClient, comment: int, app: Flask, session: Session, htmx: bool
) -> None:
    assert "The comment is marked as spam." in press(owner, comment, "spam", htmx)
    assert "First text" not in app.test_client().get("/articles/birds").text
    assert "Awaiting approval. Only you can see it." in client.get("/articles/birds").text
    assert state(session, comment) == ("spam", 0)


@pytest.mark.parametrize("htmx", [True, False])
def test_deletion_for_good_erases_everything_about_a_comment(
    owner: FlaskClient, client: FlaskClient, comment: int, app: Flask, session: Session, htmx: bool
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    app.test_client().post(f"/comments/{comment}/likes")
    form = {"author_name": "Bob", "body": "Answer", "parent_id": str(comment)}
    app.test_client().post("/articles/birds/comments", data=form)
    headers = HTMX if htmx else {}
    question = owner.get(f"/comments/{comment}/erasure", headers=headers).text
    assert "Delete this comment for good?" in question
    assert f'action="/comments/{comment}/erasure"' in question
    assert "The comment is deleted for good." in press(owner, comment, "erasure", True)
    page = app.test_client().get("/articles/birds").text
    assert "Second text" not in page
    assert "This comment has been deleted." in page
    assert "Answer" in page
    assert state(session, comment) == ("erased", 1)
    erased = session.scalars(select(Comment).where(Comment.id == comment)).one()
    assert (erased.author_name, erased.body_source, erased.body_html, erased.body_digest) == ("", "", "", b"")
    assert (erased.author_token_hash, erased.digest, erased.like_count) == (None, None, 0)
    assert session.scalars(select(CommentRevision)).all() == []
    assert session.scalars(select(Like)).all() == []


@pytest.mark.parametrize("noun", ["approval", "spam", "removal", "restoration", "erasure"])
def test_deleted_comment_cannot_be_decided_about(
    owner: FlaskClient, client: FlaskClient, comment: int, session: Session, noun: str
) -> None:
    client.post(f"/comments/{comment}/delete")
    assert owner.post(f"/comments/{comment}/{noun}", data={"revision": "0"}).status_code == 409
    assert owner.post(f"/comments/4711/{noun}").status_code == 404
    assert state(session, comment) == ("deleted", 0)


@pytest.mark.settings(COMMENT_MODERATION="all")
@pytest.mark.parametrize("htmx", [True, False])
def test_approval_is_asked_again_if_the_author_has_changed_the_text(
    owner: FlaskClient, client: FlaskClient, comment: int, session: Session, htmx: bool
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Exchanged", "revision": "0"})
    headers = HTMX if htmx else {}
    answer = owner.post(f"/comments/{comment}/approval", data={"revision": "0"}, headers=headers)
    assert answer.status_code == 409
    assert "has been edited" in answer.text
    assert "<p>Exchanged</p>" in answer.text
    assert 'name="revision" value="1"' in answer.text
    assert state(session, comment) == ("pending", 0)
    press(owner, comment, "approval", htmx, revision="1")
    assert state(session, comment) == ("published", 1)


@pytest.mark.settings(COMMENT_MODERATION="all")
@pytest.mark.parametrize("noun", ["approval", "spam", "removal"])
@pytest.mark.parametrize("htmx", [True, False])
def test_decision_can_be_undone(owner: FlaskClient, comment: int, session: Session, noun: str, htmx: bool) -> None:
    page = press(owner, comment, noun, htmx, revision="0")
    assert undo(owner, page, htmx) == (200 if htmx else 303)
    assert state(session, comment) == ("pending", 0)
    assert acts(session)[-1][0] == "undo"
    assert undo(owner, page, htmx) == 409


def test_undone_removal_shows_the_comment_and_its_placeholders_again(
    owner: FlaskClient, comment: int, post: Post, app: Flask
) -> None:
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    before = app.test_client().get("/articles/birds").data
    page = press(owner, comment, "removal", True)
    assert app.test_client().get("/articles/birds").data != before
    undo(owner, page)
    after = app.test_client().get("/articles/birds").text
    assert "First text" in after
    assert 'id="comment-count" data-count="2"' in after


def test_late_or_overtaken_undo_changes_nothing(
    owner: FlaskClient, comment: int, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = press(owner, comment, "spam", True)
    second = press(owner, comment, "removal", True)
    assert undo(owner, first) == 409
    later = clock.now() + UNDO_PERIOD + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert undo(owner, second) == 409
    assert state(session, comment) == ("removed", 0)


def test_undo_does_not_publish_a_text_that_was_changed_since(
    owner: FlaskClient, comment: int, session: Session, app: Flask
) -> None:
    approved = press(owner, comment, "approval", True, revision="0")
    assert approved
    page = press(owner, comment, "spam", True)
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).where(Comment.id == comment).values(revision=1, body_source="Changed"))
    assert undo(owner, page) == 409
    assert state(session, comment) == ("spam", 0)


@pytest.mark.parametrize("noun", ["approval", "spam", "removal", "restoration", "erasure"])
def test_only_a_signed_in_owner_decides(client: FlaskClient, comment: int, session: Session, noun: str) -> None:
    for headers in ({}, HTMX):
        answer = client.post(f"/comments/{comment}/{noun}", data={"revision": "0"}, headers=headers)
        assert answer.status_code == 401
        assert "Your session has ended." in answer.text
    forged = client.post(f"/comments/{comment}/{noun}", headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 403
    assert state(session, comment) == ("published", 1)


def test_owners_delete_of_a_readers_comment_only_removes_it(
    owner: FlaskClient, comment: int, post: Post, app: Flask, session: Session
) -> None:
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    assert owner.post(f"/comments/{comment}/delete").status_code == 303
    page = app.test_client().get("/articles/birds").text
    assert "Removed by the site owner." in page
    assert "Deleted by its author." not in page
    assert session.scalars(select(Comment.body_source).where(Comment.id == comment)).one() == "First text"


def test_authors_deletion_is_recorded(client: FlaskClient, comment: int, session: Session) -> None:
    client.post(f"/comments/{comment}/delete")
    assert acts(session) == [("delete", "author", "published")]


def test_edit_by_the_owner_shows_the_owners_name(owner: FlaskClient, comment: int, app: Flask) -> None:
    owner.post(f"/comments/{comment}/edit", data={"body": "Corrected", "revision": "0"})
    assert f"edited by {OWNER}" in app.test_client().get("/articles/birds").text


def test_authors_edit_of_the_owners_text_awaits_approval(
    owner: FlaskClient, client: FlaskClient, comment: int, app: Flask
) -> None:
    owner.post(f"/comments/{comment}/edit", data={"body": "Corrected", "revision": "0"})
    client.post(f"/comments/{comment}/edit", data={"body": "The insult again", "revision": "1"})
    assert "insult" not in app.test_client().get("/articles/birds").text


@pytest.mark.parametrize("act", ["approve", "remove"])
def test_deleted_comment_cannot_be_approved_or_removed(
    client: FlaskClient, comment: int, runner: FlaskCliRunner, session: Session, act: str
) -> None:
    client.post(f"/comments/{comment}/delete")
    done = runner.invoke(args=["comments", act, str(comment)])
    assert done.exit_code == 1
    assert "has been deleted" in done.output
    assert session.scalars(select(Comment.status)).one() == "deleted"


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_approval_needs_the_revision_that_was_read(
    client: FlaskClient, comment: int, runner: FlaskCliRunner, session: Session
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Exchanged", "revision": "0"})
    for stale in (str(comment), f"{comment}@0"):
        done = runner.invoke(args=["comments", "approve", stale])
        assert done.exit_code == 1
        assert f"{comment}@1" in done.output
    assert session.scalars(select(Comment.status)).one() == "pending"
    assert f"{comment}@1" in runner.invoke(args=["comments", "list"]).output
    assert runner.invoke(args=["comments", "approve", f"{comment}@1"]).exit_code == 0
    assert session.scalars(select(Comment.status)).one() == "published"


def test_edit_to_the_text_of_somebody_else_awaits_approval(post: Post, app: Flask, session: Session) -> None:
    post("birds", body="Buy my pills")
    other = app.test_client()
    other.post("/articles/birds/comments", data={"author_name": "Eve", "body": "Hello"})
    number = session.scalars(select(Comment.id).where(Comment.author_name == "Eve")).one()
    other.post(f"/comments/{number}/edit", data={"body": "buy  my pills", "revision": "0"})
    assert session.scalars(select(Comment.status).where(Comment.id == number)).one() == "pending"


def test_same_text_after_an_edit_is_a_new_comment(
    client: FlaskClient, comment: int, post: Post, session: Session
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Second text", "revision": "0"})
    assert post("birds", author_name="Ada", body="First text", htmx=True).status_code == 201
    assert set(session.scalars(select(Comment.body_source))) == {"First text", "Second text"}


def test_post_with_the_earlier_text_of_an_edited_comment_is_a_new_comment(
    comment: int, client: FlaskClient, app: Flask
) -> None:
    client.post(f"/comments/{comment}/edit", data={"body": "Other words", "revision": "0"})
    form = {"author_name": "Ada", "body": "First text"}
    answer = app.test_client().post("/articles/birds/comments", data=form)
    assert not answer.headers["Location"].endswith(f"#comment-{comment}")


def test_removed_comment_posted_again_awaits_approval(
    comment: int, runner: FlaskCliRunner, post: Post, session: Session
) -> None:
    runner.invoke(args=["comments", "remove", str(comment)])
    assert post("birds", author_name="Ada", body="First text", htmx=True).status_code == 202
    assert session.scalars(select(Comment.status).order_by(Comment.id)).all() == ["removed", "pending"]


@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.settings(COMMENT_MODERATION="all")
def test_name_of_a_pending_comment_is_not_disclosed(comment: int, app: Flask, htmx: bool) -> None:
    stranger = app.test_client()
    headers = HTMX if htmx else {}
    form = {"body": "", "author_name": "Eve", "parent_id": str(comment), "article": "birds"}
    for address in ("/articles/birds/comments", "/comments/preview"):
        assert "Ada" not in stranger.post(address, data=form, headers=headers).text


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_owner_sees_pending_comments_in_their_place_on_the_page(
    owner: FlaskClient, comment: int, client: FlaskClient, app: Flask, session: Session
) -> None:
    owner.post(f"/comments/{comment}/approval", data={"revision": "0"})
    before = without_version(app.test_client().get("/articles/birds").text)
    for body, parent in (("Held reply", str(comment)), ("Held thread", ""), ("Held spam", "")):
        form = {"author_name": "Bob", "body": body, "parent_id": parent}
        app.test_client().post("/articles/birds/comments", data=form)
    reply, _, spam = session.scalars(select(Comment.id).where(Comment.author_name == "Bob").order_by(Comment.id)).all()
    owner.post(f"/comments/{spam}/spam")
    for headers, address in (({}, "/articles/birds"), (HTMX, "/articles/birds/comments")):
        page = owner.get(address, headers=headers).text
        replies = page[page.index(f'id="comment-{comment}"') :].split('<ol class="replies">')[1].split("</ol>")[0]
        assert "Held reply" in replies
        assert f'formaction="/comments/{reply}/approval"' in replies
        assert "Held thread" in page
        assert "Held spam" not in page
        assert "Only you can see it" not in page
    assert owner.get(f"/comments/{reply}").location == f"/articles/birds#comment-{reply}"
    assert without_version(app.test_client().get("/articles/birds").text) == before
