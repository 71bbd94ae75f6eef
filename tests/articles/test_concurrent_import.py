"""Concurrent imports of the same files: the second one waits for the first and then adds nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from blogapp.articles.files import read_files
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.articles.sources import place_files
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.articles.test_sources import BIRDS, CPP, load, write
from tests.conftest import eventually

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def waiting_writers(app: Flask) -> int:
    """The number of writers that wait: for a lock in PostgreSQL, or in the write queue of SQLite."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            return int(app.extensions["writing"].queue.length)
        with db.engine.connect() as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return int(connection.execute(text(query)).scalar_one())


def during(app: Flask, first: Callable[[Session], object], second: Callable[[], object]) -> object:
    """Run `second` while another thread has run `first` in a transaction that is not committed yet."""
    done = Event()

    def hold() -> None:
        with app.app_context(), write_transaction() as session:
            first(session)
            session.flush()
            done.set()
            eventually(lambda: waiting_writers(app), 1)

    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert done.wait(30)
        result = second()
        holder.result(30)
    return result


def test_import_waits_for_another_import_of_the_same_files(
    app: Flask, runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    paths = [write(tmp_path / "a.md", BIRDS), write(tmp_path / "b.md", CPP)]

    def import_files(writer: Session) -> None:
        placed, _ = place_files(writer, read_files([Path(path) for path in paths], "en", NOW).files)
        for each in placed:
            publish(writer, each.manuscript, NOW, each.article, each.source)

    result = during(app, import_files, lambda: load(runner, *paths))
    assert result == (0, "unchanged /articles/birds\nunchanged /articles/c\n")
    assert session.scalar(select(func.count()).select_from(Article)) == 2


def test_import_waits_for_a_transaction_that_publishes_the_same_slug(
    app: Flask, runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.md", BIRDS.replace("title: Birds", "title: Birds\nslug: birds"))
    manuscript = Manuscript("birds", "en", "Other birds", "", [], False, NOW, "Another text.")
    result = during(app, lambda writer: publish(writer, manuscript, NOW), lambda: load(runner, path))
    assert result == (0, "updated /articles/birds: title, text\n")
    assert session.scalars(select(Article.title)).all() == ["Birds"]
