"""Only outages are reported as outages, and the log and /readyz name the cause of each failure."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.faults import UNWRITABLE, fault_of, original_of
from blogapp.db.transactions import write_transaction
from tests.conftest import locked

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]


def test_unknown_column_is_logged_as_a_bug_with_its_traceback(
    app: Flask, publish_article: Publish, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds")
    with app.app_context(), write_transaction() as session:
        session.execute(text("ALTER TABLE articles RENAME COLUMN excerpt TO other"))
    answer = client.get("/articles/birds")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "excerpt" not in answer.text
    assert "GET articles.show failed" in caplog.text
    assert "Traceback (most recent call last)" in caplog.text
    assert "articles/reading.py" in caplog.text
    assert "excerpt" in caplog.text


def test_values_of_a_failed_statement_are_not_logged(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/wrong")
    def wrong() -> str:
        with write_transaction() as session:
            row = {"day": "2026-01-01", "reason": "a secret", "views": 1}
            for _ in range(2):
                session.execute(text("INSERT INTO daily_refusals VALUES (:day, :reason, :views)"), row)
        return ""

    assert client.get("/wrong").status_code == 500
    assert "IntegrityError" in caplog.text or "UniqueViolation" in caplog.text
    assert "a secret" not in caplog.text


def test_lock_is_logged_as_the_cause(
    app: Flask, publish_article: Publish, client: FlaskClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(database_url, "visitor_keys"):

        @app.get("/lock")
        def lock() -> str:
            with write_transaction(lock_timeout_ms=50) as session:
                session.execute(text("DELETE FROM visitor_keys"))
            return ""

        answer = client.get("/lock")
        assert client.get("/readyz").status_code == 200  # another process writes, so the database can be written
    assert answer.status_code == 503
    assert "The site is busy." in answer.text
    assert "holds a lock" in caplog.text or "holds the database's write lock" in caplog.text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_read_only_server_is_not_ready_and_pages_are_still_served(
    app: Flask, publish_article: Publish, client: FlaskClient, post: Post, database_url: str
) -> None:
    publish_article(slug="birds")
    name = database_url.rpartition("/")[2]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        try:
            with app.app_context():
                db.engine.dispose()
            assert "the database cannot be written: PostgreSQL is read-only" in client.get("/readyz").text
            answer = post("birds", body="A text to keep")
            assert answer.status_code == 503
            assert "Nothing can be saved at the moment." in answer.text
            assert "A text to keep</textarea>" in answer.text
            assert client.get("/articles/birds").status_code == 200
        finally:
            connection.execute(b"SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    with app.app_context():
        db.engine.dispose()
    assert post("birds").status_code == 303
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_readyz_reports_a_failed_write_until_a_write_succeeds(
    app: Flask, publish_article: Publish, client: FlaskClient, post: Post
) -> None:
    """The SQLite database cannot grow, as on a full disk."""
    publish_article(slug="birds")
    with app.app_context(), db.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.commit()
    answer = post("birds", body="A text to keep " * 300)
    assert answer.status_code == 503
    assert "Nothing can be saved at the moment." in answer.text
    assert client.get("/readyz").text == "the database cannot be written: the disk is full\n"
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        connection.commit()
    assert post("birds", body="A text to keep " * 300).status_code == 303
    assert client.get("/readyz").status_code == 200


def test_read_only_sqlite_file_is_reported_as_not_writable(tmp_path: Path) -> None:
    path = tmp_path / "blog.sqlite3"
    sqlite3.connect(path).close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as error:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    fault = fault_of(error.value)
    assert fault is not None
    assert (fault.kind, fault.cause) == (UNWRITABLE, "the database file or its folder is read-only")
    assert original_of(error.value) is error.value
