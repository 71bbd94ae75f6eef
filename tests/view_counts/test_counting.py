"""Views: each counted, none lost, in the words of the article's language."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.view_counts.models import DailyViews, ViewCount

Publish = Callable[..., Article]


@pytest.mark.parametrize(
    ("lang", "views", "words"),
    [
        ("fr", 0, "0 vue"),
        ("fr", 1, "1 vue"),
        ("fr", 2, "2 vues"),
        ("fr", 1234, "1\u202f234 vues"),
        ("en", 0, "0 views"),
        ("en", 1, "1 view"),
        ("en", 1234, "1,234 views"),
    ],
)
def test_a_count_is_said_in_the_articles_language(
    publish_article: Publish, client: FlaskClient, lang: str, views: int, words: str
) -> None:
    publish_article(slug="birds", lang=lang, views=views)
    assert f'data-count="{views}"' in client.get("/articles/birds").text
    assert f">{words}</span>" in client.get("/articles/birds").text


def test_htmx_gets_the_new_number_and_others_nothing(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds", lang="fr", views=4)
    answer = client.post("/articles/birds/views", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.text.strip() == '<span id="view-count" data-count="5">5 vues</span>'
    assert answer.headers["Cache-Control"] == "no-store"
    plain = client.post("/articles/birds/views")
    assert (plain.status_code, plain.data) == (204, b"")


def test_the_pixel_counts_for_readers_without_javascript(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    answer = client.get("/articles/birds/views.gif")
    assert answer.mimetype == "image/gif"
    assert answer.data.startswith(b"GIF89a")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'data-count="1"' in client.get("/articles/birds").text


def test_reading_counts_nothing(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    for _ in range(3):
        client.get("/articles/birds")
    assert 'id="view-count" data-count="0"' in client.get("/articles/birds").text


def test_a_missing_article_counts_nothing(client: FlaskClient) -> None:
    assert client.post("/articles/none/views").status_code == 404
    assert client.get("/articles/none/views.gif").status_code == 404


def test_views_at_once_are_all_counted(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds", views=4)

    def view(number: int) -> int:
        return app.test_client().post("/articles/birds/views").status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(view, range(200))) == {204}
    count = session.scalars(select(ViewCount)).one()
    assert (count.before, count.counted) == (4, 200)
    days = session.scalars(select(DailyViews)).all()
    assert sum(day.views for day in days) == 200
    assert all(isinstance(day.day, date) for day in days)
