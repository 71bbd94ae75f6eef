"""Concurrent writes of two server processes, and servers that are stopped or killed."""

from __future__ import annotations

import http.client
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.comments.models import Comment, Conversation
from blogapp.db.base import db
from blogapp.view_counts.models import DailyRefusals, ViewCount
from tests.conftest import FIREFOX, SECRET_KEY, browser, dispose, eventually, locked, on_server, url_of
from tests.db.conftest import add_article
from tests.harness.server import Server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy_site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[tuple[Server, Flask]]:
    """A server with two processes and the application in this process on the same database, for tests with many
    requests. Each test uses an article of its own, because starting a server takes seconds."""
    folder = tmp_path_factory.mktemp("busy")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "blog.sqlite3")
        url = f"sqlite:///{folder / 'blog.sqlite3'}"
    else:
        name = f"busy_{worker_id}"
        on_server(f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")
        url = url_of(name)
    server = Server(folder, workers=2, DATABASE_URL=url)
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, folder)
    for slug in ("birds", "bees", "bats"):
        add_article(app, slug)
    yield server, app
    dispose(app)
    server.kill()
    if request.param == "postgresql":
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


def send(server: Server, path: str, agent: str = FIREFOX, **form: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {"HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded", "User-Agent": agent}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_concurrent_comments_and_views_in_two_processes_are_all_stored(busy_site: tuple[Server, Flask]) -> None:
    server, blog = busy_site

    def act(number: int) -> int:
        if number % 2:
            return send(server, "/articles/birds/views", agent=browser(f"Reader {number}"))[0]
        return send(server, "/articles/birds/comments", author_name=f"N{number}", body=f"Text {number}")[0]

    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(act, range(400)))
    assert answers == {200: 200, 201: 200}
    with blog.app_context():
        assert db.session.scalar(select(func.count()).select_from(Comment)) == 200
        conversation = db.session.scalars(select(Conversation)).one()
        assert (conversation.comment_count, conversation.last_number, conversation.version) == (200, 200, 200)
        eventually(lambda: counted("birds"), 200)
    assert "ERROR" not in server.log()


def counted(slug: str) -> int:
    """The view count of an article. On a busy machine a response may arrive before its view is written."""
    db.session.rollback()
    return db.session.scalars(select(ViewCount.counted).join(Article).where(Article.slug == slug)).one()


def view_many(server: Server, slug: str, agents: list[str]) -> Counter[int]:
    """View the article once with each of `agents`, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers: Counter[int] = Counter()
    for agent in agents:
        headers = {"Content-Length": "0", "User-Agent": agent}
        connection.request("POST", f"/articles/{slug}/views", headers=headers)
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += 1
    connection.close()
    return answers


def test_two_thousand_concurrent_readers_are_all_counted(busy_site: tuple[Server, Flask]) -> None:
    server, blog = busy_site
    agents = [[browser(f"{connection}.{number}") for number in range(63 - connection % 2)] for connection in range(32)]
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda each: view_many(server, "bees", each), agents), Counter())
    assert answers == {204: 2000}
    with blog.app_context():
        eventually(lambda: counted("bees"), 2000)
    assert "ERROR" not in server.log()


def test_hundred_concurrent_requests_of_one_reader_are_one_view(busy_site: tuple[Server, Flask]) -> None:
    server, blog = busy_site
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda _: view_many(server, "bats", [FIREFOX]), range(100)), Counter())
    assert answers == {204: 100}
    with blog.app_context():
        eventually(lambda: counted("bats"), 1)


def test_acknowledged_comment_survives_a_killed_server(server: Server, blog: Flask) -> None:
    for number in range(2):
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


def test_queued_views_are_written_before_the_server_ends(server: Server, blog: Flask, database_url: str) -> None:
    bot = "Googlebot/2.1"
    with locked(database_url):
        assert {
            send(server, "/articles/birds/views", agent=agent)[0] for agent in (browser("One"), browser("Two"), bot)
        } == {200}
        assert server.process
        server.process.end()
    assert server.stop() == 0
    with blog.app_context():
        assert db.session.scalars(select(ViewCount.counted)).one() == 2
        assert {row.reason: row.views for row in db.session.scalars(select(DailyRefusals))} == {"bot": 1}


def test_queued_refusals_are_written_before_the_server_ends(server: Server, blog: Flask) -> None:
    for _ in range(20):
        assert send(server, "/articles/birds/views", agent="Googlebot/2.1")[0] == 200
    assert server.stop() == 0
    with blog.app_context():
        assert db.session.scalars(select(DailyRefusals.views)).one() == 20
