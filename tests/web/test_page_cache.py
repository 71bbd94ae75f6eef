"""Pages that stand by for a database that is away: bounded, and only what everybody may see."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.web.page_cache import ARGUMENTS, Standby

Publish = Callable[..., Article]


def test_what_was_served_longest_ago_makes_room() -> None:
    standby = Standby(room=100)
    for name in "abc":
        standby.keep(name, b"x" * 40, "text/html")
    assert [name for name in "abc" if standby.find(name)] == ["b", "c"]
    standby.keep("b", b"y" * 40, "text/html")
    standby.keep("d", b"x" * 40, "text/html")
    assert [name for name in "abcd" if standby.find(name)] == ["b", "d"]
    standby.keep("e", b"x" * 101, "text/html")
    assert standby.find("e") is None
    standby.drop("b")
    assert standby.find("b") is None


def test_what_is_asked_for_stays() -> None:
    standby = Standby(room=100)
    standby.keep("a", b"x" * 40, "text/html")
    standby.keep("b", b"x" * 40, "text/html")
    assert standby.find("a")
    standby.keep("c", b"x" * 40, "text/html")
    assert [name for name in "abc" if standby.find(name)] == ["a", "c"]


@pytest.fixture
def standby(app: Flask) -> Standby:
    kept: Standby = app.extensions["standby"]
    return kept


def test_only_pages_that_all_readers_share_are_kept(
    publish_article: Publish, client: FlaskClient, app: Flask, standby: Standby
) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds/comments", headers={"HX-Request": "true"})
    client.get("/articles/birds/views.gif")
    client.get("/healthz")
    client.set_cookie("visitor", "x" * 43)
    client.get("/articles/birds")
    assert not standby._pages
    app.test_client().get("/articles/birds")
    assert list(standby._pages) == ["localhost/articles/birds?"]


def test_a_page_that_is_gone_does_not_come_back(
    publish_article: Publish, client: FlaskClient, standby: Standby
) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds")
    client.get("/articles/birds?sort=newest")
    assert standby.find("localhost/articles/birds?")
    publish_article(slug="birds", draft=True)
    assert client.get("/articles/birds").status_code == 404
    assert not standby._pages


def test_a_page_is_the_same_whatever_others_append_to_its_address(
    publish_article: Publish, client: FlaskClient, standby: Standby
) -> None:
    publish_article(slug="birds")
    for query in ("", "?utm_source=letter", "?fbclid=1&sort=newest", "?sort=newest&x=%00"):
        client.get(f"/articles/birds{query}")
    assert list(standby._pages) == ["localhost/articles/birds?", "localhost/articles/birds?sort=newest"]


def test_every_argument_that_changes_a_page_is_known() -> None:
    """Fragments are not kept, and only they take `since`."""
    sources = (path.read_text() for path in Path("blogapp").rglob("*.py"))
    read = {name for source in sources for name in re.findall(r"request\.args(?:\.get\(|\[)\"(\w+)\"", source)}
    assert read - {"since"} == set(ARGUMENTS)


def test_what_was_withdrawn_does_not_come_back(
    publish_article: Publish, app: Flask, client: FlaskClient, post: Callable[..., TestResponse], standby: Standby
) -> None:
    publish_article(slug="birds")
    answer = post("birds", body="Words to be taken back")
    address = answer.headers["Location"].rpartition("#comment-")[2]
    app.test_client().get("/articles/birds")
    assert b"Words to be taken back" in next(iter(standby._pages.values())).body
    assert client.post(f"/comments/{address}/delete").status_code == 303
    assert not standby._pages
