"""Removing the demo content removes what the demo has created, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import MetaData, func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.revisions import content_of, record
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.view_counts.models import ViewMark
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]


@pytest.fixture
def demo(runner: FlaskCliRunner) -> None:
    assert runner.invoke(args=["demo"]).output == "4 demo articles added.\n"


def test_demo_says_that_it_adds_nothing_to_a_blog_with_articles(demo: None, runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["demo"])
    assert (result.exit_code, result.output) == (0, "This blog is not empty. Nothing was added.\n")


def slugs(session: Session) -> set[str]:
    return set(session.scalars(select(Article.slug)))


def rows(app: Flask) -> dict[str, int]:
    """The number of rows of each table, but those in which FTS5 keeps its index (`fts_search_articles_data`)."""
    metadata = MetaData()
    with app.app_context(), db.engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
            if not name.startswith("fts_")
        }


def test_command_leaves_the_database_as_before_the_demo(app: Flask, runner: FlaskCliRunner) -> None:
    before = rows(app)
    runner.invoke(args=["demo"])
    assert rows(app)["comments"] > 10
    assert runner.invoke(args=["demo", "--remove", "--yes"]).output == "4 demo articles removed.\n"
    after = rows(app)
    assert {name: count for name, count in after.items() if name != "content_versions"} == {
        name: count for name, count in before.items() if name != "content_versions"
    }


def test_other_articles_and_their_comments_stay(
    demo: None, runner: FlaskCliRunner, publish_article: Publish, post: Post, session: Session
) -> None:
    publish_article(slug="birds")
    post("birds", body="Mine")
    runner.invoke(args=["demo", "--remove", "--yes"])
    assert slugs(session) == {"birds"}
    assert session.scalars(select(Comment.body_source)).all() == ["Mine"]


def test_readers_of_the_demo_are_counted_for_a_new_article_with_its_id(
    demo: None, app: Flask, client: FlaskClient, runner: FlaskCliRunner, session: Session
) -> None:
    slug = session.scalars(select(Article.slug).order_by(Article.id.desc())).first()
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    assert client.post(f"/articles/{slug}/views", headers=headers).status_code == 204
    assert session.scalar(select(func.count()).select_from(ViewMark)) == 1
    session.rollback()
    runner.invoke(args=["demo", "--remove", "--yes"])
    assert session.scalar(select(func.count()).select_from(ViewMark)) == 0


def test_article_with_the_slug_of_a_removed_demo_article_stays(
    demo: None, runner: FlaskCliRunner, publish_article: Publish, session: Session
) -> None:
    runner.invoke(args=["articles", "remove", "the-case-for-mending", "--yes"])
    publish_article(slug="the-case-for-mending")
    runner.invoke(args=["demo", "--remove", "--yes"])
    assert slugs(session) == {"the-case-for-mending"}


def test_added_comments_are_announced_and_removed(
    demo: None, runner: FlaskCliRunner, post: Post, session: Session
) -> None:
    for number in range(2):
        post("the-case-for-mending", body=f"From a visitor {number}")
    asked = runner.invoke(args=["demo", "--remove"], input="n\n")
    assert "not from the demo, and are deleted too: 2" in asked.output
    assert len(slugs(session)) == 4
    runner.invoke(args=["demo", "--remove"], input="y\n")
    assert slugs(session) == set()
    assert session.scalars(select(Comment.id)).all() == []


def test_changed_demo_article_is_kept(demo: None, app: Flask, runner: FlaskCliRunner, session: Session) -> None:
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Article).where(Article.slug == "the-case-for-mending").values(body_source="My own text"))
    output = runner.invoke(args=["demo", "--remove", "--yes"]).output
    assert "kept, because it was changed: /articles/the-case-for-mending" in output
    assert "3 demo articles removed." in output
    assert slugs(session) == {"the-case-for-mending"}
    assert runner.invoke(args=["demo", "--remove", "--yes"]).output == "0 demo articles removed.\n"
    assert slugs(session) == {"the-case-for-mending"}


def test_demo_article_with_an_edit_that_is_not_published_is_kept(
    demo: None, app: Flask, runner: FlaskCliRunner, session: Session
) -> None:
    with app.app_context(), write_transaction() as writing:
        article = writing.scalars(select(Article).where(Article.slug == "the-case-for-mending")).one()
        content = replace(content_of(article), body_source="My own text")
        record(writing, article, content, "save", False, clock.now())
    assert "kept, because it was changed" in runner.invoke(args=["demo", "--remove", "--yes"]).output
    assert slugs(session) == {"the-case-for-mending"}


def test_owner_removes_the_demo_in_the_browser(
    demo: None, app: Flask, client: FlaskClient, post: Post, session: Session
) -> None:
    post("the-case-for-mending", body="From a visitor")
    sign_in(client)
    assert 'href="/owner/demo/removal"' in client.get("/owner").text
    page = client.get("/owner/demo/removal").text
    assert "1 comment that is not from the demo is deleted with them." in page
    assert len(slugs(session)) == 4
    reader = app.test_client()
    assert reader.get("/articles/the-case-for-mending").status_code == 200
    answer = client.post("/owner/demo/removal")
    assert (answer.status_code, answer.location) == (303, "/owner?notice=demo")
    page = client.get(answer.location).text
    assert "The demo content has been removed." in page
    assert "/owner/demo/removal" not in page
    assert slugs(session) == set()
    assert reader.get("/articles/the-case-for-mending").status_code == 404
    assert "There is no demo content left." in client.get("/owner/demo/removal").text
    assert client.post("/owner/demo/removal").status_code == 303
