"""The owner's list of articles, and its queries with 10,000 articles."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from blogapp.articles.models import Article
from blogapp.articles.owner_list import ARTICLES_PER_PAGE, STATES
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import NOW, Form
from tests.comments.test_query_plans import plan, recorded

SetClock = Callable[[datetime], None]
STATUSES = ("draft", "published", "published", "published", "unlisted", "unpublished", "deleted", "published")
BIG = "articles|article_revisions"


def fill(app: Flask, count: int) -> None:
    """Add articles in all states; every eighth is scheduled."""
    rows: list[dict[str, Any]] = [
        {
            "slug": f"article-{number}",
            "lang": "en",
            "title": f"Article {number}",
            "summary": "",
            "excerpt": "",
            "tags": [],
            "status": STATUSES[number % 8],
            "published_at": NOW + timedelta(minutes=number if number % 8 == 7 else -number),
            "deleted_at": NOW if STATUSES[number % 8] == "deleted" else None,
            "edited_at": NOW - timedelta(minutes=number),
            "body_source": "x" * 2_000,
            "body_html": "",
            "renderer_version": 1,
        }
        for number in range(count)
    ]
    with app.app_context():
        with write_transaction() as session:
            session.execute(insert(Article), rows)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def titles(page: str) -> list[str]:
    return [html.unescape(title) for title in re.findall(r'<a class="list-title"[^>]*>([^<]*)</a>', page)]


def counts(page: str) -> dict[str, int]:
    found = re.findall(r'<a href="/owner/articles([^"]*)"[^>]*>[^<]*<span class="list-count">([\d,]+)', page)
    return {address.partition("state=")[2] or "all": int(number.replace(",", "")) for address, number in found}


def test_list_shows_the_articles_of_a_state_with_the_counts_of_each(
    writer: FlaskClient, app: Flask, at: SetClock
) -> None:
    at(NOW)
    fill(app, 16)
    page = writer.get("/owner/articles").text
    assert counts(page) == {
        "all": 14, "draft": 2, "scheduled": 2, "published": 6, "unlisted": 2, "unpublished": 2, "deleted": 2,
    }  # fmt: skip
    assert titles(page)[0] == "Article 0"
    assert "Article 6" not in titles(page)
    assert titles(writer.get("/owner/articles?state=scheduled").text) == ["Article 15", "Article 7"]
    assert titles(writer.get("/owner/articles?state=published").text)[:2] == ["Article 1", "Article 2"]
    assert titles(writer.get("/owner/articles?state=deleted").text) == ["Article 6", "Article 14"]
    assert len(titles(writer.get("/owner/articles?state=nonsense").text)) == 14


def test_names_of_lists_are_plural_in_french(writer: FlaskClient) -> None:
    writer.post("/owner/settings", data={"site_title": "Carnet", "lang": "fr", "time_zone": "Europe/Paris"})
    page = writer.get("/owner/articles").text
    assert re.findall(r'>(\w+) <span class="list-count">', page) == ["Tous", "Brouillons", "Publiés"]


def test_pages_of_the_list_have_every_article_once(writer: FlaskClient, app: Flask, at: SetClock) -> None:
    at(NOW)
    fill(app, 4 * ARTICLES_PER_PAGE)
    for state, count in (("all", 175), ("published", 75), ("draft", 25)):
        found: list[str] = []
        address = f"/owner/articles?state={state}"
        while address:
            page = writer.get(address).text
            found += titles(page)
            link = re.search(r'<a rel="next" href="([^"]*)"', page)
            address = html.unescape(link[1]) if link else ""
        assert len(found) == len(set(found)) == count


def test_search_finds_words_of_titles_with_and_without_accents(writer: FlaskClient) -> None:
    for title in ("L’été à Paris", "Paris en hiver", "100 % laine", "日本語の本"):
        Form(writer).send("save", title=title, body="Text")
    for words, expected in {
        "ete": ["L’été à Paris"],
        "été": ["L’été à Paris"],
        "PARIS": ["Paris en hiver", "L’été à Paris"],
        "hiver paris": ["Paris en hiver"],
        "%": ["100 % laine"],
        "_": [],
        "本": ["日本語の本"],
        "nothing": [],
        "'\"<script>": [],
    }.items():
        page = writer.get("/owner/articles", query_string={"q": words}).text
        assert sorted(titles(page)) == sorted(expected), words
        assert '<script>"' not in page


def test_list_of_10000_articles_reads_no_whole_table(writer: FlaskClient, app: Flask, at: SetClock) -> None:
    at(NOW)
    fill(app, 10_000)
    writer.get("/owner")  # reads the settings and the menu, which are cached
    with recorded(app) as statements:
        for query in (*(f"state={state}" for state in STATES), "q=article+12", "state=draft&q=x"):
            before = len(statements)
            assert "Articles" in writer.get(f"/owner/articles?{query}&before=2000").text
            assert len(statements) - before <= 9, [statement for statement, _ in statements[before:]]
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        for statement, values in statements:
            for line in plan(engine, connection, statement, values):
                # Counts read an index, which has no texts. A list reads one in its order and stops after a page.
                is_scan = re.search(rf"^SCAN ({BIG})(?! USING (COVERING )?INDEX)|Seq Scan on ({BIG})\b", line)
                assert not is_scan, f"{line} <- {statement}"
                # The scheduled articles have two states, which are read one after the other; they are few.
                is_scheduled = "status IN" in statement or "status = ANY" in statement
                assert "TEMP B-TREE FOR ORDER BY" not in line or is_scheduled, f"{line} <- {statement}"


def test_restored_article_leaves_the_bin(writer: FlaskClient) -> None:
    form = Form(writer)
    form.send("save", title="Birds", body="They sing.")
    form.send("delete", title="Birds", body="They sing.")
    page = writer.get("/owner/articles?state=deleted").text
    assert titles(page) == ["Birds"]
    assert f'action="/owner/articles/{form.article_id}/restoration"' in page
    writer.post(f"/owner/articles/{form.article_id}/restoration")
    assert titles(writer.get("/owner/articles?state=deleted").text) == []
    assert titles(writer.get("/owner/articles?state=draft").text) == ["Birds"]


def test_dashboard_shows_the_latest_drafts(writer: FlaskClient) -> None:
    Form(writer).send("save", title="Birds", body="They sing.")
    page = writer.get("/owner").text
    assert titles(page) == ["Birds"]
    assert "/owner/articles/new" in page
    assert datetime.now(UTC).strftime("%Y") in page
