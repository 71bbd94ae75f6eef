"""The search index follows every change of an article or a comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.bulk import decide_about_many
from blogapp.comments.decisions import Decider
from blogapp.comments.models import BY_OWNER, Comment
from blogapp.comments.undo import undo
from blogapp.db.base import db
from blogapp.db.search_index import SearchArticle, SearchComment
from blogapp.db.transactions import write_transaction
from blogapp.search.indexing import index_articles, index_comments, is_incomplete
from tests.search.conftest import Search

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

PASSWORD = "correct horse battery"
FORM = {"title": "Owls", "body": "Barn owls.", "slug": "", "lang": "en", "summary": "", "tags": "", "published_at": ""}


@pytest.fixture
def birds(publish_article: Publish) -> Article:
    return publish_article(slug="birds", title="Birds", body="They sing.")


@pytest.fixture
def owner(app: Flask, runner: FlaskCliRunner) -> FlaskClient:
    runner.invoke(args=["owner", "create", "--name", "Marie", "--password", PASSWORD])
    client = app.test_client()
    assert client.post("/owner/sign-in", data={"name": "Marie", "password": PASSWORD}).status_code == 303
    return client


@pytest.fixture(autouse=True)
def consistent(app: Flask) -> Iterator[None]:
    """After each test, exactly the published comments are in the index, and FTS5's own index fits its table."""
    yield
    with app.app_context():
        published = set(db.session.scalars(select(Comment.id).where(Comment.status == "published")))
        assert set(db.session.scalars(select(SearchComment.comment_id))) == published
        if db.engine.dialect.name == "sqlite":
            for table in ("fts_search_articles", "fts_search_comments"):
                db.session.execute(text(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)"))
        db.session.rollback()


def test_comment_is_found_from_its_posting_to_its_removal(
    birds: Article, post: Post, search: Search, runner: FlaskCliRunner
) -> None:
    post("birds", body="A heron")
    assert search("heron", comments=True) == ["Ada on “Birds”"]
    runner.invoke(args=["comments", "remove", "1"])
    assert search("heron", comments=True) == []


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_comment_that_awaits_approval_is_not_found_until_it_is_approved(
    birds: Article, post: Post, search: Search, runner: FlaskCliRunner
) -> None:
    post("birds", body="A heron")
    assert search("heron", comments=True) == []
    runner.invoke(args=["comments", "approve", "1"])
    assert search("heron", comments=True) == ["Ada on “Birds”"]


@pytest.mark.parametrize("decision", ["spam", "removal", "erasure"])
def test_comment_that_the_owner_withdraws_is_no_longer_found(
    birds: Article, post: Post, search: Search, owner: FlaskClient, decision: str
) -> None:
    post("birds", body="A heron")
    owner.post(f"/comments/1/{decision}", headers={"HX-Request": "true"})
    assert search("heron", comments=True) == []
    if decision == "removal":
        owner.post("/comments/1/restoration", headers={"HX-Request": "true"})
        assert search("heron", comments=True) == ["Ada on “Birds”"]


def test_edited_and_deleted_comments(birds: Article, client: FlaskClient, post: Post, search: Search) -> None:
    post("birds", body="A heron")
    client.post("/comments/1/edit", data={"body": "An osprey", "revision": "0"})
    assert search("heron", comments=True) == []
    assert search("osprey", comments=True) == ["Ada on “Birds”"]
    client.post("/comments/1/delete")
    assert search("osprey", comments=True) == []


def test_erased_words_are_no_longer_in_the_index(
    birds: Article, post: Post, owner: FlaskClient, session: Session
) -> None:
    post("birds", body="A heron")
    owner.post("/comments/1/erasure", headers={"HX-Request": "true"})
    assert session.scalars(select(SearchComment.words)).all() == []


def test_decisions_about_many_comments_and_their_undoing(
    app: Flask, birds: Article, post: Post, search: Search
) -> None:
    for number in range(3):
        post("birds", body=f"Heron {number}")
    decider = Decider(BY_OWNER, None, batch=7)
    with app.app_context():
        decide_about_many(db.session(), "remove", Comment.id > 0, decider, clock.now())
    assert search("heron", comments=True) == []
    with app.app_context():
        undo(db.session(), 7, decider, clock.now())
    assert len(search("heron", comments=True)) == 3


def test_draft_unlisted_scheduled_and_unpublished_articles_are_not_found(
    app: Flask, publish_article: Publish, search: Search
) -> None:
    publish_article(slug="draft", title="Heron draft", draft=True)
    publish_article(slug="scheduled", title="Heron scheduled", published_at=clock.now() + timedelta(days=1))
    for status in ("unlisted", "unpublished", "deleted", "draft"):
        publish_article(slug=status, title=f"Heron {status}")
        with app.app_context(), write_transaction() as session:
            session.execute(update(Article).where(Article.slug == status).values(status=status))
    assert search("heron") == []


def test_comments_on_an_unlisted_article_are_not_found(app: Flask, birds: Article, post: Post, search: Search) -> None:
    post("birds", body="A heron")
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(status="unlisted"))
    assert search("heron", comments=True) == []


def test_scheduled_article_is_found_when_its_time_has_come(
    app: Flask, publish_article: Publish, search: Search
) -> None:
    publish_article(title="Heron", published_at=clock.now() + timedelta(days=1))
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(published_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert search("heron") == ["Heron"]


def test_article_is_found_from_its_publication_in_the_editor_until_it_is_in_the_bin(
    owner: FlaskClient, search: Search
) -> None:
    form = {**FORM, "editor": "x" * 22, "revision": "0", "sequence": "1"}
    owner.post("/owner/articles/new", data={**form, "action": "save"})
    assert search("barn") == []
    send(owner, {"action": "publish"})
    assert search("barn") == ["Owls"]
    send(owner, {"action": "save", "body": "Eagle owls."})
    assert search("eagle") == []
    send(owner, {"action": "publish", "body": "Eagle owls.", "title": "Eagles"})
    assert search("eagle") == ["Eagles"]
    assert search("barn") == []
    send(owner, {"action": "unpublish", "body": "Eagle owls.", "title": "Eagles"})
    assert search("eagle") == []
    send(owner, {"action": "publish", "body": "Eagle owls.", "title": "Eagles"})
    send(owner, {"action": "delete", "body": "Eagle owls.", "title": "Eagles"})
    assert search("eagle") == []
    owner.post("/owner/articles/1/restoration")
    assert search("eagle") == ["Eagles"]


def send(owner: FlaskClient, fields: dict[str, str]) -> None:
    """Send the form of the editor as it is, with other values in some fields."""
    page = owner.get("/owner/articles/1/edit").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert owner.post("/owner/articles/1/edit", data={**FORM, **hidden, **fields}).status_code in {200, 303}


def test_changed_file_is_found_with_its_new_words(runner: FlaskCliRunner, search: Search, tmp_path: Path) -> None:
    file = tmp_path / "owls.md"
    for word in ("barn", "eagle"):
        file.write_text(f"---\ntitle: Owls\ndate: 2026-01-02\n---\nAn {word} owl.\n")
        assert runner.invoke(args=["articles", "import", str(file)]).exit_code == 0
        assert search(word) == ["Owls"]
    assert search("barn") == []


def test_deleting_an_article_deletes_its_terms_and_those_of_its_comments(
    app: Flask, birds: Article, post: Post, session: Session
) -> None:
    post("birds", body="A heron")
    with app.app_context(), write_transaction() as writer:
        writer.execute(delete(Article))
    assert session.scalars(select(SearchArticle.article_id)).all() == []


def test_missing_and_outdated_rows_are_made_again(app: Flask, birds: Article, post: Post, search: Search) -> None:
    post("birds", body="A heron")
    post("birds", body="An osprey")
    with app.app_context():
        with write_transaction() as writer:
            writer.execute(delete(SearchArticle))
            writer.execute(delete(SearchComment).where(SearchComment.comment_id == 1))
            stale = {"version": 0, "words": "", "terms": ""}
            writer.execute(update(SearchComment).values(stale))
        assert search("osprey", comments=True) == []
        assert is_incomplete(db.session())
        assert sum(index_articles(db.session())) == 1
        assert sum(index_comments(db.session())) == 2
        assert not is_incomplete(db.session())
    assert search("birds") == ["Birds"]
    assert search("heron", comments=True) == search("osprey", comments=True) == ["Ada on “Birds”"]


def test_upgrade_fills_the_index(app: Flask, birds: Article, runner: FlaskCliRunner, search: Search) -> None:
    with app.app_context(), write_transaction() as writer:
        writer.execute(delete(SearchArticle))
    done = runner.invoke(args=["db", "upgrade"])
    assert "articles indexed for the search: 1" in done.output
    assert search("birds") == ["Birds"]


def test_restored_backup_can_be_searched(
    birds: Article, post: Post, runner: FlaskCliRunner, search: Search, tmp_path: Path
) -> None:
    post("birds", body="A heron")
    file = str(tmp_path / "backup.zip")
    assert runner.invoke(args=["backup", file]).exit_code == 0
    done = runner.invoke(args=["restore", file, "--force"])
    assert done.exit_code == 0, done.output
    assert search("birds") == ["Birds"]
    assert search("heron", comments=True) == ["Ada on “Birds”"]
