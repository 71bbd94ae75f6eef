"""A server answers a reader before it forks its workers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask, has_request_context
from sqlalchemy import event, update

from blogapp.articles.models import PAGE, Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.pages.warmup import warm_up
from blogapp.web.immediate import Preparation
from blogapp.web.proxy import prepare_for
from tests.comments.test_threads import counted
from tests.conftest import locked

PREPARE = prepare_for("", 0)


def statements_of(app: Flask, prepare: Preparation = PREPARE) -> str:
    with counted(app) as statements:
        warm_up(app, prepare)
    return "\n".join(statements)


def test_newest_article_is_rendered(app: Flask, publish_article: Callable[..., Article]) -> None:
    publish_article()
    assert "comments.body_html" in statements_of(app)


@pytest.mark.parametrize("path", ["/blog", "/articles"])
def test_newest_article_is_rendered_below_the_path_of_the_site(
    app: Flask, publish_article: Callable[..., Article], path: str
) -> None:
    publish_article()
    assert "comments.body_html" in statements_of(app, prepare_for(f"https://blog.example{path}", 0))


def test_without_articles_the_front_page_is_rendered(app: Flask) -> None:
    assert "comments.body_html" not in (statements := statements_of(app))
    assert "GROUP BY articles.lang" in statements


def test_workers_inherit_no_connection_and_lack_no_thread(app: Flask, publish_article: Callable[..., Article]) -> None:
    publish_article()
    threads = threading.active_count()
    warm_up(app, PREPARE)
    with app.app_context():
        assert (db.engine.pool.checkedin(), db.engine.pool.checkedout()) == (0, 0)  # type: ignore[attr-defined]
    assert threading.active_count() == threads


def test_workers_do_not_show_in_an_outage_what_the_main_process_has_read(
    app: Flask, publish_article: Callable[..., Article]
) -> None:
    before = app.extensions["last_site"], app.extensions["last_menu"]
    day = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("about", "en", "About", "", [], False, day, "Text", kind=PAGE, in_menu=True), day)
    publish_article()
    warm_up(app, PREPARE)
    assert (app.extensions["last_site"], app.extensions["last_menu"]) == before
    assert app.extensions["last_menu"] == []


def test_statements_have_the_time_limit_of_a_request(app: Flask, publish_article: Callable[..., Article]) -> None:
    publish_article()
    in_requests: list[bool] = []

    def note(*args: object) -> None:
        in_requests.append(has_request_context())

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    warm_up(app, PREPARE)
    with app.app_context():
        event.remove(db.engine, "before_cursor_execute", note)
    assert in_requests
    assert all(in_requests)


def test_nothing_is_asked_of_a_database_that_could_not_be_reached(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "database_was_reached", False)
    assert not statements_of(app)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_locked_table_does_not_prevent_the_start(
    app: Flask, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(database_url, "articles"):
        warm_up(app, PREPARE)
    assert not caplog.records


def test_page_that_cannot_be_rendered_does_not_prevent_the_start(
    app: Flask, publish_article: Callable[..., Article], caplog: pytest.LogCaptureFixture
) -> None:
    publish_article()
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(lang="!!"))
    with caplog.at_level(logging.ERROR):
        warm_up(app, PREPARE)
    [record] = caplog.records
    assert record.getMessage() == "/articles/birds could not be rendered before the workers were started"
