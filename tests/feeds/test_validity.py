"""Feeds are valid, whatever texts, titles and names contain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from blogapp.feeds.feed import FORBIDDEN
from tests.feeds.conftest import ATOM, Change, Publish

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
# What a feed may break at. No database keeps NUL, but texts can contain entities of control characters.
ODD = "A & B &nbsp; &amp; &#0; &#1; <b>]]></b> <![CDATA[x]]> \x01\x0b\x7f\x85\ufffe 🐦 中文 \u202e \"' \u2028 é"
FEEDS = ("/feed.xml", "/feed.xml?lang=fr", "/comments.xml", "/articles/odd/comments.xml", "/articles/new/comments.xml")


@pytest.fixture
def odd(app: Flask, post: Publish, client: FlaskClient) -> FlaskClient:
    """A reader of an article and two comments with odd texts and names, and of an article without comments."""
    with app.app_context(), write_transaction() as session:
        for slug in ("odd", "new"):
            publish(session, Manuscript(slug, "fr", ODD, ODD, [ODD, "", 7], False, NOW, ODD), NOW)  # type: ignore[list-item]
    post("odd", author_name="A & B ]]> 🐦 中文", body=ODD.replace("\0", ""))
    post("odd", author_name="Bo", body="A reply", parent_id="1")
    with app.app_context(), write_transaction() as session:
        session.get_one(Comment, 2).author_name = ODD.replace("\0", "")[:100]
    return app.test_client()


@pytest.mark.settings(
    SITE_TITLE="A & B <i> ]]> 中文", SITE_DESCRIPTION="&nbsp; 🐦", WEBSUB_HUB="https://hub.example/?a=1&b=2"
)
@pytest.mark.parametrize("address", FEEDS)
def test_feed_is_valid_atom(odd: FlaskClient, schema: Any, address: str) -> None:
    answer = odd.get(address)
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    document = etree.fromstring(answer.data)
    schema.assertValid(document)
    parsed = feedparser.parse(answer.data)
    assert not parsed.bozo
    assert parsed.feed.title
    # What the schema cannot express (RFC 4287, 4.1.1 and 4.2.7).
    assert document.find(f"{ATOM}author/{ATOM}name").text
    for element in (document, *document.iter(f"{ATOM}entry")):
        assert len(element.findall(f"{ATOM}link[@rel='alternate']")) == 1
    ids = [each.text for each in document.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert not [each for each in ids if not re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", each)]
    (own,) = document.findall(f"{ATOM}link[@rel='self']")
    assert own.get("href") == f"http://localhost{address}"
    assert not FORBIDDEN.search(answer.text)


def test_texts_are_kept_except_control_characters(odd: FlaskClient) -> None:
    entry = feedparser.parse(odd.get("/feed.xml").data, sanitize_html=False).entries[0]
    document = etree.fromstring(odd.get("/feed.xml").data)
    title = document.findtext(f"{ATOM}entry/{ATOM}title")
    assert title == re.sub("[\x01\x0b\x7f\x85\ufffe]", "", ODD)
    content = entry.content[0].value
    for kept in ("A &amp; B", "]]&gt;", "🐦", "中文", "é"):
        assert kept in content


def test_json_feed_has_the_same_texts(odd: FlaskClient) -> None:
    answer = odd.get("/feed.json")
    assert answer.headers["Content-Type"] == "application/feed+json"
    feed = json.loads(answer.data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "http://localhost/feed.json"
    assert not FORBIDDEN.search(answer.text)
    entries = etree.fromstring(odd.get("/feed.xml").data).findall(f"{ATOM}entry")
    for item, entry in zip(feed["items"], entries, strict=True):
        assert item["id"] == entry.findtext(f"{ATOM}id")
        assert item["title"] == entry.findtext(f"{ATOM}title")
        assert item["content_html"] == entry.findtext(f"{ATOM}content")
        assert item["date_modified"] == entry.findtext(f"{ATOM}updated")
        assert {type(tag) for tag in item["tags"]} == {str}


@pytest.mark.parametrize("address", ["/feed.xml", "/comments.xml"])
def test_feed_of_an_empty_blog_is_valid(client: FlaskClient, schema: Any, address: str) -> None:
    schema.assertValid(etree.fromstring(client.get(address).data))


def test_sitemap_is_well_formed_with_any_address(
    client: FlaskClient, publish_article: Callable[..., Any], change_article: Change
) -> None:
    change_article(publish_article().id, slug="中文-&-🐦")
    document = etree.fromstring(client.get("/sitemap.xml").data)
    addresses = [each.text for each in document.iter("{*}loc")]
    assert addresses[-1:] == ["http://localhost/articles/%E4%B8%AD%E6%96%87-%26-%F0%9F%90%A6"]
