"""When PostgreSQL ends connections, responses are cached pages or the site's 503 page, never a plain 500."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.content_versions import POSTGRESQL_MAX_AGE
from blogapp.web import page_cache
from blogapp.web.headers import HEADERS, MARK
from tests.harness.databases import on_server
from tests.harness.server import Server

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

HTMX = {"HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"
REQUESTS: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("GET", "/", {}, ""),
    ("GET", "/articles/birds", {}, ""),
    ("GET", "/articles/birds/comments", HTMX, ""),
    ("GET", "/articles/birds/comments?since=0", HTMX, ""),
    ("GET", "/comments/1", {}, ""),
    ("GET", "/comments/1/replies", HTMX, ""),
    ("POST", "/articles/birds/comments", {"Content-Type": FORM}, "author_name=Ada&body=Hello"),
    ("POST", "/articles/birds/comments", {"Content-Type": FORM, **HTMX}, "author_name=Ada&body=Hello"),
    ("POST", "/comments/1/likes", {"Content-Type": FORM}, "liked=1"),
    ("POST", "/comments/1/likes", {"Content-Type": FORM, **HTMX}, "liked=0"),
    ("POST", "/articles/birds/views", HTMX, ""),
    ("GET", "/articles/birds/views.gif", {}, ""),
    ("GET", "/readyz", {}, ""),
)


def end_connections(database_url: str) -> None:
    """End every connection to the database, as an administrator or a restart does."""
    name = urlsplit(database_url).path.removeprefix("/")
    on_server(f"SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '{name}'")


def end_after_query(app: Flask, database_url: str, number: int) -> Callable[[], bool]:
    """End all connections after the next request's `number`th statement. Return a function that stops this and says
    whether it happened."""
    statements = list[str]()

    def on_statement(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)
        if len(statements) == number:
            Context().run(end_connections, database_url)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", on_statement)

    def stop() -> bool:
        event.remove(engine, "after_cursor_execute", on_statement)
        return len(statements) >= number

    return stop


@pytest.mark.parametrize(("method", "address", "headers", "body"), REQUESTS)
def test_connections_that_end_during_a_request_cause_no_unhandled_error(
    publish_article: Callable[..., Article],
    post: Callable[..., TestResponse],
    app: Flask,
    database_url: str,
    method: str,
    address: str,
    headers: dict[str, str],
    body: str,
) -> None:
    publish_article(slug="birds")
    post("birds", body="First")
    post("birds", body="A reply", parent_id="1")
    for number in range(1, 60):
        stop = end_after_query(app, database_url, number)
        answer = app.test_client().open(address, method=method, headers=headers, data=body)
        assert answer.status_code in {200, 201, 204, 302, 303, 503}, number
        for name, value in [*HEADERS.items(), MARK]:
            assert answer.headers.getlist(name) == [value]
        if not stop():
            break
    assert 1 < number < 60
    assert app.test_client().get("/articles/birds").status_code == 200


def test_cached_page_is_served_when_the_connection_ends(
    publish_article: Callable[..., Article], app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(slug="birds")
    page = app.test_client().get("/articles/birds").text
    time.sleep(POSTGRESQL_MAX_AGE)  # until then, no version is read again
    monkeypatch.setattr(page_cache, "MAX_AGE", -1.0)  # the page is rendered again, after the query for its version
    stop = end_after_query(app, database_url, 2)
    answer = app.test_client().get("/articles/birds")
    assert stop()
    assert (answer.status_code, answer.text) == (200, page)
    assert answer.headers["Cache-Control"] == "no-store"


def test_server_whose_connections_keep_ending_sends_only_its_own_responses(
    server: Server, blog: Flask, database_url: str
) -> None:
    done = Event()

    def keep_ending() -> None:
        while not done.wait(0.02):
            end_connections(database_url)

    def ask(number: int) -> tuple[int, str | None, str | None]:
        method, address, headers, body = REQUESTS[number % len(REQUESTS)]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        try:
            connection.request(method, address, body.replace("Hello", f"Hello {number}"), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers[MARK[0]], answer.headers["X-Content-Type-Options"]
        finally:
            connection.close()

    ask(6)
    with ThreadPoolExecutor(9) as pool:
        ending = pool.submit(keep_ending)
        try:
            answers = set(pool.map(ask, range(len(REQUESTS) * 5)))
        finally:
            done.set()
        ending.result()
    assert {(mark, nosniff) for _, mark, nosniff in answers} == {("1", "nosniff")}
    assert {status for status, _, _ in answers} <= {200, 201, 204, 302, 303, 404, 503}
    assert "Traceback" not in server.log()
