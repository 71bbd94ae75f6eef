"""`flask db upgrade` renders articles and comments again whose HTML is from another version of the renderer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles import publishing
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments import rendering
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.schema import REVISIONS
from blogapp.db.transactions import write_transaction
from blogapp.text import markup

OUTDATED = "<p>outdated</p>"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def outdated_site(app: Flask, client: FlaskClient, post: Callable[..., TestResponse]) -> None:
    """23 articles (three batches) and three comments, all with the HTML of an older renderer."""
    with app.app_context(), write_transaction() as session:
        for number in range(23):
            manuscript = Manuscript(f"a{number}", "en", f"Title {number}", "", [], False, NOW, f"Text *{number}*")
            publish(session, manuscript, NOW)
    for number in range(3):
        post("a1", body=f"Comment *{number}*")
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(body_html=OUTDATED, excerpt="outdated", renderer_version=0))
        session.execute(update(Comment).values(body_html=OUTDATED, renderer_version=0))


def outdated(session: Session) -> int:
    models = (Article, Comment)
    return sum(
        session.scalar(select(func.count()).select_from(model).where(model.renderer_version != markup.RENDERER_VERSION))
        for model in models
    )


def upgrade_database(app: Flask, runner: FlaskCliRunner) -> tuple[int, str]:
    with app.app_context():  # as the `flask` program does
        done = runner.invoke(args=["db", "upgrade"])
    return done.exit_code, done.output


@pytest.mark.usefixtures("outdated_site")
def test_upgrade_renders_outdated_articles_and_comments_once(
    app: Flask, runner: FlaskCliRunner, client: FlaskClient, session: Session
) -> None:
    assert upgrade_database(app, runner) == (0, "articles rendered again: 23\ncomments rendered again: 3\n")
    assert outdated(session) == 0
    page = client.get("/articles/a1").text
    assert "Text <em>1</em>" in page
    assert page.count("Comment <em>") == 3
    assert "outdated" not in page
    assert "outdated" not in client.get("/").text
    assert upgrade_database(app, runner) == (0, "")


@pytest.mark.usefixtures("outdated_site")
def test_rendering_begins_with_the_newest_and_can_be_interrupted(
    app: Flask, runner: FlaskCliRunner, session: Session
) -> None:
    with app.app_context():
        assert next(publishing.render_outdated()) == publishing.RENDER_BATCH
    rendered = session.scalars(select(Article.id).where(Article.renderer_version != 0).order_by(Article.id)).all()
    newest = session.scalars(select(Article.id).order_by(Article.id.desc()).limit(publishing.RENDER_BATCH)).all()
    assert rendered == sorted(newest)
    assert runner.invoke(args=["articles", "render"]).output == "13 rendered\n"
    assert runner.invoke(args=["comments", "render"]).output == "3 rendered\n"


@pytest.mark.usefixtures("outdated_site")
def test_several_processes_can_render_at_once(app: Flask, session: Session) -> None:
    barrier, failures = Barrier(3), list[BaseException]()

    def render() -> None:
        try:
            with app.app_context():
                barrier.wait(10)
                list(publishing.render_outdated())
                list(rendering.render_outdated(db.session()))
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=render) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert outdated(session) == 0
    assert session.scalar(select(func.count()).select_from(Article).where(Article.body_html == OUTDATED)) == 0


@pytest.mark.usefixtures("outdated_site")
def test_comment_edited_during_rendering_keeps_its_new_text(app: Flask, session: Session) -> None:
    """The edit is committed between reading the comments and writing their HTML."""
    with app.app_context():
        reader = db.session()
        rows = select(Comment.id).where(Comment.renderer_version == 0)
        assert len(reader.scalars(rows).all()) == 3

        def edit() -> None:
            with app.app_context(), write_transaction() as other:
                other.execute(
                    update(Comment)
                    .where(Comment.id == 1)
                    .values(revision=1, body_html="<p>edited</p>", renderer_version=markup.RENDERER_VERSION)
                )

        thread = Thread(target=edit)
        thread.start()
        thread.join(30)
        list(rendering.render_outdated(reader))
    assert session.scalar(select(Comment.body_html).where(Comment.id == 1)) == "<p>edited</p>"
    assert session.scalar(select(func.count()).select_from(Comment).where(Comment.body_html == OUTDATED)) == 0


@pytest.mark.parametrize("command", ["upgrade", "stamp"])
def test_migration_that_does_not_exist_is_reported(runner: FlaskCliRunner, command: str) -> None:
    refused = runner.invoke(args=["db", command, "nonsense"])
    assert (refused.exit_code, refused.output) == (1, "Error: Can't locate revision identified by 'nonsense'.\n")


@pytest.mark.parametrize("target", ["9999", ""])
def test_target_that_is_no_migration_is_no_traceback(runner: FlaskCliRunner, target: str) -> None:
    refused = runner.invoke(args=["db", "upgrade", target])
    assert refused.exit_code != 0
    assert "Error: " in refused.output


def test_upgrade_to_an_older_schema_says_that_nothing_was_done(runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["db", "upgrade", REVISIONS[-3]])
    sentence = f"Nothing was migrated: the schema of the database is {REVISIONS[-1]}.\n"
    assert (done.exit_code, done.output) == (0, sentence)


def test_help_has_complete_summaries_and_no_commands_for_developers(runner: FlaskCliRunner) -> None:
    summaries = [
        runner.invoke(args=[*args, "--help"]).output.partition("Commands:\n")[2].splitlines() for args in ([], ["db"])
    ]
    assert [line.split()[0] for line in summaries[1]] == ["copy", "downgrade", "upgrade"]
    assert any(line.startswith("  doctor ") for line in summaries[0])
    assert [line for lines in summaries for line in lines if not line.endswith(".") or line.endswith("...")] == []
    assert runner.invoke(args=["db", "heads"]).exit_code == 0  # they still work
