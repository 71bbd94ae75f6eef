"""Suspected spam awaits approval and is never discarded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from tests.comments.conftest import Post

pytestmark = pytest.mark.usefixtures("article")


def status_of(session: Session, text: str) -> str:
    return session.scalars(select(Comment.status).where(Comment.body_source == text)).one()


def reasons_of(session: Session, text: str) -> list[str]:
    found = session.scalars(select(Comment).where(Comment.body_source == text)).one()
    return [sign for sign, _ in found.reasons or []]


@pytest.mark.parametrize("htmx", [True, False])
def test_comment_with_the_hidden_field_filled_in_awaits_approval_with_its_reason(
    post: Post, session: Session, app: Flask, owner: FlaskClient, htmx: bool
) -> None:
    answer = post("birds", body="Buy", homepage="https://spam.example", htmx=htmx)
    assert answer.status_code == (202 if htmx else 303)
    assert status_of(session, "Buy") == "pending"
    assert reasons_of(session, "Buy") == ["trap"]
    assert "Buy" not in app.test_client().get("/articles/birds").text
    assert "Password managers sometimes do that, too." in owner.get("/owner/comments").text


def test_several_signs_together_are_spam(post: Post, session: Session, owner: FlaskClient) -> None:
    text = "https://a.example https://b.example https://c.example"
    post("birds", body=text, homepage="x")
    assert status_of(session, text) == "spam"
    assert reasons_of(session, text) == ["trap", "links"]
    page = owner.get("/owner/comments?status=spam").text
    assert "3 links" in page


def test_same_long_text_on_other_articles_awaits_approval(
    app: Flask, session: Session, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="fish", title="Fish")
    long = "An honest opinion about everything that was ever written"
    for slug, body in (("birds", long), ("birds", "Thanks!"), ("fish", "thanks!"), ("fish", long.upper())):
        form = {"author_name": "Eve", "body": body}
        place = {"REMOTE_ADDR": f"192.0.{len(slug + body)}.1"}
        app.test_client().post(f"/articles/{slug}/comments", data=form, environ_overrides=place)
    assert status_of(session, "thanks!") == "published"
    assert status_of(session, long.upper()) == "pending"
    assert reasons_of(session, long.upper()) == ["repeated"]


def test_quick_comments_of_one_network_are_noted_but_not_held(app: Flask, session: Session) -> None:
    for number in range(2):
        form = {"author_name": f"Pupil {number}", "body": f"From our class {number}"}
        app.test_client().post("/articles/birds/comments", data=form)
    assert status_of(session, "From our class 1") == "published"
    assert reasons_of(session, "From our class 1") == ["fast"]


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("Вuу сhеар thіngs hеrе", True),  # Cyrillic letters inside Latin words
        ("Привет, это обычный комментарий", False),
        ("The angle Δt and β-carotene, ΔTmax", False),
        ("L’été à Königsberg: Ναι, Да, כן", False),
    ],
)
def test_words_of_mixed_alphabets_await_approval(post: Post, session: Session, text: str, is_held: bool) -> None:
    post("birds", body=text)
    assert (status_of(session, text) == "pending") is is_held


@pytest.mark.parametrize(
    ("terms", "text", "is_spam"),
    [
        ("cheap pills\n", "Buy CHEAP  pills!", True),
        ("pill", "Caterpillar and pills", False),
        ("https://Shop.Example/x", "See https://www.shop.example/y", True),
        ("shop.example", "See https://workshop.example", False),
        ("\n  \n...\n", "Anything...", False),
        ("éclair", "Un Éclair", True),
        ("Agent:  FIREFOX/145", "Posted with the test's browser", True),
        ("agent: python-requests", "Requests in python are fun", False),
        ("agent:", "Everything", False),
    ],
)
def test_owners_list_marks_comments_as_spam(
    owner: FlaskClient, post: Post, session: Session, terms: str, text: str, is_spam: bool
) -> None:
    post("birds", body="Read the list before it is changed")
    assert owner.post("/owner/comments/rules", data={"terms": terms}).status_code == 303
    post("birds", body=text)
    assert (status_of(session, text) == "spam") is is_spam
    page = owner.get("/owner/comments/rules").text
    assert "</textarea>" in page


def test_edit_is_judged_again_and_its_reasons_are_kept(client: FlaskClient, comment: int, session: Session) -> None:
    text = "https://a.example https://b.example https://c.example"
    client.post(f"/comments/{comment}/edit", data={"body": text, "revision": "0"})
    assert status_of(session, text) == "pending"
    assert reasons_of(session, text) == ["links"]


@pytest.mark.parametrize("htmx", [True, False])
def test_comment_with_more_than_two_links_awaits_approval(post: Post, session: Session, htmx: bool) -> None:
    text = "https://a.example https://b.example https://c.example"
    answer = post("birds", body=text, htmx=htmx)
    assert answer.status_code == (202 if htmx else 303)
    assert status_of(session, text) == "pending"
    assert post("birds", body="https://a.example https://b.example", htmx=htmx).status_code == (201 if htmx else 303)


def test_same_text_by_another_visitor_awaits_approval(app: Flask, session: Session) -> None:
    for number in (1, 2):
        answer = app.test_client().post(
            "/articles/birds/comments",
            data={"author_name": f"Visitor {number}", "body": "Great  post!" if number == 1 else "great post!"},
            environ_overrides={"REMOTE_ADDR": f"192.0.{number}.1"},
        )
        assert answer.status_code == 303
    assert status_of(session, "Great  post!") == "published"
    assert status_of(session, "great post!") == "pending"


def test_pending_comment_is_visible_to_its_author_only(post: Post, client: FlaskClient, app: Flask) -> None:
    answer = post("birds", body="https://a.example https://b.example https://c.example secret")
    assert "notice=waiting" in answer.headers["Location"]
    own = client.get(answer.headers["Location"])
    assert "secret" in own.text
    assert "Awaiting approval. Only you can see it." in own.text
    assert "Your comment is awaiting approval." in own.text
    assert own.headers["Cache-Control"] == "private, no-store"
    assert 'data-count="0"' in own.text
    stranger = app.test_client()
    assert "secret" not in stranger.get("/articles/birds").text
    assert "secret" not in stranger.get("/articles/birds/comments?since=0", headers={"HX-Request": "true"}).text
    stranger.set_cookie("visitor", "A" * 43)
    assert "secret" not in stranger.get("/articles/birds").text


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_every_comment_awaits_approval_with_moderation_all(post: Post) -> None:
    assert post("birds", body="Hello", htmx=True).status_code == 202


@pytest.mark.settings(COMMENT_MODERATION="first")
def test_moderation_first_publishes_comments_of_approved_authors(
    post: Post, session: Session, runner: FlaskCliRunner
) -> None:
    assert post("birds", body="Hello", htmx=True).status_code == 202
    number = session.scalars(select(Comment.id)).one()
    assert runner.invoke(args=["comments", "approve", str(number)]).exit_code == 0
    assert post("birds", body="Hello again", htmx=True).status_code == 201


def test_owner_lists_approves_and_removes_on_the_command_line(
    post: Post, app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    post("birds", body="Buy now", homepage="x")
    number = str(session.scalars(select(Comment.id)).one())
    listed = runner.invoke(args=["comments", "list", "--pending"])
    assert number in listed.output
    assert "pending" in listed.output
    assert "Buy now" in listed.output
    assert runner.invoke(args=["comments", "approve", number]).output == f"approved {number}\n"
    assert runner.invoke(args=["comments", "approve", number]).exit_code == 0
    reader = app.test_client()
    page = reader.get("/articles/birds").text
    assert "Buy now" in page
    assert 'data-count="1"' in page
    assert runner.invoke(args=["comments", "remove", number]).exit_code == 0
    page = reader.get("/articles/birds").text
    assert "Buy now" not in page
    assert 'data-count="0"' in page
    assert reader.get(f"/comments/{number}").status_code == 404
    unknown = runner.invoke(args=["comments", "approve", "4711"])
    assert unknown.exit_code == 1
    assert "There is no comment 4711." in unknown.output


def test_removed_comment_with_replies_leaves_a_placeholder_without_name_or_text(
    post: Post, app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    post("birds", author_name="Gone", body="Removed text")
    first = session.scalars(select(Comment.id)).one()
    post("birds", author_name="Bob", body="Answer", parent_id=str(first))
    second = session.scalars(select(Comment.id).order_by(Comment.id.desc())).first()
    runner.invoke(args=["comments", "remove", str(first)])
    page = app.test_client().get("/articles/birds").text
    assert "Removed text" not in page
    assert "Gone" not in page
    assert "Removed by the site owner." in page
    assert "Answer" in page
    assert 'id="comment-count" data-count="1"' in page
    runner.invoke(args=["comments", "remove", str(second)])
    page = app.test_client().get("/articles/birds").text
    assert "Removed by the site owner." not in page
    runner.invoke(args=["comments", "approve", str(second)])
    assert "Removed by the site owner." in app.test_client().get("/articles/birds").text
