"""Dates that readers see are those of the site's time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from tests.articles.test_sources import load, write

Publish = Callable[..., Article]


@pytest.mark.settings(SITE_TIME_ZONE="Europe/Paris")
def test_article_after_midnight_has_the_new_date(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(published_at=datetime(2025, 11, 26, 23, 30, tzinfo=UTC))
    for path in ("/", "/articles/birds"):
        page = client.get(path).text
        assert re.search(r'<time datetime="2025-11-26T23:30:00Z">November 27, 2025</time>', page), path


@pytest.mark.settings(SITE_TIME_ZONE="Europe/Paris")
def test_archive_east_of_greenwich_begins_years_and_months_earlier(
    client: FlaskClient, publish_article: Publish
) -> None:
    publish_article(slug="eve", title="Eve", published_at=datetime(2024, 12, 31, 22, 59, tzinfo=UTC))
    publish_article(slug="new-year", title="New year", published_at=datetime(2024, 12, 31, 23, tzinfo=UTC))
    publish_article(slug="summer", title="Summer", published_at=datetime(2025, 6, 30, 22, tzinfo=UTC))
    page = client.get("/archive").text
    assert re.findall(r"year=(\d+)[^>]*>\d+</a> <span[^>]*>(\d)", page) == [("2025", "2"), ("2024", "1")]
    assert re.findall(r'<h2 id="month-(\d+)">(\w+)', page) == [("7", "July"), ("1", "January")]
    assert re.findall(r"Z\">(\d+)</time>", page) == ["1", "1"]
    assert re.findall(r"articles/([\w-]+)\"", client.get("/archive?year=2024").text) == ["eve"]


@pytest.mark.settings(SITE_TIME_ZONE="America/New_York")
def test_archive_west_of_greenwich_ends_years_later(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="eve", title="Eve", published_at=datetime(2025, 1, 1, 4, 59, tzinfo=UTC))
    publish_article(slug="new-year", title="New year", published_at=datetime(2025, 1, 1, 5, tzinfo=UTC))
    for year, slug in ((2025, "new-year"), (2024, "eve")):
        assert re.findall(r"articles/([\w-]+)\"", client.get(f"/archive?year={year}").text) == [slug]


@pytest.mark.settings(SITE_TIME_ZONE="America/New_York")
def test_imported_date_without_a_zone_is_a_day_of_the_site(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", "---\ntitle: Birds\ndate: 2025-11-23\n---\nThey sing.\n"))
    assert session.scalars(select(Article.published_at)).one() == datetime(2025, 11, 23, 5, tzinfo=UTC)
    assert "November 23, 2025" in client.get("/articles/birds").text
