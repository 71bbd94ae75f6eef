"""The front page by language, its pages, the menu, and the archive by year."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from blogapp import clock
from blogapp.articles.models import Article
from tests.articles.test_tags import analyze, bad_plans, fill
from tests.comments.test_query_plans import recorded
from tests.comments.test_threads import counted

Publish = Callable[..., Article]
PASSWORD = "correct horse battery"
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def titles(page: str) -> list[str]:
    return re.findall(r'href="/articles/[^"]+"[^>]*>([^<]+)</a>', page)


def test_filter_by_language_shows_the_articles_of_one_language_in_this_language(
    publish_article: Publish, client: FlaskClient
) -> None:
    publish_article(slug="birds", lang="en", title="Birds")
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    front = client.get("/").text
    assert 'href="/?lang=fr" lang="fr" hreflang="fr">français</a>' in front
    french = client.get("/?lang=fr").text
    assert '<html lang="fr"' in french
    assert titles(french) == ["Oiseaux"]
    assert titles(client.get("/?lang=en").text) == ["Birds"]
    assert sorted(titles(client.get("/?lang=xx").text)) == ["Birds", "Oiseaux"]


def test_blog_in_one_language_has_no_filter(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds", lang="fr")
    assert "?lang=" not in client.get("/").text.replace("/privacy?lang=", "")
    assert '<html lang="en"' in client.get("/?lang=fr").text


@pytest.mark.parametrize("address", ["/", "/?lang=fr"])
def test_pages_lead_back_and_say_where_they_are(app: Flask, client: FlaskClient, address: str) -> None:
    fill(app, 150)
    total = 150 if address == "/" else 50
    shown: list[str] = []
    forwards: list[str] = []
    while address:
        forwards.append(address)
        page = client.get(address).text
        found = titles(page)
        place = re.search(r'<span class="place">(\d+) \w+ (\d+) \w+ (\d+)<', page)
        assert place is not None
        assert [int(each) for each in place.groups()] == [len(shown) + 1, len(shown) + len(found), total]
        shown += found
        link = re.search(r'rel="next" href="([^"]+)"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    assert len(shown) == len(set(shown)) == total
    for address, newer in zip(forwards[:0:-1], forwards[-2::-1], strict=True):
        link = re.search(r'rel="prev" href="([^"]+)"', client.get(address).text)
        assert link is not None
        assert link[1].replace("&amp;", "&") == newer


@pytest.mark.settings(SITE_TITLE="Birds", SITE_DESCRIPTION="What they sing")
def test_front_page_begins_with_the_title_and_the_description(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds")
    page = client.get("/").text
    assert '<h1 class="blog-title"><a class="site-title" href="/">Birds</a></h1>' in page
    assert '<p class="blog-description" dir="auto">What they sing</p>' in page
    assert page.count("<h1") == 1
    assert "blog-title" not in client.get("/articles/birds").text


def test_header_links_only_to_addresses_that_exist(client: FlaskClient, app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    page = client.get("/").text
    menu = re.search(r'<nav class="site-menu".*?</nav>', page, re.DOTALL)
    assert menu is not None
    links = re.findall(r'href="([^"]+)"', menu[0])
    assert links == [path for path in ("/archive", "/search", "/feed.xml") if path in rules]
    for link in links:
        assert client.get(link).status_code == 200


def test_empty_blog_says_what_to_do_next(client: FlaskClient, app: Flask, runner: FlaskCliRunner) -> None:
    assert "The first article will appear here." in client.get("/").text
    runner.invoke(args=["owner", "create", "--name", "Marie", "--password", PASSWORD])
    owner = app.test_client()
    owner.post("/owner/sign-in", data={"name": "Marie", "password": PASSWORD})
    assert '<a class="button" href="/owner/articles/new">' in owner.get("/").text


def test_archive_shows_one_year_by_months_in_the_language_of_each_article(
    client: FlaskClient, publish_article: Publish
) -> None:
    publish_article(slug="old", title="Old", published_at=datetime(2024, 12, 31, 23, 59, tzinfo=UTC))
    publish_article(slug="new", title="New", published_at=datetime(2026, 1, 1, tzinfo=UTC))
    publish_article(slug="ete", title="Été", lang="fr", published_at=datetime(2026, 7, 1, tzinfo=UTC))
    publish_article(slug="draft", title="Draft", draft=True)
    page = client.get("/archive").text
    assert titles(page) == ["Été", "New"]
    assert re.findall(r'<h2 id="month-\d+">([^<]+)</h2>', page) == ["July 2026", "January 2026"]
    assert '<a href="/articles/ete" lang="fr" dir="ltr">Été</a>' in page
    years = re.findall(r'href="/archive\?year=(\d+)"[^>]*>\d+</a> <span class="tag-count">(\d+) article', page)
    assert years == [("2026", "2"), ("2024", "1")]
    assert titles(client.get("/archive?year=2024").text) == ["Old"]
    for year in ("2025", "0", "9999", "99999999"):
        assert client.get(f"/archive?year={year}").status_code == 404


def test_archive_of_an_empty_blog_says_so(client: FlaskClient) -> None:
    assert "No articles yet." in client.get("/archive").text


def test_scheduled_article_is_in_no_list_until_its_time_comes(
    app: Flask, publish_article: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(slug="birds", published_at=DAY)
    publish_article(slug="later", title="Later", published_at=DAY + timedelta(hours=1))
    for now, expected in ((DAY, False), (DAY + timedelta(hours=1), True)):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        for address in ("/", "/archive"):
            # The cache measures its time with another clock; a page beside the cache.
            answer = app.test_client().get(f"{address}?at={int(expected)}")
            assert ("Later" in answer.text) == expected


def test_number_of_queries_of_lists_does_not_depend_on_the_number_of_articles(app: Flask) -> None:
    costs = []
    for start, count in ((0, 70), (70, 700)):
        fill(app, count, start)
        app.test_client().get("/privacy")  # reads the settings and the menu, which are cached
        for address in ("/", "/?before=25", "/?lang=fr", "/archive", "/archive?before=25"):
            with counted(app) as statements:
                assert app.test_client().get(address).status_code == 200
            costs.append((address, len(statements)))
    assert sorted(set(costs)) == [
        ("/", 6), ("/?before=25", 7), ("/?lang=fr", 6), ("/archive", 3), ("/archive?before=25", 5),
    ]  # fmt: skip


@pytest.mark.parametrize("analyzed", [False, True])
def test_lists_of_10000_articles_read_ranges_of_indexes(app: Flask, analyzed: bool) -> None:
    fill(app, 10_000)
    if analyzed:
        analyze(app)
    client = app.test_client()
    with recorded(app) as statements:
        for address in ("/", "/?before=5000", "/?lang=fr&before=5000", "/archive", "/archive?before=5000"):
            assert client.get(address).status_code == 200
    # The years of all articles are counted from an index alone, without an order.
    counting = [each for each in statements if "GROUP BY" in each[0]]
    assert not bad_plans(app, [each for each in statements if each not in counting])
    assert not [line for line in bad_plans(app, counting) if "TEMP B-TREE FOR" not in line and "Sort" not in line]
