"""Redirects from the old addresses of articles whose titles have changed."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.articles.test_sources import load, write
from tests.view_counts.test_responder import ask, request

HTMX = {"HX-Request": "true"}
TEXT = "They sing all day long in the trees.\n"


def titled(title: str, more: str = "") -> str:
    return f"---\ntitle: {title}\n{more}---\n{TEXT}"


def test_changed_title_keeps_comments_and_redirects_the_old_address(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", titled("Brids sing", "views: 40\n")))
    client.post("/articles/brids-sing/views")
    client.post("/articles/brids-sing/comments", data={"author_name": "Ada", "body": "Before the change"})
    assert load(runner, write(tmp_path / "a.md", titled("Birds sing", "views: 99\n")))[0] == 0
    page = client.get("/articles/brids-sing")
    assert (page.status_code, page.headers["Location"]) == (301, "/articles/birds-sing")
    form = {"author_name": "Bob", "body": "After the change"}
    answer = client.post("/articles/brids-sing/comments", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (308, "/articles/birds-sing/comments")
    client.post(answer.headers["Location"], data=form)
    text = client.get("/articles/birds-sing").text
    assert "Before the change" in text
    assert "After the change" in text
    assert ">41 views</span>" in text
    assert ">2 comments</span>" in text


def test_old_addresses_redirect_after_several_title_changes(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    for title in ("One song", "Two songs", "Three songs", "One song"):
        assert load(runner, write(tmp_path / "a.md", titled(title)))[0] == 0
    assert client.get("/articles/one-song").status_code == 200
    for old in ("two-songs", "three-songs"):
        assert client.get(f"/articles/{old}").headers["Location"] == "/articles/one-song"


def test_another_article_cannot_use_an_old_address_as_its_slug(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", titled("One song")))
    load(runner, write(tmp_path / "a.md", titled("Two songs")))
    other = "---\ntitle: Other\nslug: one-song\n---\nSomething completely different.\n"
    code, output = load(runner, write(tmp_path / "b.md", other))
    assert code == 1
    assert "`one-song` is an old address of another article" in output
    assert client.get("/articles/one-song").status_code == 301


def test_page_that_was_opened_at_the_old_address_is_answered_there(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    for title in ("Brids", "Birds"):
        load(runner, write(tmp_path / "a.md", titled(title)))
    form = {"author_name": "Ada", "body": "Sent from the old page"}
    answer = client.post("/articles/brids/comments", data=form, headers=HTMX)
    assert answer.status_code == 201
    assert 'hx-post="/articles/birds/comments"' in answer.text
    assert client.post("/articles/brids/comments", data={"body": ""}, headers=HTMX).status_code == 422
    for query in ("", "?since=0"):
        answer = client.get(f"/articles/brids/comments{query}", headers=HTMX)
        assert answer.status_code == 200
        assert "Sent from the old page" in answer.text


def test_errors_for_a_page_at_the_old_address_are_those_of_the_new_one(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    for title in ("Brids", "Birds"):
        load(runner, write(tmp_path / "a.md", titled(title, "comments: false\n")))
    answer = client.get("/articles/brids/comments?since=0", headers=HTMX)
    assert answer.status_code == 404
    assert "data-error" in answer.text


def test_view_of_a_page_at_the_old_address_is_counted(
    runner: FlaskCliRunner, client: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    for title in ("Brids", "Birds"):
        load(runner, write(tmp_path / "a.md", titled(title)))
    environ = request("Ada", path="/articles/brids/views")
    assert ask(app, environ) is None  # as in the production server, which then calls Flask
    overrides = {name: value for name, value in environ.items() if name.startswith(("blogapp", "HTTP_", "REMOTE_"))}
    answer = client.post("/articles/brids/views", environ_overrides=overrides)
    assert answer.status_code == 200
    assert 'data-count="1"' in answer.text


def test_preview_from_a_page_at_the_old_address(runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path) -> None:
    for title in ("Brids", "Birds"):
        load(runner, write(tmp_path / "a.md", titled(title)))
    form = {"body": "*Nearly* done", "article": "brids"}
    assert "<em>Nearly</em>" in client.post("/comments/preview", data=form, headers=HTMX).text
    page = client.post("/comments/preview", data=form)
    assert page.status_code == 200
    assert 'action="/articles/birds/comments"' in page.text
    assert "*Nearly* done</textarea>" in page.text
