"""The owner's statistics in the browser."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.view_counts.bot_filter import BOT, REASONS
from blogapp.view_counts.counting import add_refusals, add_up
from blogapp.view_counts.models import DailyReferrals, DailyViews
from blogapp.view_counts.owner_routes import csv_lines, last_months, monthly, reasons
from tests.comments.test_threads import counted
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
Read = Callable[..., Article]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def read(app: Flask, publish_article: Publish) -> Read:
    """Publish an article with views by age in days, and some of them from links on `example.org`."""

    def make(slug: str, days: dict[int, int], **fields: object) -> Article:
        article = publish_article(slug=slug, title=slug.title(), **fields)
        rows = [
            {"day": TODAY - timedelta(days=ago), "article_id": article.id, "views": number}
            for ago, number in days.items()
        ]
        with app.app_context(), write_transaction() as session:
            add_up(session.connection(), DailyViews, rows)
            referral = {"day": TODAY, "host": "example.org", "article_id": article.id, "views": 2}
            add_up(session.connection(), DailyReferrals, [referral])
        return article

    return make


@pytest.fixture
def signed_in(client: FlaskClient) -> FlaskClient:
    sign_in(client)
    return client


def figures(page: str, heading: str) -> list[tuple[str, ...]]:
    """The rows of the table under a heading, as text."""
    section = page.partition(f"<h2>{heading}</h2>")[2].partition("</section>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", section)
    return [(re.sub(r"<[^>]+>", "", name), *re.findall(r"<td>(.*?)</td>", cells)) for name, cells in rows]


def test_statistics_show_views_of_thirty_days(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {0: 3, 29: 4, 30: 100}, views=50)
    page = signed_in.get("/owner/statistics").text
    assert "7 in this period" in page
    days = {row[0]: row[1] for row in figures(page, "Views")}
    assert len(days) == 30
    assert days["November 23, 2026"] == "3"
    assert days["October 25, 2026"] == "4"
    assert page.count("<rect ") == 30


def test_statistics_by_month_begin_with_the_first_day_of_a_month(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {0: 3, 22: 5, 23: 7, 400: 9})
    page = signed_in.get("/owner/statistics?period=months").text
    months = figures(page, "Views")
    assert len(months) == 12
    assert months[0] == ("November 2026", "8")
    assert months[1] == ("October 2026", "7")
    assert months[-1] == ("December 2025", "0")


def test_articles_are_listed_with_their_views(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {1: 3, 8: 1})
    read("trees", {2: 9, 10: 20})
    page = signed_in.get("/owner/statistics").text
    assert figures(page, "Most read") == [("Trees", "29"), ("Birds", "4")]
    assert figures(page, "Rising") == [("Birds", "1", "3")]
    assert figures(page, "Referring sites") == [("example.org", "4")]


def test_statistics_of_one_article(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {1: 3})
    read("trees", {1: 9})
    page = signed_in.get("/owner/statistics?article=birds").text
    assert "3 in this period" in page
    assert figures(page, "Referring sites") == [("example.org", "2")]
    assert "Not counted" not in page
    assert signed_in.get("/owner/statistics?article=unknown").status_code == 404
    assert signed_in.get("/owner/statistics?article=%00").status_code == 200  # nothing is left of it


def test_drafts_have_statistics_too(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {1: 3}, draft=True)
    assert "3 in this period" in signed_in.get("/owner/statistics?article=birds").text


def test_uncounted_requests_are_explained(app: Flask, signed_in: FlaskClient) -> None:
    with app.app_context(), write_transaction() as session:
        add_refusals(session.connection(), {(TODAY, BOT): 1234})
        assert reasons().keys() == REASONS.keys()
    page = signed_in.get("/owner/statistics").text
    assert ("Programs such as search engines", "1,234") in figures(page, "Not counted")


def test_empty_blog_has_statistics(signed_in: FlaskClient) -> None:
    page = signed_in.get("/owner/statistics").text
    assert "No article was read in this period." in page
    assert page.count('height="0.0"') == 30


@pytest.mark.parametrize("path", ["", "?period=months", "/views.csv"])
def test_statistics_are_for_owners_only(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/owner/statistics{path}")
    assert answer.status_code == 302
    assert "/owner/sign-in" in answer.location


def test_statistics_are_in_no_cache(signed_in: FlaskClient) -> None:
    assert "no-store" in signed_in.get("/owner/statistics").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("what", "header"),
    [("views", "article,period,views"), ("referrals", "host,article,day,views"), ("refusals", "reason,period,number")],
)
def test_totals_are_exported_as_csv(signed_in: FlaskClient, read: Read, what: str, header: str) -> None:
    read("birds", {0: 3, 1: 4}, views=50)
    answer = signed_in.get(f"/owner/statistics/{what}.csv")
    assert answer.mimetype == "text/csv"
    assert answer.text.splitlines()[0] == header
    if what == "views":
        assert list(csv.reader(io.StringIO(answer.text)))[1:] == [
            ["birds", "before", "50"],
            ["birds", "2026-11-22", "4"],
            ["birds", "2026-11-23", "3"],
        ]


def test_formulas_in_csv_are_not_executed() -> None:
    assert "".join(csv_lines([("=1+1", 2)])) == "'=1+1,2\r\n"


def test_long_export_is_sent_in_parts() -> None:
    parts = list(csv_lines((str(number),) for number in range(2500)))
    assert len(parts) == 4
    assert "".join(parts).count("\r\n") == 2500


def test_number_of_queries_does_not_depend_on_the_articles(app: Flask, signed_in: FlaskClient, read: Read) -> None:
    read("first", {0: 1})
    with counted(app) as few:
        signed_in.get("/owner/statistics")
    for number in range(8):
        read(f"article-{number}", {0: 1, 9: 2})
    with counted(app) as many:
        signed_in.get("/owner/statistics")
    assert len(many) == len(few)


def test_dashboard_shows_todays_views(signed_in: FlaskClient, read: Read) -> None:
    read("birds", {0: 3, 1: 4})
    assert "Views today: 3. In the last 30 days: 7." in signed_in.get("/owner").text


def test_months_of_a_span() -> None:
    span = last_months(date(2026, 1, 31))
    assert span.first == date(2025, 2, 1)
    assert span.last == date(2026, 1, 31)


def test_months_have_names(app: Flask) -> None:
    with app.test_request_context():
        days = [(date(2026, 1, 31), 2), (date(2026, 2, 1), 3), (date(2026, 2, 2), 4)]
        assert monthly(days) == [("January 2026", 2), ("February 2026", 7)]
