"""Statistics for the front page and the owner, each made with one query."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import reports
from blogapp.view_counts.counting import add_refusals, add_up
from blogapp.view_counts.models import DailyReferrals, DailyViews
from blogapp.view_counts.reports import Span
from tests.comments.test_threads import counted

Publish = Callable[..., Article]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def read(app: Flask, publish_article: Publish) -> Callable[..., Article]:
    """Publish an article with views by age in days: `read("birds", {0: 3, 8: 1})` has 3 today and 1 eight days ago."""

    def make(slug: str, days: dict[int, int], **fields: object) -> Article:
        article = publish_article(slug=slug, title=slug.title(), **fields)
        rows = [
            {"day": TODAY - timedelta(days=ago), "article_id": article.id, "views": number}
            for ago, number in days.items()
        ]
        with app.app_context(), write_transaction() as session:
            add_up(session.connection(), DailyViews, rows)
        return article

    return make


def test_popular_lists_the_most_read_of_thirty_days(
    app: Flask, client: FlaskClient, read: Callable[..., Article]
) -> None:
    read("old-hit", {30: 1000})
    read("edge", {29: 7})
    read("today", {0: 5, 3: 4})
    read("unread", {}, views=9000)
    read("draft", {0: 50}, draft=True)
    read("to-come", {0: 60}, published_at=NOW + timedelta(days=1))
    with app.app_context():
        found = reports.popular(db.session(), NOW)
    assert [(each.slug, each.views) for each in found] == [("today", 9), ("edge", 7)]
    page = client.get("/").text
    listed = page[page.index('id="popular"') : page.index("</ol>", page.index('id="popular"'))]
    assert re.findall(r'href="/articles/([a-z-]+)"', listed) == ["today", "edge"]
    assert "9 views" in listed
    assert "Most read in the last 30 days" in page


def test_popular_titles_have_the_language_of_their_article(client: FlaskClient, read: Callable[..., Article]) -> None:
    read("oiseaux", {0: 1234}, lang="fr")
    page = client.get("/").text
    listed = page[page.index('id="popular"') :]
    assert '<li lang="fr" dir="ltr">' in listed
    assert "1\u202f234 vues" in listed


def test_popular_list_is_on_the_first_page_only_and_never_empty(
    client: FlaskClient, read: Callable[..., Article]
) -> None:
    article = read("unread", {})
    assert 'id="popular"' not in client.get("/").text
    read("today", {0: 5})
    assert 'id="popular"' in client.get("/").text
    assert 'id="popular"' not in client.get(f"/?before={article.id}").text


def test_popular_lists_five_articles_and_the_newest_of_equals_first(app: Flask, read: Callable[..., Article]) -> None:
    for number in range(8):
        read(f"article-{number}", {0: 3}, published_at=datetime(2026, 1, 1 + number, tzinfo=UTC))
    with app.app_context(), counted(app) as statements:
        found = reports.popular(db.session(), NOW)
    assert [each.slug for each in found] == [f"article-{number}" for number in (7, 6, 5, 4, 3)]
    assert len(statements) == 1


def test_rising_lists_articles_that_gained_views_over_the_week_before(app: Flask, read: Callable[..., Article]) -> None:
    read("steady", {0: 100, 7: 100})
    read("falling", {0: 10, 7: 100})
    read("new", {6: 20})
    read("growing", {0: 50, 13: 10, 14: 500})
    with app.app_context(), counted(app) as statements:
        found = reports.rising(db.session(), TODAY, 10)
    assert [(each.slug, each.earlier, each.views) for each in found] == [("growing", 10, 50), ("new", 0, 20)]
    assert len(statements) == 1


def test_daily_views_include_days_without_views(app: Flask, read: Callable[..., Article]) -> None:
    birds = read("birds", {0: 3, 2: 1, 3: 9})
    read("trees", {1: 5})
    span = Span.until(TODAY, 3)
    with app.app_context():
        session = db.session()
        assert reports.daily_views(session, span) == [
            (date(2026, 11, 21), 1),
            (date(2026, 11, 22), 5),
            (date(2026, 11, 23), 3),
        ]
        assert [views for _, views in reports.daily_views(session, span, birds.id)] == [1, 0, 3]


def test_refusals_and_referrals_are_summed_over_days(app: Flask, read: Callable[..., Article]) -> None:
    birds, trees = read("birds", {}), read("trees", {})
    with app.app_context(), write_transaction() as session:
        yesterday, long_ago = TODAY - timedelta(days=1), TODAY - timedelta(days=40)
        add_refusals(
            session.connection(),
            {(TODAY, "bot"): 3, (yesterday, "bot"): 4, (TODAY, "again"): 9, (long_ago, "limit"): 1},
        )
        for day, host, article in (
            (TODAY, "example.org", birds),
            (yesterday, "example.org", trees),
            (TODAY, "example.net", trees),
            (long_ago, "example.com", trees),
        ):
            add_up(
                session.connection(), DailyReferrals, [{"day": day, "host": host, "article_id": article.id, "views": 2}]
            )
    span = Span.until(TODAY, 30)
    with app.app_context():
        session = db.session()
        assert reports.refusals(session, span) == [("again", 9), ("bot", 7)]
        assert reports.referrals(session, span, 10) == [("example.org", 4), ("example.net", 2)]
        assert reports.referrals(session, span, 10, birds.id) == [("example.org", 2)]
        assert reports.referrals(session, span, 1) == [("example.org", 4)]


def test_each_report_is_one_query(app: Flask, session: Session, read: Callable[..., Article]) -> None:
    article = read("birds", {0: 3, 2: 1})
    span = Span.until(TODAY, 400)
    calls: list[Callable[[Session], object]] = [
        lambda session: reports.daily_views(session, span),
        lambda session: reports.daily_views(session, span, article.id),
        lambda session: reports.refusals(session, span),
        lambda session: reports.referrals(session, span, 10),
        lambda session: reports.most_read(session, span, NOW, 10),
        lambda session: reports.rising(session, TODAY, 10),
        lambda session: reports.all_time(session),
        lambda session: reports.all_time(session, article.id),
    ]
    for call in calls:
        with app.app_context(), counted(app) as statements:
            call(db.session())
        assert len(statements) == 1
