"""When a UTC day begins, the old visitor key is deleted, also from the database files, and no count is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db import transactions
from blogapp.db.base import db
from blogapp.view_counts import batch_writer
from blogapp.view_counts.counting import Seen
from blogapp.view_counts.models import ViewMark
from blogapp.visitors.models import VisitorKey
from tests.conftest import eventually
from tests.view_counts.test_batch_writer import counts, view

Publish = Callable[..., Article]
EVENING = datetime(2026, 6, 10, 23, 59, 59, 900_000, tzinfo=UTC)


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch, publish_article: Publish) -> Callable[[], None]:
    """Set the clock to shortly before midnight, without delays; return a function that moves it past midnight."""
    monkeypatch.setattr(batch_writer, "BEGIN_AFTER", 0)
    monkeypatch.setattr(batch_writer, "RETRY_AFTER", 0.05)
    monkeypatch.setattr(batch_writer, "POLL_EVERY", 0.05)
    monkeypatch.setattr(clock, "now", lambda: EVENING)
    publish_article(slug="birds")
    return lambda: monkeypatch.setattr(clock, "now", lambda: EVENING + timedelta(seconds=1))


def test_day_begins_at_midnight_without_a_request(app: Flask, session: Session, evening: Callable[[], None]) -> None:
    view(app, "Reader")
    assert len(session.scalars(select(ViewMark)).all()) == 1
    session.rollback()
    evening()
    eventually(lambda: session.scalars(select(VisitorKey.day)).all(), [date(2026, 6, 11)])
    assert session.scalars(select(ViewMark)).all() == []


def bytes_on_disk(database_url: str) -> bytes:
    """Return the contents of the database files that store visitor keys."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        return Path(path).read_bytes() + Path(path + "-wal").read_bytes()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_read_binary_file(pg_relation_filepath('visitor_keys'))").fetchone()
        assert row is not None
        content: bytes = row[0]
        return content


def test_key_is_removed_from_the_disk_when_its_day_ends(
    app: Flask, session: Session, database_url: str, evening: Callable[[], None]
) -> None:
    view(app, "Reader")
    key = session.scalars(select(VisitorKey.key)).one()
    session.rollback()
    assert key in bytes_on_disk(database_url)
    evening()
    view(app, "Reader")  # the first view of a day creates a new key; the old one is removed as well
    eventually(lambda: key in bytes_on_disk(database_url), False)
    assert session.scalars(select(VisitorKey.key)).one() in bytes_on_disk(database_url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL does not wait for readers
def test_open_read_transaction_delays_the_removal_of_a_key_but_no_count(
    app: Flask, session: Session, database_url: str, evening: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    view(app, "Reader")
    key = session.scalars(select(VisitorKey.key)).one()
    session.rollback()
    evening()
    with app.app_context(), db.engine.connect() as reader:
        reader.execute(select(VisitorKey)).all()  # and its transaction stays open
        assert 'data-count="2"' in view(app, "Reader").text
        assert key in bytes_on_disk(database_url)
    eventually(lambda: key in bytes_on_disk(database_url), False)


def test_database_failure_before_a_key_is_removed_loses_no_count(
    app: Flask,
    session: Session,
    evening: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(engine: Engine) -> None:
        raise OperationalError("", {}, psycopg.OperationalError("away"))

    def failing_wipe(table: str) -> bool:
        with pytest.MonkeyPatch.context() as away:
            away.setattr(Engine, "raw_connection", refuse)
            return transactions.wipe(table)

    monkeypatch.setattr(batch_writer, "wipe", failing_wipe)
    view(app, "Reader")
    app.extensions["view_writer"].flush()
    assert "deleted rows of visitor_keys cannot be removed from the disk" in caplog.text
    monkeypatch.setattr(batch_writer, "wipe", transactions.wipe)
    view(app, "Another")
    app.extensions["view_writer"].flush()
    assert counts(session) == (2, {})


def test_writers_of_several_processes_do_not_deadlock(
    app: Flask, session: Session, evening: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    def act(number: int) -> None:
        # Each writer acts as a process: all begin the day and record a refusal, and half of them also a view.
        writer = batch_writer.ViewWriter(app, None)
        writer.refuse("bot", EVENING.date())
        if number % 2:
            writer.count(Seen("birds", "192.0.2.0/24", f"Reader {number}", EVENING))
        writer.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(24)))
    assert caplog.text == ""
    assert counts(session) == (12, {"bot": 24})
