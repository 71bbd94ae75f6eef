"""The view writer with a locked, full or unavailable database: views may be lost, but pages are always served."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import batch_writer
from blogapp.view_counts.models import DailyRefusals, ViewCount
from tests.conftest import SECRET_KEY, browser, locked
from tests.harness.databases import on_server
from tests.harness.server import ROOT

# These tests lock the database, make it unavailable, and change how the application connects to it.
pytestmark = pytest.mark.own_app

Publish = Callable[..., Article]
HTMX = {"HX-Request": "true"}


def view(app: Flask, name: str) -> TestResponse:
    """View an article as the browser that differs from others by `name`."""
    return app.test_client().post("/articles/birds/views", headers={**HTMX, "User-Agent": browser(name)})


def change(app: Flask, statement: str) -> None:
    """Change the schema."""
    with app.app_context(), write_transaction() as session:
        session.execute(text(statement))


def reconnect(app: Flask) -> Engine:
    """Close the connections of the application, so that it opens new ones."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        return db.engine


def counts(session: Session) -> tuple[int, dict[str, int]]:
    """The counted views, and the uncounted requests by reason."""
    noted = {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
    return session.scalars(select(ViewCount.counted)).one(), noted


@pytest.mark.stuck_writer
def test_view_during_a_lock_is_counted_later(
    publish_article: Publish, client: FlaskClient, session: Session, database_url: str
) -> None:
    publish_article(slug="birds", views=4)
    with locked(database_url):
        answer = client.post("/articles/birds/views", headers=HTMX)
        assert answer.status_code == 200
        assert 'data-count="4"' in answer.text
        assert 'data-count="4"' in client.get("/articles/birds").text
        assert client.get("/articles/birds/views.gif").status_code == 200
    client.application.extensions["view_writer"].flush()
    assert counts(session) == (1, {"again": 1})


@pytest.mark.stuck_writer
def test_no_request_waits_while_the_writer_is_stuck(
    publish_article: Publish, app: Flask, session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(slug="birds", views=4)
    with locked(database_url):
        view(app, "First")  # waits until the writer counts as stuck
        with monkeypatch.context() as waiting:
            waiting.setattr(Future, "result", lambda *_: pytest.fail("a request waits"))
            for number in range(20):
                assert 'data-count="4"' in view(app, f"R{number}").text
    app.extensions["view_writer"].flush()
    assert counts(session) == (21, {})


def test_views_that_cannot_be_written_are_recorded_as_lost(
    publish_article: Publish,
    app: Flask,
    session: Session,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish_article(slug="birds", views=4)
    monkeypatch.setattr(batch_writer, "WRITE_WITHIN_MS", 50)
    with locked(database_url):
        for number in range(3):
            assert 'data-count="4"' in view(app, f"R{number}").text
    assert 'data-count="5"' in view(app, "Later").text
    assert counts(session) == (1, {"lost": 3})
    assert "1 views are lost: another" in caplog.text  # process, or transaction, holds the lock
    assert "Traceback" not in caplog.text
    assert "R0" not in caplog.text


def test_bug_in_the_writer_is_logged_with_its_traceback(
    publish_article: Publish, app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds", views=4)
    change(app, "ALTER TABLE daily_views RENAME COLUMN views TO gone")
    assert 'data-count="4"' in view(app, "Reader").text
    assert "1 views are lost\nTraceback" in caplog.text
    assert "in blogapp/view_counts/" in caplog.text
    change(app, "ALTER TABLE daily_views RENAME COLUMN gone TO views")
    view(app, "Later")
    assert counts(session) == (1, {"lost": 1})


def test_bug_while_reading_the_total_is_logged_with_its_traceback(
    publish_article: Publish, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds")
    change(app, "ALTER TABLE view_counts RENAME COLUMN counted TO gone")
    answer = app.test_client().post("/articles/birds/views", headers={**HTMX, "User-Agent": "Googlebot/2.1"})
    assert answer.status_code == 204  # the page keeps the number that it has
    assert "a view is lost\nTraceback" in caplog.text
    assert "in blogapp/view_counts/counting.py" in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # tests cannot fill PostgreSQL's disk
def test_full_disk_loses_views_and_serves_the_page(
    publish_article: Publish, app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    publish_article(slug="birds", views=4)

    def fill(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present size of the file

    engine = reconnect(app)
    event.listen(engine, "connect", fill)
    for number in range(400):
        assert view(app, f"Reader {number}").status_code == 200
        if "the disk is full" in caplog.text:
            break
    else:
        pytest.fail("the disk was never full")
    assert 'data-count="' in app.test_client().get("/articles/birds").text
    event.remove(engine, "connect", fill)
    reconnect(app)
    view(app, "Later")
    counted, noted = counts(session)
    assert noted["lost"] >= 1
    assert counted == number + 1 - noted["lost"] + 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite a lock stops no reader
def test_article_is_served_while_its_tables_are_locked(
    publish_article: Publish, client: FlaskClient, database_url: str
) -> None:
    publish_article(slug="birds", views=4)
    page = client.get("/articles/birds").text
    with locked(database_url, "articles, view_counts"):
        answer = client.get("/articles/birds")
        assert (answer.status_code, answer.text) == (200, page)


@pytest.fixture
def away(database_url: str, app: Flask) -> Callable[[bool], None]:
    """Return a function that makes the database unavailable or available."""
    name = database_url.rsplit("/", 1)[1]

    def change(is_away: bool) -> None:
        if database_url.startswith("sqlite"):
            path = database_url.removeprefix("sqlite:///")
            reconnect(app)
            move(path, path + ".away") if is_away else move(path + ".away", path)
        else:
            on_server(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {not is_away}")
            if is_away:
                on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    return change


def move(path: str, to: str) -> None:
    """Rename a database file and put a folder in its place, which no connection can open."""
    if Path(to).is_dir():
        Path(to).rmdir()
    Path(path).rename(to)
    if to.endswith(".away"):
        Path(path).mkdir()


def test_unavailable_database_loses_views_and_pages_come_from_the_cache(
    publish_article: Publish, client: FlaskClient, session: Session, away: Callable[[bool], None]
) -> None:
    publish_article(slug="birds", views=4)
    client.post("/articles/birds/views", headers={"User-Agent": browser("Before")})
    seen = {address: client.get(address).text for address in ("/", "/articles/birds")}
    session.close()
    away(True)
    for address, page in seen.items():
        answer = client.get(address)
        assert (answer.status_code, answer.text) == (200, page)
        assert answer.headers["Cache-Control"] == "no-store"
        assert client.head(address).status_code == 200
    assert 'data-count="5"' in seen["/articles/birds"]
    assert client.post("/articles/birds/views", headers=HTMX).status_code == 204
    assert client.get("/articles/birds/views.gif").status_code == 200
    client.application.extensions["view_writer"].flush()  # returns although nothing can be written
    assert client.get("/articles/never-seen").status_code == 503
    assert client.post("/articles/birds/comments", data={"author_name": "A", "body": "B"}).status_code == 503
    away(False)
    answer = client.post("/articles/birds/views", headers={**HTMX, "User-Agent": browser("After")})
    assert 'data-count="6"' in answer.text
    client.application.extensions["view_writer"].flush()
    assert counts(session) == (2, {"lost": 2})


@pytest.mark.stuck_writer
def test_flush_writes_views_that_wait_for_a_lock(
    publish_article: Publish, app: Flask, session: Session, database_url: str
) -> None:
    publish_article(slug="birds")
    with locked(database_url):
        view(app, "Reader")
        closing = threading.Thread(target=app.extensions["view_writer"].flush)
        closing.start()
    closing.join()
    assert counts(session) == (1, {})


# Run in a separate process, because a fork copies the locks of all threads.
FORKING = """
import os, sys, threading
from pathlib import Path
from sqlalchemy import select
from blogapp import clock, create_app
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import batch_writer
from blogapp.view_counts.models import DailyRefusals

batch_writer.POLL_EVERY = 30.0
app = create_app(os.environ, Path(sys.argv[1]))
writer = app.extensions["view_writer"]
today = clock.now().date()
writer.refuse("bot", today)
child = os.fork()
if child == 0:
    writer.refuse("head", today)
    writer.flush()
    with app.app_context():
        assert [each.reason for each in db.session.scalars(select(DailyRefusals))] == ["head"]
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
# The rest is written when the process ends.
"""


def test_forked_process_writes_its_own_refusals_only(database_url: str, session: Session, tmp_path: Path) -> None:
    environ = {**os.environ, "SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", FORKING, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    noted = {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
    assert noted == {"head": 1, "bot": 1}
