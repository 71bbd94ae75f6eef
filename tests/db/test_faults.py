"""Database errors: outages, databases that cannot be written, and bugs get different responses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.harness.databases import on_server

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

CANNOT_SAVE = "Nothing can be saved at the moment. You can still read the site."
SECRET_TEXT = "Text that must not be logged"


@contextmanager
def read_only(app: Flask, database_url: str) -> Iterator[str]:
    """Make new connections read-only; yield the cause expected in the log. SQLite uses `query_only`; test_disk.py tests
    read-only files and folders."""
    with app.app_context():
        engine = db.engine
        db.session.remove()
        engine.dispose()
    if database_url.startswith("sqlite"):

        def forbid(connection: Any, record: object) -> None:
            connection.execute("PRAGMA query_only = ON")

        event.listen(engine, "connect", forbid)
        yield "the database file or its folder is read-only"
        event.remove(engine, "connect", forbid)
    else:
        name = urlsplit(database_url).path.removeprefix("/")
        on_server(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        yield "PostgreSQL is read-only"
        on_server(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    with app.app_context():
        engine.dispose()


def assert_cannot_save(app: Flask, answer: TestResponse) -> None:
    assert answer.status_code == 503
    assert CANNOT_SAVE in answer.text
    assert answer.headers["Retry-After"] == "60"
    ready = app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert ready.text.startswith("the database cannot be written: ")
    assert app.test_client().get("/articles/birds").status_code == 200


def test_read_only_database_serves_pages_and_logs_the_cause(
    publish_article: Publish, app: Flask, post: Post, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    with read_only(app, database_url) as cause:
        assert_cannot_save(app, post("birds", body=SECRET_TEXT))
        assert cause in app.test_client().get("/readyz").text
    assert cause in caplog.text
    assert SECRET_TEXT not in caplog.text
    assert post("birds", body=SECRET_TEXT).status_code == 303
    assert app.test_client().get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_full_disk_is_reported(
    publish_article: Publish, app: Flask, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    with app.app_context():
        engine = db.engine
        engine.dispose()

    def limit(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present size of the file

    event.listen(engine, "connect", limit)
    answers = [post("birds", body=f"{SECRET_TEXT} {number} " * 150) for number in range(20)]
    assert_cannot_save(app, answers[-1])
    assert "the disk is full" in app.test_client().get("/readyz").text
    assert "the disk is full" in caplog.text
    assert SECRET_TEXT not in caplog.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("ALTER TABLE articles RENAME COLUMN title TO heading", 500),
        ("DROP TABLE likes", 500),
        ("UPDATE alembic_version SET version_num = '0001'", 200),
    ],
)
def test_wrong_schema_is_reported_as_a_bug_and_not_as_an_outage(
    publish_article: Publish, app: Flask, post: Post, change: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    post("birds")
    with app.app_context(), write_transaction() as session:
        session.execute(text(change))
    address = "/comments/1/likes"
    answer = app.test_client().post(address, headers={"HX-Request": "true"})
    assert answer.status_code == status
    assert "cannot reach its database" not in answer.text
    if status == 500:
        assert "Traceback (most recent call last):" in caplog.text
        assert "POST comment_authors.like failed" in caplog.text


def test_missing_column_in_an_old_schema_logs_the_upgrade_command(
    publish_article: Publish, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    with app.app_context(), write_transaction() as session:
        session.execute(text("ALTER TABLE articles RENAME COLUMN title TO heading"))
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    caplog.set_level(logging.ERROR)
    answer = app.test_client().get("/articles/birds")
    assert answer.status_code == 503
    assert "cannot reach its database" not in answer.text
    assert "run: flask db upgrade" in caplog.text
    assert app.test_client().get("/readyz").status_code == 503
