"""Results that are cached until everything changes are never older than the snapshot of the session that reads them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import Context

import pytest
from flask import Flask
from sqlalchemy import select, update

from blogapp.articles.models import Article
from blogapp.articles.reading import find_article
from blogapp.clock import now
from blogapp.db import query_cache
from blogapp.db.base import db
from blogapp.db.content_versions import EVERYTHING, Changes, version_of
from blogapp.db.query_cache import MOST_RESULTS, cached_result
from blogapp.db.transactions import write_transaction
from blogapp.site.models import SiteSetting
from blogapp.site.settings import change_site

TITLE = select(SiteSetting.value).where(SiteSetting.name == "title")


class Titles:
    """Reads the title through the cache, and counts how often it is read from the database."""

    def __init__(self, app: Flask) -> None:
        self.app, self.loads = app, 0

    def change(self, title: str) -> None:
        with self.app.app_context(), write_transaction() as session:
            change_site(session, {"title": title})

    def read(self, key: object = "title") -> str:
        with self.app.app_context():
            return self.present(key)

    def present(self, key: object = "title") -> str:
        return cached_result(db.session(), key, self._load)

    def _load(self) -> str:
        self.loads += 1
        return db.session.scalars(TITLE).one()


def test_result_is_loaded_again_only_after_a_change_to_everything(app: Flask) -> None:
    titles = Titles(app)
    titles.change("First")
    assert [titles.read(), titles.read()] == ["First", "First"]
    with app.app_context(), write_transaction(1):
        pass
    with app.app_context(), write_transaction(Changes.NOTHING):
        pass
    assert (titles.read(), titles.loads) == ("First", 1)
    titles.change("Second")
    assert [titles.read(), titles.read()] == ["Second", "Second"]
    assert titles.loads == 2


def test_write_transaction_reads_what_it_has_written(app: Flask) -> None:
    titles = Titles(app)
    titles.change("First")
    titles.read()
    with app.app_context():
        assert titles.present() == "First"
        with write_transaction() as session:
            change_site(session, {"title": "Second"})
            assert titles.present() == "Second"
            session.rollback()
        assert titles.present() == "First"


def test_older_snapshot_keeps_its_result(app: Flask) -> None:
    titles = Titles(app)
    titles.change("First")
    with app.app_context():
        assert titles.present() == "First"
        Context().run(titles.change, "Second")
        assert Context().run(titles.read) == "Second"
        assert titles.present() == "First"
        assert titles.present("another key") == "First"
        db.session.rollback()
        assert titles.present("another key") == "Second"


def test_results_used_last_are_kept(app: Flask) -> None:
    titles = Titles(app)
    titles.change("First")
    for key in range(MOST_RESULTS):
        titles.read(key)
    titles.read(0)
    assert titles.loads == MOST_RESULTS
    titles.read("one more")
    titles.read(0)
    assert titles.loads == MOST_RESULTS + 1
    titles.read(1)
    assert titles.loads == MOST_RESULTS + 2


def test_change_from_outside_is_seen_after_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = Titles(app)
    titles.change("First")
    monkeypatch.setattr(query_cache, "MAX_AGE", 0.2)
    assert titles.read() == "First"
    with app.app_context(), write_transaction(Changes.NOTHING) as session:
        session.execute(update(SiteSetting).where(SiteSetting.name == "title").values(value="Second"))
    deadline = time.monotonic() + 10
    while titles.read() == "First" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert titles.read() == "Second"


def test_versions_read_with_an_article_are_not_used_in_a_write_transaction(
    app: Flask, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="birds")
    with app.app_context():
        find_article(db.session(), "birds", now())
        assert version_of(db.session(), EVERYTHING) is not None
        with write_transaction() as session:
            find_article(session, "birds", now())
            assert version_of(session, EVERYTHING) is None
