"""Moderation and closing for one article, locked threads and pinned threads."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from tests.comments.conftest import HTMX, Post, WriteComments

pytestmark = pytest.mark.usefixtures("article")


def threads(page: str) -> list[int]:
    return [
        int(number)
        for number in re.findall(
            r'class="item"[^>]*>\s*(?:<p.*?</p>\s*)?<article class="comment" id="comment-(\d+)"(?! data-parent)', page
        )
    ]


def without_version(page: str) -> str:
    """The page without the version that its refresh starts from."""
    return re.sub(r'name="since" value="\d+"', "", page)


def configure(owner: FlaskClient, **form: str) -> None:
    assert owner.post("/owner/comments/settings", data={"article": "birds", **form}).status_code == 303


@pytest.mark.settings(COMMENT_MODERATION="open")
def test_article_has_its_own_moderation(owner: FlaskClient, post: Post, app: Flask, session: Session) -> None:
    configure(owner, moderation="all")
    assert 'value="all" selected' in owner.get("/articles/birds").text
    assert post("birds", body="Held", htmx=True).status_code == 202
    configure(owner, moderation="first")
    assert post("birds", body="Held too", htmx=True).status_code == 202
    owner.post("/owner/comments/bulk", data={"all": "1", "status": "pending", "action": "approve"})
    assert post("birds", body="Known browser", htmx=True).status_code == 201
    copied = {"author_name": "Ada", "body": "A copied name"}
    assert app.test_client().post("/articles/birds/comments", data=copied, headers=HTMX).status_code == 202
    configure(owner, moderation="nonsense")
    assert (
        app.test_client().post("/articles/birds/comments", data=copied | {"body": "Open"}, headers=HTMX).status_code
        == 201
    )


@pytest.mark.settings(COMMENT_MODERATION="open")
def test_edit_follows_the_moderation_of_the_article(
    owner: FlaskClient, client: FlaskClient, comment: int, session: Session
) -> None:
    configure(owner, moderation="all")
    client.post(f"/comments/{comment}/edit", data={"body": "Exchanged", "revision": "0"})
    assert session.scalars(select(Comment.status)).one() == "pending"


@pytest.mark.parametrize("htmx", [True, False])
def test_closed_article_takes_no_comments_and_keeps_the_text(
    owner: FlaskClient, comment: int, post: Post, app: Flask, htmx: bool
) -> None:
    configure(owner, closed="1")
    page = app.test_client().get("/articles/birds").text
    assert "Comments are closed." in page
    assert "reply-link" not in page
    answer = post("birds", body="Too late", htmx=htmx)
    assert answer.status_code == 409
    assert "Too late</textarea>" in answer.text
    configure(owner)
    assert "Comments are closed." not in app.test_client().get("/articles/birds").text
    assert post("birds", body="In time").status_code == 303


@pytest.mark.parametrize("htmx", [True, False])
def test_locked_thread_takes_no_replies(
    owner: FlaskClient, comment: int, post: Post, app: Flask, session: Session, htmx: bool
) -> None:
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    post("birds", author_name="Eve", body="Other thread")
    reply = session.scalars(select(Comment.id).where(Comment.author_name == "Bob")).one()
    assert owner.post(f"/comments/{reply}/lock", data={"on": "1"}).status_code == 303
    page = app.test_client().get("/articles/birds").text
    assert page.count("This thread is locked.") == 1
    assert page.count('class="reply-link"') == 1
    for parent in (comment, reply):
        answer = post("birds", body="Late", parent_id=str(parent), htmx=htmx)
        assert answer.status_code == 409
        assert "This thread is locked." in answer.text
        assert "Late</textarea>" in answer.text
        assert app.test_client().get(f"/comments/{parent}/reply").status_code == 404
    assert (
        f'hx-target="#comment-{reply}"' in app.test_client().get("/articles/birds/comments?since=3", headers=HTMX).text
    )
    owner.post(f"/comments/{comment}/lock", data={"on": "0"})
    assert post("birds", body="In time", parent_id=str(reply)).status_code == 303


def test_pinned_thread_comes_first_and_only_once(
    owner: FlaskClient, write_comments: WriteComments, app: Flask, session: Session
) -> None:
    ids = write_comments(f"Thread {number}" for number in range(60))
    pinned, reader = ids[55], app.test_client()
    assert owner.post(f"/comments/{pinned}/pin", data={"on": "1"}).status_code == 303
    first = reader.get("/articles/birds").text
    assert threads(first) == [pinned, *ids[:50]]
    assert first.count("Pinned") == 1
    rest = reader.get("/articles/birds/comments?before=50", headers=HTMX).text
    assert threads(rest) == [each for each in ids[50:] if each != pinned]
    newest = threads(reader.get("/articles/birds?sort=newest").text)
    assert newest == [pinned, *[each for each in reversed(ids[10:]) if each != pinned]]
    assert pinned in threads(reader.get(f"/articles/birds/comments?at={pinned}").text)
    owner.post(f"/comments/{pinned}/removal")
    assert threads(reader.get("/articles/birds").text) == ids[:50]
    owner.post(f"/comments/{pinned}/restoration")
    owner.post(f"/comments/{pinned}/pin", data={"on": "0"})
    unpinned = reader.get("/articles/birds").text
    assert threads(unpinned) == ids[:50]
    assert "Pinned" not in unpinned


@pytest.mark.parametrize(
    ("noun", "on", "notice", "sentence", "button"),
    [
        ("lock", "1", "locked", "The thread is locked.", "Unlock thread"),
        ("lock", "0", "unlocked", "The thread is no longer locked.", "Lock thread"),
        ("pin", "1", "pinned", "The thread is pinned.", "Unpin"),
        ("pin", "0", "unpinned", "The thread is no longer pinned.", "Pin"),
    ],
)
def test_answer_to_lock_and_pin_says_what_was_done(
    owner: FlaskClient, comment: int, app: Flask, noun: str, on: str, notice: str, sentence: str, button: str
) -> None:
    address, shown = f"/comments/{comment}/{noun}", rf'<p id="status" role="status"[^>]*>{sentence}'
    owner.post(address, data={"on": "0" if on == "1" else "1"})
    answer = owner.post(address, data={"on": on}, headers=HTMX)
    assert answer.status_code == 200
    assert f'hx-target="#comment-{comment}" hx-swap="outerMorph"' in answer.text
    assert f">{button}</button>" in answer.text
    assert re.search(shown, answer.text)
    page = owner.post(address, data={"on": on})
    assert page.headers["Location"] == f"/articles/birds?notice={notice}#comments"
    assert re.search(shown, owner.get(page.headers["Location"]).text)
    assert not re.search(shown, app.test_client().get(page.headers["Location"]).text)


def test_pin_on_an_open_page_replaces_the_pinned_thread(owner: FlaskClient, write_comments: WriteComments) -> None:
    first, second = write_comments(["First", "Second"])
    owner.post(f"/comments/{first}/pin", data={"on": "1"})
    answer = owner.post(f"/comments/{second}/pin", data={"on": "1"}, headers=HTMX).text
    changes = re.findall(r'hx-target="#comment-(\d+)" hx-swap="outerMorph">.*?>(Pin|Unpin)</button>', answer, re.DOTALL)
    assert changes == [(str(second), "Unpin"), (str(first), "Pin")]
    assert f'hx-target="#comment-{second}" hx-swap="beforebegin"><p class="pinned">Pinned</p>' in answer


def test_only_owners_change_settings_lock_and_pin(client: FlaskClient, comment: int, session: Session) -> None:
    for address in (f"/comments/{comment}/lock", f"/comments/{comment}/pin", "/owner/comments/settings"):
        assert client.post(address, data={"on": "1", "article": "birds", "closed": "1"}).status_code == 401
    assert session.scalars(select(Comment.is_locked)).one() is False
    assert "article-settings" not in client.get("/articles/birds").text


def test_reply_or_unknown_article_cannot_be_configured(
    owner: FlaskClient, comment: int, post: Post, session: Session
) -> None:
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    reply = session.scalars(select(Comment.id).where(Comment.author_name == "Bob")).one()
    assert owner.post(f"/comments/{reply}/pin", data={"on": "1"}).status_code == 404
    assert owner.post("/owner/comments/settings", data={"article": "nowhere"}).status_code == 404


@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.settings(COMMENT_CLOSED="on")
def test_article_can_be_kept_open_while_the_site_is_closed(
    owner: FlaskClient, post: Post, app: Flask, article: Article, htmx: bool
) -> None:
    assert "Comments are closed." in app.test_client().get("/articles/birds").text
    assert post("birds", body="Too late", htmx=htmx).status_code == 409
    configure(owner, closed="0")
    assert "Comments are closed." not in app.test_client().get("/articles/birds").text
    assert post("birds", body="In time", htmx=htmx).status_code == (201 if htmx else 303)
    configure(owner, closed="1")
    assert post("birds", body="Too late again", htmx=htmx).status_code == 409


@pytest.mark.settings(COMMENT_CLOSE_DAYS="1")
def test_article_can_be_kept_open_in_spite_of_its_age(owner: FlaskClient, post: Post, article: Article) -> None:
    assert post("birds", body="Too late").status_code == 409
    configure(owner, closed="0")
    assert post("birds", body="In time").status_code == 303


def test_owner_closes_and_opens_comments_on_the_whole_site(
    owner: FlaskClient, comment: int, post: Post, app: Flask
) -> None:
    settings = {"site_title": "Birds", "lang": "en", "time_zone": "UTC"}
    assert "Comments are closed." not in app.test_client().get("/articles/birds").text
    assert owner.post("/owner/settings", data={**settings, "closed": "True"}).status_code == 303
    assert '<option value="True" selected>' in owner.get("/owner/settings").text
    assert "Comments are closed." in app.test_client().get("/articles/birds").text
    assert post("birds", body="Too late").status_code == 409
    assert owner.post("/owner/settings", data={**settings, "closed": "x"}).status_code == 422
    assert owner.post("/owner/settings", data={**settings, "closed": "False"}).status_code == 303
    assert post("birds", body="In time").status_code == 303
