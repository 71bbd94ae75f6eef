"""The page cache while the database is unavailable."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import brotli
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.content_versions import POSTGRESQL_MAX_AGE, raise_versions
from blogapp.db.transactions import write_transaction
from tests.conftest import locked

# These tests change the application and check what it keeps in memory.
pytestmark = pytest.mark.own_app

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

# In WAL mode, writers cannot block readers of SQLite. tests/db/test_deleted_content.py has outages of both databases.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def get_during_outage(app: Flask, database_url: str, address: str, **headers: str) -> TestResponse:
    """The response while neither the content versions nor the tables of an article page can be read."""
    time.sleep(POSTGRESQL_MAX_AGE)  # until then, no version is read again
    with locked(database_url, "articles, content_versions"):
        return app.test_client().get(address, headers=headers)


@on_postgresql
def test_cached_page_is_served_while_the_database_is_unavailable(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    publish_article(slug="birds")
    page = app.test_client().get("/articles/birds?utm_source=letter")
    answer = get_during_outage(app, database_url, "/articles/birds?fbclid=1&x=%00")
    assert (answer.status_code, answer.text) == (200, page.text)
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert re.fullmatch(r"blogapp; hit; ttl=-\d+", answer.headers["Cache-Status"])
    assert "Content-Security-Policy" in answer.headers
    compressed = get_during_outage(app, database_url, "/articles/birds", **{"Accept-Encoding": "br"})
    assert brotli.decompress(compressed.data).decode() == page.text


@on_postgresql
@pytest.mark.parametrize(
    "address", ["/articles/birds?sort=newest", f"/articles/birds?sort={'x' * 60_000}", "/articles/birds/comments"]
)
def test_uncached_page_gets_503_while_the_database_is_unavailable(
    publish_article: Publish, app: Flask, database_url: str, address: str
) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    answer = get_during_outage(app, database_url, address)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert "Content-Security-Policy" in answer.headers


@on_postgresql
def test_page_after_a_like_has_a_separate_entry(
    publish_article: Publish, post: Post, app: Flask, database_url: str
) -> None:
    """Without JavaScript, a like redirects to `?notice=liked-1`, which shows the button as pressed."""
    publish_article(slug="birds")
    post("birds")
    pages = {
        address: app.test_client().get(address).text
        for address in ("/articles/birds", "/articles/birds?notice=liked-1")
    }
    assert len(set(pages.values())) == 2
    for address, text in pages.items():
        assert get_during_outage(app, database_url, address).text == text
    assert get_during_outage(app, database_url, "/articles/birds?notice=liked-2").status_code == 503


@on_postgresql
def test_unpublished_article_is_not_served(publish_article: Publish, app: Flask, database_url: str) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    publish_article(slug="birds", draft=True)
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 503


@on_postgresql
def test_view_does_not_invalidate_cached_pages(publish_article: Publish, app: Flask, database_url: str) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    app.test_client().post("/articles/birds/views")
    app.extensions["view_writer"].flush()
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 200


@on_postgresql
def test_cached_page_is_served_only_if_requested_since_the_last_removal(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    article = publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    with app.app_context(), write_transaction(article.id + 1):
        pass
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 503
    app.test_client().get("/articles/birds")
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 200


@on_postgresql
def test_cached_page_is_served_after_a_comment_was_added(
    publish_article: Publish, post: Post, app: Flask, database_url: str
) -> None:
    """Also if the page was asked for since, but could not be rendered again."""
    article = publish_article(slug="birds")
    page = app.test_client().get("/articles/birds").text
    post("birds")
    time.sleep(POSTGRESQL_MAX_AGE)
    with locked(database_url, "articles"):
        assert app.test_client().get("/articles/birds").text == page
    assert get_during_outage(app, database_url, "/articles/birds").text == page
    with app.app_context(), write_transaction(article.id):
        pass
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 503


@on_postgresql
def test_cached_page_is_not_served_after_another_machine_changed_something(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    article = publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    with app.app_context(), db.session.begin():  # which leaves the change marker of this machine as it is
        raise_versions(db.session(), article.id)
    time.sleep(POSTGRESQL_MAX_AGE)
    with locked(database_url, "articles"):
        assert app.test_client().get("/articles/birds").status_code == 503


@on_postgresql
def test_pages_older_than_an_interrupted_commit_are_not_served(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    """A process was killed during a commit, so it is unknown whether the change is in the database."""
    publish_article(slug="birds")
    app.extensions["writing"].marker.begin_removal()
    app.test_client().get("/articles/birds")
    assert get_during_outage(app, database_url, "/articles/birds").status_code == 503
