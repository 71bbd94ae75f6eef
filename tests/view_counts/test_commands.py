"""`flask views`: statistics on the command line and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.view_counts.counting import add_refusals, add_up
from blogapp.view_counts.models import DailyViews, YearlyRefusals, YearlyViews

Publish = Callable[..., Article]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def blog(app: Flask, publish_article: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two articles: one with 1,234 imported views, 1,200 yesterday and 1 today through a link; one without views."""
    article = publish_article(slug="birds", views=1234)
    publish_article(slug="trees")
    yesterday = NOW.date() - timedelta(days=1)
    with app.app_context(), write_transaction() as session:
        add_up(session.connection(), DailyViews, [{"day": yesterday, "article_id": article.id, "views": 1200}])
        add_up(session.connection(), YearlyViews, [{"year": 2024, "article_id": article.id, "views": 70}])
        add_up(session.connection(), YearlyRefusals, [{"year": 2024, "reason": "bot", "views": 9}])
        add_refusals(session.connection(), {(yesterday, "limit"): 17})
        session.connection().exec_driver_sql("UPDATE view_counts SET counted = 1270 WHERE before = 1234")
    for headers in (FIREFOX, FIREFOX, {"User-Agent": "Googlebot/2.1"}):
        app.test_client().post("/articles/birds/views", headers=headers, data={"referrer": "news.example.org"})
    app.extensions["view_writer"].flush()


@pytest.mark.usefixtures("blog")
def test_show_prints_views_and_uncounted_requests(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["views", "show", "--days", "3"], terminal_width=80)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "Views of all articles, 2026-11-21 to 2026-11-23 (UTC)"
    assert lines[2:5] == [
        "2026-11-21      0",
        "2026-11-22  1,200  " + "█" * 50,
        "2026-11-23      1  ▏",
    ]
    assert "1,201 in these days; 2,505 in total, 1,234 of them imported" in lines
    for line in (
        "   1  viewed again by the same reader on the same day",
        "   1  programs: by their user agent, or without one",
        "  17  too many new readers from one network in an hour",
        "  1,201  birds",
        "  +1,201  birds  (0 -> 1,201)",
        "  1  news.example.org",
    ):
        assert line in lines
    assert "trees" not in result.output


@pytest.mark.usefixtures("blog")
def test_show_prints_the_views_of_one_article(runner: FlaskCliRunner) -> None:
    output = runner.invoke(args=["views", "show", "trees"]).output
    assert output.startswith("Views of /articles/trees, 2026-10-25 to 2026-11-23 (UTC)")
    assert "0 in these days; 0 in total\n" in output
    assert "Not counted (in the whole blog)" in output
    assert "Most read" not in output
    assert "█" not in output
    assert "No views came from links on other sites" in output
    assert "2,505 in total" in runner.invoke(args=["views", "show", "/articles/birds"]).output


@pytest.mark.usefixtures("blog")
def test_show_prints_old_days_by_year(runner: FlaskCliRunner) -> None:
    lines = runner.invoke(args=["views", "show", "--days", "1000"]).output.splitlines()
    assert lines[0] == "Views of all articles, 2024-10-23 to 2026-11-23 (UTC)"
    assert lines[-2:] == ["Before 2024-10-23, by year", "  70  2024  (9 not counted)"]
    lines = runner.invoke(args=["views", "show", "birds"]).output.splitlines()
    assert lines[-2:] == ["Before 2024-10-23, by year", "  70  2024"]
    assert runner.invoke(args=["views", "show", "trees"]).output.splitlines()[-1] == "  None."


def test_show_works_on_an_empty_blog(runner: FlaskCliRunner) -> None:
    result = runner.invoke(args=["views", "show", "--days", "1000"])
    assert result.exit_code == 0
    assert "Everything was counted." in result.output
    assert "No article was read." in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "none"], "There is no article none."),
        (["show", "--days", "0"], "0 is not in the range"),
        (["show", "--days", "many"], "not a valid integer"),
        (["export"], "Missing argument"),
        (["export", "/nowhere/at/all.csv"], "/nowhere/at/all.csv cannot be written: No such file or directory."),
    ],
)
def test_wrong_argument_gets_an_error_message(runner: FlaskCliRunner, arguments: list[str], words: str) -> None:
    result = runner.invoke(args=["views", *arguments])
    assert result.exit_code != 0
    assert words in result.output


@pytest.mark.usefixtures("blog")
def test_exported_totals_add_up_to_the_number_on_the_page(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    file = tmp_path / "views.csv"
    file.write_text("an older file")
    assert runner.invoke(args=["views", "export", str(file)]).output == f"4 totals exported to {file}.\n"
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    assert rows == [
        ["article", "period", "views"],
        ["birds", "before", "1234"],
        ["birds", "2024", "70"],
        ["birds", "2026-11-22", "1200"],
        ["birds", "2026-11-23", "1"],
    ]
    total = sum(int(row[2]) for row in rows[1:])
    assert f'data-count="{total}"' in client.get("/articles/birds").text
    assert [each.name for each in tmp_path.glob("*.csv")] == ["views.csv"]
    others = {
        "refusals": [
            ["reason", "period", "number"],
            ["bot", "2024", "9"],
            ["limit", "2026-11-22", "17"],
            ["again", "2026-11-23", "1"],
            ["bot", "2026-11-23", "1"],
        ],
        "referrals": [["host", "article", "day", "views"], ["news.example.org", "birds", "2026-11-23", "1"]],
    }
    for what, expected in others.items():
        assert runner.invoke(args=["views", "export", "--of", what, str(file)]).exit_code == 0
        with file.open(newline="", encoding="utf-8") as text:
            assert list(csv.reader(text)) == expected
    runner.invoke(args=["views", "export", str(file)])
    piped = runner.invoke(args=["views", "export", "-"]).output
    assert piped.replace("\r\n", "\n") == file.read_text(encoding="utf-8").replace("\r\n", "\n")
