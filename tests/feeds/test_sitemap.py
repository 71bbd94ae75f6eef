"""The sitemap, robots.txt, and what pages tell search engines."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.robotparser import RobotFileParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.articles.models import PAGE
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from blogapp.feeds import sitemap
from tests.feeds.conftest import Change, Publish

OTHERS = ["/", "/archive", "/tags"]
JANUARY = datetime(2026, 1, 2, tzinfo=UTC)


def addresses(client: FlaskClient, path: str = "/sitemap.xml") -> list[str]:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    return re.findall(r"<loc>http://localhost([^<]*)</loc>", answer.text)


def test_sitemap_has_the_front_page_and_articles_with_their_last_change(
    client: FlaskClient, publish_article: Publish, change_article: Change
) -> None:
    publish_article(slug="birds", published_at=JANUARY)
    change_article(publish_article(slug="bees", published_at=JANUARY).id, updated_at=datetime(2026, 3, 4, tzinfo=UTC))
    assert addresses(client) == [*OTHERS, "/articles/birds", "/articles/bees"]
    changes = re.findall("<lastmod>([^<]*)</lastmod>", client.get("/sitemap.xml").text)
    assert changes == ["2026-01-02T00:00:00Z", "2026-03-04T00:00:00Z"]


def test_sitemap_has_pages_and_tags(client: FlaskClient, app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "B", "", ["Été", "中文"], False, JANUARY, "Text."), JANUARY)
        for slug, status in (("about", "published"), ("hidden", "unlisted")):
            page = publish(session, Manuscript(slug, "en", "About", "", [], False, JANUARY, "Me."), JANUARY).article
            page.kind, page.status = PAGE, status
    tags = ["/tags/ete", "/tags/%E4%B8%AD%E6%96%87"]
    assert addresses(client) == [*OTHERS, "/about", *tags, "/articles/birds"]


def test_large_sitemap_is_an_index_of_parts(
    client: FlaskClient, publish_article: Publish, change_article: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "LARGEST", 8)
    monkeypatch.setattr(sitemap, "PART", 2)
    for number in range(1, 8):
        article = publish_article(slug=f"a{number}")
        if number in {3, 4}:
            change_article(article.id, status="draft")
    assert addresses(client) == ["/sitemap-1.xml", "/sitemap-2.xml", "/sitemap-4.xml", "/sitemap-5.xml"]
    assert "<sitemapindex" in client.get("/sitemap.xml").text
    parts = [addresses(client, path) for path in addresses(client)]
    assert parts == [OTHERS, ["/articles/a1", "/articles/a2"], ["/articles/a5", "/articles/a6"], ["/articles/a7"]]
    assert client.get("/sitemap-3.xml").status_code == 404


@pytest.mark.parametrize("part", ["0", "4", "99999999999999999", "9007199254740992", "x"])
def test_unknown_part_of_the_sitemap_is_not_found(client: FlaskClient, publish_article: Publish, part: str) -> None:
    publish_article()
    assert client.get(f"/sitemap-{part}.xml").status_code == 404


@pytest.mark.settings(SITE_URL="https://blog.example.org/notes")
def test_robots_txt_names_the_sitemap_and_keeps_out_owners_pages_replies_and_sorts(client: FlaskClient) -> None:
    answer = client.get("/robots.txt", headers={"Host": "evil.example.org"})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    rules = RobotFileParser()
    rules.parse(answer.text.splitlines())
    assert rules.site_maps() == ["https://blog.example.org/notes/sitemap.xml"]
    assert "Disallow: /notes/owner$\n" in answer.text  # a rule that this parser does not know
    for path in ("/owner/sign-in", "/search?q=x", "/drafts/x", "/comments/1/reply", "/comments/1", "/moderate/x"):
        assert not rules.can_fetch("Googlebot", f"/notes{path}"), path
    for path in (
        "/",
        "/search-tips",
        "/owners-manual",
        "/articles/birds",
        "/comments.xml",
        "/feed.xml",
        "/tags/x",
        "/?before=3",
        "/articles/birds/comments",
    ):
        assert rules.can_fetch("Googlebot", f"/notes{path}"), path
    assert "Disallow: /notes/*?sort=\n" in answer.text


@pytest.mark.settings(SITE_URL="https://blog.example.org")
def test_pages_name_their_canonical_address_whatever_the_host(client: FlaskClient, publish_article: Publish) -> None:
    publish_article()
    for path, canonical in {
        "/": "/",
        "/?utm_source=x": "/",
        "/?before=7": "/?before=7",
        "/articles/birds?sort=newest": "/articles/birds",
        "/articles/birds/comments": "/articles/birds",
        "/tags": "/tags",
        "/tags?after=a": "/tags?after=a",
        "/privacy": "/privacy?lang=en",
    }.items():
        page = client.get(path, headers={"Host": "evil.example.org"}).text
        assert f'<link rel="canonical" href="https://blog.example.org{canonical}">' in page, path
        assert "evil" not in page


def test_unlisted_article_is_not_for_search_engines(
    client: FlaskClient, publish_article: Publish, change_article: Change
) -> None:
    article_id = publish_article().id
    assert "noindex" not in client.get("/articles/birds").text
    change_article(article_id, status="unlisted")
    assert '<meta name="robots" content="noindex">' in client.get("/articles/birds").text
