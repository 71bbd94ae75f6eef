"""The schema, and what happens when many write at once, or somebody pulls the plug."""

from __future__ import annotations

import http.client
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit, urlunsplit

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments.models import Comment, Conversation
from blogapp.db import postgresql
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import Turns, write_transaction
from blogapp.view_counts.models import DailyRefusals, DailyViews, ViewCount
from tests.conftest import SECRET_KEY, browser, dispose, eventually, locked, on_server, url_of
from tests.harness.proxy import Proxy
from tests.harness.server import Server


def test_the_migrated_schema_is_that_of_the_models(app: Flask) -> None:
    with app.app_context():
        assert alembic.compare_metadata() == []


def test_every_migration_can_be_undone(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        alembic.downgrade("base")
        left = db.session.execute(text("SELECT count(*) FROM alembic_version")).scalar_one()
        assert left == 0
        db.session.remove()
        alembic.upgrade()
        assert alembic.compare_metadata() == []


def test_days_that_were_counted_survive_the_change_of_their_table(
    app: Flask, publish_article: Callable[..., Article]
) -> None:
    article = publish_article()
    row = (date(2026, 1, 2), article.id, 5)
    with app.app_context():
        with write_transaction() as session:
            session.add(DailyViews(day=row[0], article_id=row[1], views=row[2]))
        db.session.remove()
        alembic.downgrade("0002")
        db.session.remove()
        alembic.upgrade()
        assert db.session.execute(select(DailyViews.day, DailyViews.article_id, DailyViews.views)).all() == [row]


def test_sqlite_is_set_up_for_many_writers(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            return
        with write_transaction() as session:
            pragmas = {
                name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        with write_transaction(durable=False) as session:
            assert session.execute(text("PRAGMA synchronous")).scalar_one() == 1
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, came = Turns(), list[int]()
    assert turns.take(0)

    def ask(number: int) -> None:
        assert turns.take(20)
        came.append(number)
        turns.hand_on()

    threads = []
    for number in range(10):
        threads.append(Thread(target=ask, args=[number]))
        threads[-1].start()
        while len(turns._waiting) <= number:
            threads[-1].join(0.001)
    assert not turns.take(0.01)  # who does not want to wait leaves the queue, and holds up nobody
    turns.hand_on()
    for thread in threads:
        thread.join()
    assert came == list(range(10))
    assert turns.take(0)


def test_a_writer_whose_turn_does_not_come_gets_an_error_and_leaves_the_next_one_alone(app: Flask) -> None:
    if app.extensions["write_turns"] is None:
        return  # PostgreSQL lets many write at once
    with app.app_context(), write_transaction():
        errors = list[str]()

        def write() -> None:
            try:
                with app.app_context(), write_transaction(patience_ms=20):
                    errors.append("none")
            except OperationalError as error:
                errors.append(str(error.orig))

        thread = Thread(target=write)
        thread.start()
        thread.join()
        assert errors == ["database is locked"]
    with app.app_context(), write_transaction(patience_ms=20):
        pass


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """Two processes with sixteen threads each, on SQLite and on PostgreSQL."""
    server = Server(tmp_path / "instance", workers=2, DATABASE_URL=database_url)
    yield server
    server.kill()


@pytest.fixture
def blog(server: Server, database_url: str) -> Iterator[Flask]:
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, server.folder)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", [], False, now, "They sing."), now)
    yield app
    dispose(app)


def _user_agent(agent: str) -> str:
    return agent if "bot" in agent else browser(agent)


def send(server: Server, path: str, agent: str = "Reader", **form: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": _user_agent(agent),
        }
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_two_processes_post_and_count_at_once_and_lose_nothing(server: Server, blog: Flask) -> None:
    def act(number: int) -> int:
        if number % 2:
            return send(server, "/articles/birds/views", agent=f"Reader {number}")[0]
        return send(server, "/articles/birds/comments", author_name=f"N{number}", body=f"Text {number}")[0]

    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(act, range(400)))
    assert answers == {200: 200, 201: 200}
    with blog.app_context():
        assert db.session.scalar(select(func.count()).select_from(Comment)) == 200
        conversation = db.session.scalars(select(Conversation)).one()
        assert (conversation.comment_count, conversation.last_number, conversation.version) == (200, 200, 200)
        eventually(counted, 200)
    assert "ERROR" not in server.log()


def counted() -> int:
    """The views of the only article, as they are now. An answer may come before its count on a busy machine."""
    db.session.rollback()
    return db.session.scalars(select(ViewCount.counted)).one()


def view_many(server: Server, agents: list[str]) -> Counter[int]:
    """Look at the article once with each of `agents`, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers: Counter[int] = Counter()
    for agent in agents:
        headers = {"Content-Length": "0", "User-Agent": _user_agent(agent)}
        connection.request("POST", "/articles/birds/views", headers=headers)
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += 1
    connection.close()
    return answers


def test_two_thousand_readers_at_once_are_two_thousand_views(server: Server, blog: Flask) -> None:
    agents = [[f"Reader {connection}.{number}" for number in range(63 - connection % 2)] for connection in range(32)]
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda each: view_many(server, each), agents), Counter())
    assert answers == {204: 2000}
    with blog.app_context():
        eventually(counted, 2000)
    assert "ERROR" not in server.log()


def test_one_reader_a_hundred_times_at_once_is_one_view(server: Server, blog: Flask) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda _: view_many(server, ["Reader"]), range(100)), Counter())
    assert answers == {204: 100}
    with blog.app_context():
        eventually(counted, 1)


def test_an_acknowledged_comment_survives_a_killed_server(server: Server, blog: Flask) -> None:
    for number in range(3):
        status, page = send(server, "/articles/birds/comments", author_name="Ada", body=f"Kept {number}")
        assert status == 201
        server.kill()
        server.start()
        number_of_comment = re.findall(r'id="comment-(\d+)"', page)[0]
        with blog.app_context():
            db.session.rollback()
            kept = db.session.get_one(Comment, int(number_of_comment))
            assert kept.body_source == f"Kept {number}"
            db.session.remove()


def test_sigterm_ends_the_server_cleanly(server: Server) -> None:
    assert server.stop() == 0


def test_views_that_wait_are_written_before_the_server_ends(server: Server, blog: Flask, database_url: str) -> None:
    bot = "Googlebot/2.1"
    with locked(database_url):
        assert {send(server, "/articles/birds/views", agent=agent)[0] for agent in ("One", "Two", bot)} == {200}
        assert server.process
        server.process.let_go()
    assert server.stop() == 0
    with blog.app_context():
        assert db.session.scalars(select(ViewCount.counted)).one() == 2
        assert {row.reason: row.views for row in db.session.scalars(select(DailyRefusals))} == {"bot": 1}


def test_refusals_of_the_last_moment_are_noted_before_the_server_ends(server: Server, blog: Flask) -> None:
    for _ in range(20):
        assert send(server, "/articles/birds/views", agent="Googlebot/2.1")[0] == 200
    assert server.stop() == 0
    with blog.app_context():
        assert db.session.scalars(select(DailyRefusals.views)).one() == 20


def test_a_database_that_is_away_is_said_and_not_a_stack_trace(tmp_path: Path) -> None:
    url = "postgresql://nobody:secret@127.0.0.1:1/none"
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    answer = client.get("/")
    assert answer.status_code == 503
    assert "Back in a moment" in answer.text
    assert "secret" not in answer.text
    dispose(app)


def test_a_server_that_says_nothing_is_given_up_and_found_again(
    publish_article: Callable[..., Article],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if database_url.startswith("sqlite"):
        return  # no server, no silence
    monkeypatch.setattr(postgresql, "SILENCE", 0.5)
    monkeypatch.setattr(postgresql, "PAUSE", 0.2)
    publish_article(slug="birds", views=4)
    url = urlsplit(database_url)
    assert url.hostname
    assert url.port
    proxy = Proxy(url.hostname, url.port)
    through = urlunsplit(url._replace(netloc=url.netloc.replace(f":{url.port}", f":{proxy.port}")))
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": through}, tmp_path / "through")
    page = app.test_client().get("/articles/birds")
    assert page.status_code == 200

    proxy.flows.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.test_client().get("/articles/birds"), range(20)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, page.text)}
    assert app.test_client().get("/articles/never-seen").status_code == 503
    assert app.test_client().get("/readyz").status_code == 503
    form = {"author_name": "Ada", "body": "Hello"}
    assert app.test_client().post("/articles/birds/comments", data=form).status_code == 503
    assert app.test_client().post("/articles/birds/views").status_code == 204
    assert "OperationalError" in caplog.text or "ConnectionTimeout" in caplog.text

    proxy.flows.set()
    eventually(lambda: app.test_client().get("/readyz").status_code, 200)
    assert app.test_client().post("/articles/birds/comments", data=form).status_code == 303
    assert app.test_client().get("/articles/birds").text != page.text
    dispose(app)
    proxy.close()


def test_after_a_silence_one_at_a_time_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(postgresql, "monotonic", lambda: now)
    silence = postgresql.Silence()
    silence.refuse_while_it_lasts()
    silence.begin()
    with pytest.raises(psycopg.OperationalError, match="silent"):
        silence.refuse_while_it_lasts()
    now += postgresql.PAUSE + 1
    silence.refuse_while_it_lasts()  # the one
    with pytest.raises(psycopg.OperationalError, match="silent"):
        silence.refuse_while_it_lasts()
    silence.end()
    silence.refuse_while_it_lasts()
    # One slow answer shuts nobody out for long: the next one finds out at once, and alone.
    silence.doubt()
    silence.refuse_while_it_lasts()
    with pytest.raises(psycopg.OperationalError, match="silent"):
        silence.refuse_while_it_lasts()
    silence.end()
    silence.refuse_while_it_lasts()


def test_a_database_without_tables_is_said_and_not_a_stack_trace(tmp_path: Path) -> None:
    name = f"bare_{os.getpid()}"
    on_server(f"CREATE DATABASE {name}")
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url_of(name)}, tmp_path)
    client = app.test_client()
    assert "flask db upgrade" in client.get("/readyz").text
    assert client.get("/").status_code == 503
    with app.app_context():
        assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert client.get("/readyz").status_code == 200
    assert client.get("/").status_code == 200
    dispose(app)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_old_schema_is_not_ready_and_sqlite_brings_itself_up_to_date(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "blog.sqlite3").close()
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
    assert app.test_client().get("/readyz").status_code == 200
    with app.app_context():
        alembic.downgrade("base")
        db.session.remove()
    assert app.test_client().get("/readyz").status_code == 503
    dispose(app)
