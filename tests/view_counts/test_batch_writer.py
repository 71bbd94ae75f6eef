"""A database that is locked, full or away costs the count, never the page."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db import transactions
from blogapp.db.base import db
from blogapp.view_counts import batch_writer
from blogapp.view_counts.counting import Seen
from blogapp.view_counts.models import DailyRefusals, ViewCount, ViewMark
from blogapp.visitors.models import VisitorKey
from tests.conftest import SECRET_KEY, browser, eventually, locked, on_server
from tests.harness.server import ROOT

Publish = Callable[..., Article]
HTMX = {"HX-Request": "true"}


def counts(session: Session) -> tuple[int, dict[str, int]]:
    """The views that were counted, and what was not, by reason."""
    noted = {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
    return session.scalars(select(ViewCount.counted)).one(), noted


def test_a_locked_database_costs_a_moment_and_the_view_is_counted_later(
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


def test_who_comes_while_the_writer_is_stuck_does_not_wait_for_it(
    publish_article: Publish, app: Flask, session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(slug="birds", views=4)
    writer = app.extensions["view_writer"]
    waited: list[float | None] = []
    wait = threading.Event.wait

    def note(event: threading.Event, timeout: float | None = None) -> bool:
        waited.append(timeout)
        return wait(event, timeout)

    with locked(database_url):
        app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("First")})
        assert writer._is_stuck()
        monkeypatch.setattr(threading.Event, "wait", note)
        for number in range(20):
            answer = app.test_client().post(
                "/articles/birds/views", headers={**HTMX, "User-Agent": browser(f"R{number}")}
            )
            assert 'data-count="4"' in answer.text
        assert waited == []
        monkeypatch.undo()
    writer.flush()
    assert counts(session) == (21, {})


def test_views_that_cannot_be_written_are_given_up_and_said(
    publish_article: Publish,
    app: Flask,
    session: Session,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish_article(slug="birds", views=4)
    monkeypatch.setattr(batch_writer, "LOCK_TIMEOUT_MS", 50)
    with locked(database_url):
        for number in range(3):
            answer = app.test_client().post(
                "/articles/birds/views", headers={**HTMX, "User-Agent": browser(f"R{number}")}
            )
            assert 'data-count="4"' in answer.text
    answer = app.test_client().post("/articles/birds/views", headers={**HTMX, "User-Agent": browser("Later")})
    assert 'data-count="5"' in answer.text
    assert counts(session) == (1, {"lost": 3})
    assert "views are given up" in caplog.text
    assert "R0" not in caplog.text


def test_a_full_disk_costs_the_count_and_not_the_page(
    publish_article: Publish, app: Flask, session: Session, database_url: str
) -> None:
    if not database_url.startswith("sqlite"):
        return  # the disk of PostgreSQL is not ours to fill
    publish_article(slug="birds", views=4)

    def fill(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # cut to the size that the file has

    with app.app_context():
        engine = db.engine
        db.session.remove()
    engine.dispose()
    event.listen(engine, "connect", fill)
    for number in range(400):
        headers = {**HTMX, "User-Agent": browser(f"Reader {number}")}
        answer = app.test_client().post("/articles/birds/views", headers=headers)
        assert answer.status_code == 200
        if app.extensions["view_writer"]._kept:
            break
    else:
        pytest.fail("the disk was never full")
    assert 'data-count="' in app.test_client().get("/articles/birds").text
    event.remove(engine, "connect", fill)
    with app.app_context():
        db.session.remove()
    engine.dispose()
    app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Later")})
    counted, noted = counts(session)
    assert noted["lost"] >= 1
    assert counted == number + 1 - noted["lost"] + 1


def test_an_article_is_served_while_its_tables_are_locked(
    publish_article: Publish, client: FlaskClient, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        return  # there a lock stops no reader: the tests above read under it
    publish_article(slug="birds", views=4)
    page = client.get("/articles/birds").text
    with locked(database_url, "articles, view_counts"):
        answer = client.get("/articles/birds")
        assert (answer.status_code, answer.text) == (200, page)


@pytest.fixture
def away(database_url: str, app: Flask) -> Callable[[bool], None]:
    """Take the database away, or bring it back."""
    name = database_url.rsplit("/", 1)[1]

    def change(is_away: bool) -> None:
        if database_url.startswith("sqlite"):
            path = database_url.removeprefix("sqlite:///")
            with app.app_context():
                db.session.remove()
                db.engine.dispose()
            # A connection that may read and write, to a file that none may open.
            move(path, path + ".away") if is_away else move(path + ".away", path)
        else:
            on_server(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {not is_away}")
            if is_away:
                on_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    return change


def move(path: str, to: str) -> None:
    """Rename a database file; in its place stands a folder, which nobody can open as one."""
    if Path(to).is_dir():
        Path(to).rmdir()
    Path(path).rename(to)
    if to.endswith(".away"):
        Path(path).mkdir()


def test_a_database_that_is_away_costs_the_count_and_not_the_page(
    publish_article: Publish, client: FlaskClient, session: Session, away: Callable[[bool], None]
) -> None:
    publish_article(slug="birds", views=4)
    client.post("/articles/birds/views", headers={"User-Agent": browser("Before")})
    seen = {address: client.get(address).text for address in ("/", "/articles/birds")}
    session.close()
    away(True)
    for address, text in seen.items():
        answer = client.get(address)
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["Cache-Control"] == "no-store"
        assert client.head(address).status_code == 200
    assert 'data-count="5"' in seen["/articles/birds"]
    assert client.post("/articles/birds/views", headers=HTMX).status_code == 204
    assert client.get("/articles/birds/views.gif").status_code == 200
    client.application.extensions["view_writer"].flush()  # comes to an end, though nothing can be written
    assert client.get("/articles/never-seen").status_code == 503
    assert client.post("/articles/birds/comments", data={"author_name": "A", "body": "B"}).status_code == 503
    away(False)
    answer = client.post("/articles/birds/views", headers={**HTMX, "User-Agent": browser("After")})
    assert 'data-count="6"' in answer.text
    client.application.extensions["view_writer"].flush()
    assert counts(session) == (2, {"lost": 2})


def test_the_process_ends_with_nothing_left_unwritten(
    publish_article: Publish, app: Flask, session: Session, database_url: str
) -> None:
    publish_article(slug="birds")
    writer = app.extensions["view_writer"]
    with locked(database_url):
        app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")})
        closing = threading.Thread(target=writer.flush)
        closing.start()
    closing.join()
    assert counts(session) == (1, {})


EVENING = datetime(2026, 6, 10, 23, 59, 59, 900_000, tzinfo=UTC)


def test_the_day_begins_at_midnight_though_nobody_comes(
    publish_article: Publish, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "BEGIN_WITHIN", 0)
    monkeypatch.setattr(clock, "now", lambda: EVENING)
    publish_article(slug="birds")
    app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")})
    eventually(lambda: app.extensions["view_writer"]._begun, date(2026, 6, 10))
    assert len(session.scalars(select(ViewMark)).all()) == 1
    session.rollback()
    monkeypatch.setattr(clock, "now", lambda: EVENING + timedelta(seconds=1))
    eventually(lambda: session.scalars(select(VisitorKey.day)).all(), [date(2026, 6, 11)])
    assert session.scalars(select(ViewMark)).all() == []


def bytes_on_disk(database_url: str) -> bytes:
    """All that the database's files hold of visitors' keys."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        return Path(path).read_bytes() + Path(path + "-wal").read_bytes()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_read_binary_file(pg_relation_filepath('visitor_keys'))").fetchone()
        assert row is not None
        content: bytes = row[0]
        return content


def test_nothing_is_left_of_a_key_when_its_day_is_over(
    publish_article: Publish, app: Flask, session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "BEGIN_WITHIN", 0)
    monkeypatch.setattr(clock, "now", lambda: EVENING)
    publish_article(slug="birds")
    app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")})
    key = session.scalars(select(VisitorKey.key)).one()
    session.rollback()
    assert key in bytes_on_disk(database_url)
    monkeypatch.setattr(clock, "now", lambda: EVENING + timedelta(seconds=1))
    # Whoever counts the first view makes the next key; what is left of the old one goes all the same.
    app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")})
    app.test_client().get("/healthz")
    eventually(lambda: app.extensions["view_writer"]._begun, date(2026, 6, 11))
    assert session.scalars(select(VisitorKey.key)).one() in bytes_on_disk(database_url)
    assert key not in bytes_on_disk(database_url)


def test_a_reader_in_the_way_delays_the_wiping_and_nothing_else(
    publish_article: Publish, app: Flask, session: Session, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not database_url.startswith("sqlite"):
        return  # there a table is wiped under its readers
    monkeypatch.setattr(batch_writer, "BEGIN_WITHIN", 0)
    monkeypatch.setattr(batch_writer, "TRY_AGAIN", 0.05)
    publish_article(slug="birds")
    session.scalars(select(Article)).all()  # and its transaction stays open
    writer = app.extensions["view_writer"]
    assert app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")}).status_code == 204
    eventually(lambda: writer._busy_since is None, True)
    assert writer._begun is None
    session.rollback()
    eventually(lambda: writer._begun, clock.now().date())
    assert counts(session) == (1, {})


def test_a_database_that_goes_away_before_the_wiping_costs_no_count(
    publish_article: Publish, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(engine: Engine) -> None:
        raise OperationalError("", {}, psycopg.OperationalError("away"))

    def wipe_in_vain(table: str) -> bool:
        with pytest.MonkeyPatch.context() as away:
            away.setattr(Engine, "raw_connection", refuse)
            return transactions.wipe(table)

    monkeypatch.setattr(batch_writer, "BEGIN_WITHIN", 0)
    monkeypatch.setattr(batch_writer, "wipe", wipe_in_vain)
    publish_article(slug="birds")
    assert app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Reader")}).status_code == 204
    app.extensions["view_writer"].flush()
    assert app.extensions["view_writer"]._begun is None
    monkeypatch.setattr(batch_writer, "wipe", transactions.wipe)
    assert (
        app.test_client().post("/articles/birds/views", headers={"User-Agent": browser("Another")}).status_code == 204
    )
    app.extensions["view_writer"].flush()
    assert counts(session) == (2, {})


def test_one_who_notes_refusals_and_one_who_begins_the_day_do_not_wait_in_a_circle(
    publish_article: Publish, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = publish_article(slug="birds")
    refusals = Counter({(EVENING.date(), "bot"): 1})

    def act(number: int) -> None:
        # As the writers of two processes do at once: one with the day to begin, one with a view.
        writer = batch_writer.ViewWriter(app, None)
        seen = Seen(article.id, "192.0.2.0/24", f"Reader {number}", EVENING)
        tickets = [] if number % 2 else [batch_writer._Ticket(seen)]
        writer._write(tickets, refusals, EVENING.date() if number % 2 else None)

    monkeypatch.setattr(batch_writer, "wipe", lambda table: True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(24)))
    assert counts(session) == (12, {"bot": 24})


# In a process of its own: who forks this one takes its threads' locks along.
FORKING = """
import os, sys
from pathlib import Path
from sqlalchemy import select
from blogapp import clock, create_app
from blogapp.db.base import db
from blogapp.view_counts import batch_writer
from blogapp.view_counts.models import DailyRefusals

batch_writer.NOTE_WITHIN = 30.0
app = create_app(os.environ, Path(sys.argv[1]))
writer = app.extensions["view_writer"]
today = clock.now().date()
writer.refuse("bot", today)
parents = writer._thread
with writer._wake:  # as it may be at any moment
    child = os.fork()
if child == 0:
    assert writer._thread is None and not writer._refusals
    writer.refuse("head", today)
    assert writer._thread not in (None, parents)
    writer.flush()
    with app.app_context():
        assert [each.reason for each in db.session.scalars(select(DailyRefusals))] == ["head"]
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
# The end of the process writes the rest.
"""


def test_a_fork_leaves_to_the_parent_what_is_the_parents(database_url: str, session: Session, tmp_path: Path) -> None:
    environ = {**os.environ, "SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", FORKING, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    noted = {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
    assert noted == {"head": 1, "bot": 1}
