"""A PostgreSQL server that does not respond or cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from flask import Flask

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.db import circuit_breaker, content_versions, postgresql
from blogapp.db.base import db
from tests.conftest import SECRET_KEY, dispose, eventually
from tests.harness.proxy import Proxy

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_site_starts_while_the_database_is_unavailable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = "postgresql://nobody:secret@127.0.0.1:1/none"
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
    assert "DATABASE_URL: the PostgreSQL server cannot be reached (127.0.0.1)." in caplog.text
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").text == "the database does not answer: the PostgreSQL server cannot be reached\n"
    command = app.test_cli_runner().invoke(args=["comments", "list"])
    assert command.output == "Error: The database cannot be used now: the PostgreSQL server cannot be reached.\n"
    answer = client.get("/")
    assert answer.status_code == 503
    assert "Temporarily unavailable" in answer.text
    assert "secret" not in answer.text
    dispose(app)


@on_postgresql
def test_cached_pages_are_served_until_the_server_responds_again(
    publish_article: Callable[..., Article],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(postgresql, "RESPONSE_TIMEOUT", 0.5)
    monkeypatch.setattr(postgresql, "OPEN_SECONDS", 0.2)
    publish_article(slug="birds", views=4)
    proxy, url = proxy_of(database_url)
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
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
    eventually(lambda: app.test_client().get("/articles/birds").text != page.text, True)  # after OPEN_SECONDS at most
    dispose(app)
    proxy.close()


@on_postgresql
def test_cached_pages_are_served_while_the_server_is_slow_unless_something_was_removed(
    publish_article: Callable[..., Article], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_versions, "SLOW_SECONDS", 0.04)
    monkeypatch.setattr(content_versions, "OPEN_SECONDS", 0.0)  # each reader asks the slow server
    publish_article(slug="birds", views=4)
    proxy, url = proxy_of(database_url)
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
    page = app.test_client().get("/articles/birds")
    author = app.test_client()
    proxy.answer_delay = 0.04
    form = {"author_name": "Ada", "body": "Hello"}
    assert author.post("/articles/birds/comments", data=form).status_code == 303
    slow = app.test_client().get("/articles/birds")
    assert (slow.text, slow.headers["Cache-Control"]) == (page.text, "no-store")
    assert author.post("/comments/1/delete").status_code == 303
    assert app.test_client().get("/articles/birds").headers["Cache-Control"] == "public, no-cache"
    dispose(app)
    proxy.close()


def proxy_of(database_url: str) -> tuple[Proxy, str]:
    """A proxy in front of the database's server, and the URL of the database behind it."""
    url = urlsplit(database_url)
    assert url.hostname
    assert url.port
    proxy = Proxy(url.hostname, url.port)
    return proxy, urlunsplit(url._replace(netloc=url.netloc.replace(f":{url.port}", f":{proxy.port}")))


def test_circuit_breaker_allows_one_retry_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(circuit_breaker, "monotonic", lambda: now)
    breaker = circuit_breaker.CircuitBreaker(open_seconds=5.0, trial_seconds=10.0)
    assert breaker.allows()
    breaker.open()
    assert not breaker.allows()
    now += 6
    assert [breaker.allows(), breaker.allows()] == [True, False]  # the first one tries again
    breaker.close()
    assert breaker.allows()
    # After one slow response, a single request may try at once.
    breaker.half_open()
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.close()
    assert breaker.allows()


@on_postgresql
def test_server_has_low_latency_only_if_it_answers_at_once(database_url: str, tmp_path: Path) -> None:
    quick = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, tmp_path)
    eventually(lambda: has_low_latency(quick), True)
    proxy, url = proxy_of(database_url)
    proxy.answer_delay = 0.01
    slow = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, tmp_path)
    assert not has_low_latency(slow)
    for app in (quick, slow):
        dispose(app)
    proxy.close()


def has_low_latency(app: Flask) -> bool:
    """Whether the server has low latency, after another connection to it."""
    with app.app_context():
        db.engine.dispose()
        db.engine.connect().close()
    found: bool = app.extensions["database_has_low_latency"]()
    return found
