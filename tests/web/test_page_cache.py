"""Pages kept in memory for an outage: bounded in size, only public pages, and no page that shows deleted content."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.web.page_cache import ARGUMENTS, OVERHEAD, Page, PageCache
from tests.conftest import locked

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

VERSION = b"0" * 16


def page(body: bytes = b"x" * 40, version: bytes = VERSION, rendered_at: float = 0.0) -> Page:
    return Page(body, "text/html", version, rendered_at)


def kept(cache: PageCache, keys: str) -> str:
    return "".join(key for key in keys if cache.find(key, VERSION, 0.0))


def test_the_least_recently_used_page_is_dropped_first() -> None:
    cache = PageCache(room=2 * (OVERHEAD + 50))
    for key in "ab":
        cache.store(key, page())
    assert cache.find("a", VERSION, 0.0)
    cache.store("c", page())
    assert kept(cache, "abc") == "ac"
    cache.store("d", page(b"x" * 2 * (OVERHEAD + 50)))
    assert kept(cache, "acd") == "ac"


def test_keys_count_towards_the_size() -> None:
    cache = PageCache(room=100_000)
    for number in range(1_000):
        cache.store(f"{number:0900}", page(b""))
    assert cache.size <= 100_000
    cache.store("k" * 60_000, page(b""))
    assert cache.find("k" * 60_000, VERSION, 0.0) is None


def test_a_page_of_another_version_is_dropped() -> None:
    cache = PageCache()
    cache.store("a", page())
    assert cache.find("a", b"1" * 16, 0.0) is None
    assert cache.find("a", VERSION, 0.0) is None
    cache.store("a", page())
    assert cache.find("a", None, 0.0) is None  # the version is not known
    assert cache.size == 0


def test_a_page_that_is_too_old_is_dropped() -> None:
    cache = PageCache(max_age=60.0)
    cache.store("a", page(rendered_at=100.0))
    assert cache.find("a", VERSION, 160.0)
    assert cache.find("a", VERSION, 160.1) is None


# In WAL mode no writer can keep an SQLite reader waiting. Outages of both databases are in tests/db/test_withdrawal.py.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def away(app: Flask, database_url: str, address: str, **headers: str) -> TestResponse:
    """The answer while the tables of an article page cannot be read."""
    with locked(database_url, "articles"):
        return app.test_client().get(address, headers=headers)


@on_postgresql
def test_a_page_that_was_read_before_is_served_while_the_database_is_away(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    publish_article(slug="birds")
    page = app.test_client().get("/articles/birds?utm_source=letter")
    answer = away(app, database_url, "/articles/birds?fbclid=1&x=%00")
    assert (answer.status_code, answer.text) == (200, page.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in answer.headers


@on_postgresql
@pytest.mark.parametrize(
    "address", ["/articles/birds?sort=newest", f"/articles/birds?sort={'x' * 60_000}", "/articles/birds/comments"]
)
def test_another_page_is_not_served_instead(
    publish_article: Publish, app: Flask, database_url: str, address: str
) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    answer = away(app, database_url, address)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert "Content-Security-Policy" in answer.headers


def test_pages_of_one_visitor_and_fragments_are_not_kept(
    publish_article: Publish, client: FlaskClient, app: Flask, database_url: str
) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds/comments", headers={"HX-Request": "true"})
    client.set_cookie("visitor", "x" * 43)
    client.get("/articles/birds")
    assert app.extensions["page_cache"].size == 0


def test_overlong_arguments_are_not_kept(app: Flask, client: FlaskClient) -> None:
    client.get("/")
    size = app.extensions["page_cache"].size
    for number in range(3):
        assert client.get(f"/?before={'x' * 60_000}{number}").status_code == 200
        assert client.get(f"/?unknown={'x' * 60_000}{number}").status_code == 200
    assert app.extensions["page_cache"].size == size


@pytest.mark.settings(SITE_URL="https://blog.example.org")
def test_a_foreign_host_gets_no_page_of_its_own(app: Flask, client: FlaskClient) -> None:
    client.get("/", headers={"Host": "blog.example.org"})
    size = app.extensions["page_cache"].size
    assert size > 0
    assert "evil.example.org" not in client.get("/", headers={"Host": "evil.example.org"}).text
    assert app.extensions["page_cache"].size == size


def test_every_argument_that_changes_a_page_is_known() -> None:
    """Fragments are not kept, and only they take `since`."""
    sources = (path.read_text() for path in Path("blogapp").rglob("*.py"))
    read = {name for source in sources for name in re.findall(r"request\.args(?:\.get\(|\[)\"(\w+)\"", source)}
    assert read - {"since"} == set(ARGUMENTS)


@on_postgresql
def test_the_page_after_a_like_is_a_page_of_its_own(
    publish_article: Publish, post: Post, app: Flask, database_url: str
) -> None:
    """Without JavaScript a like leads to `?notice=liked-1`, where the button is pressed."""
    publish_article(slug="birds")
    post("birds")
    pages = {
        address: app.test_client().get(address).text
        for address in ("/articles/birds", "/articles/birds?notice=liked-1")
    }
    assert len(set(pages.values())) == 2
    for address, text in pages.items():
        assert away(app, database_url, address).text == text
    assert away(app, database_url, "/articles/birds?notice=liked-2").status_code == 503


@on_postgresql
def test_an_unpublished_article_is_not_served(publish_article: Publish, app: Flask, database_url: str) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    publish_article(slug="birds", draft=True)
    assert away(app, database_url, "/articles/birds").status_code == 503


@on_postgresql
def test_a_view_leaves_pages_in_the_cache(publish_article: Publish, app: Flask, database_url: str) -> None:
    publish_article(slug="birds")
    app.test_client().get("/articles/birds")
    app.test_client().post("/articles/birds/views")
    app.extensions["view_writer"].flush()
    assert away(app, database_url, "/articles/birds").status_code == 200


@on_postgresql
def test_a_page_rendered_while_something_is_deleted_is_not_served(
    publish_article: Publish, app: Flask, database_url: str
) -> None:
    publish_article(slug="birds")

    @app.after_request
    def change(response: TestResponse) -> TestResponse:  # runs first: after rendering, before the page is stored
        with write_transaction():
            return response

    app.test_client().get("/articles/birds")
    app.after_request_funcs[None].remove(change)
    assert away(app, database_url, "/articles/birds").status_code == 503
