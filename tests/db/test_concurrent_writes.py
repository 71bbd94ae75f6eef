"""Concurrent writes of two server processes, and servers that are stopped or killed."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

from blogapp.comments.models import Comment, Conversation
from blogapp.db.base import db
from blogapp.view_counts.models import DailyRefusals, ViewCount
from tests.conftest import FIREFOX, browser, eventually, locked
from tests.harness.server import Server


def send(server: Server, path: str, agent: str = FIREFOX, **form: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {"HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded", "User-Agent": agent}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_concurrent_comments_and_views_in_two_processes_are_all_stored(server: Server, blog: Flask) -> None:
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
        eventually(counted, 200)
    assert "ERROR" not in server.log()


def counted() -> int:
    """The view count of the only article. On a busy machine a response may arrive before its view is written."""
    db.session.rollback()
    return db.session.scalars(select(ViewCount.counted)).one()


def view_many(server: Server, agents: list[str]) -> Counter[int]:
    """View the article once with each of `agents`, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers: Counter[int] = Counter()
    for agent in agents:
        headers = {"Content-Length": "0", "User-Agent": agent}
        connection.request("POST", "/articles/birds/views", headers=headers)
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += 1
    connection.close()
    return answers


def test_two_thousand_concurrent_readers_are_all_counted(server: Server, blog: Flask) -> None:
    agents = [[browser(f"{connection}.{number}") for number in range(63 - connection % 2)] for connection in range(32)]
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda each: view_many(server, each), agents), Counter())
    assert answers == {204: 2000}
    with blog.app_context():
        eventually(counted, 2000)
    assert "ERROR" not in server.log()


def test_hundred_concurrent_requests_of_one_reader_are_one_view(server: Server, blog: Flask) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda _: view_many(server, [FIREFOX]), range(100)), Counter())
    assert answers == {204: 100}
    with blog.app_context():
        eventually(counted, 1)


def test_acknowledged_comment_survives_a_killed_server(server: Server, blog: Flask) -> None:
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
