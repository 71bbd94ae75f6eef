"""Daily totals are merged into yearly totals after 25 months, once, automatically or by command."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import batch_writer
from blogapp.view_counts.counting import add_up
from blogapp.view_counts.models import (
    DailyReferrals,
    DailyRefusals,
    DailyViews,
    ViewCount,
    YearlyRefusals,
    YearlyViews,
)
from blogapp.view_counts.retention import fold_old_days, oldest_day
from blogapp.visitors.identity import key_of_day

Publish = Callable[..., Article]
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("today", "oldest"),
    [
        (date(2026, 11, 23), date(2024, 10, 23)),
        (date(2026, 1, 31), date(2023, 12, 31)),
        (date(2026, 3, 31), date(2024, 2, 29)),
        (date(2027, 3, 31), date(2025, 2, 28)),
        (date(2026, 2, 1), date(2024, 1, 1)),
    ],
)
def test_oldest_day_is_25_months_ago(today: date, oldest: date) -> None:
    assert oldest_day(today) == oldest


@pytest.fixture
def history(app: Flask, publish_article: Publish) -> Article:
    """An article with 3 views, 2 refusals and 1 referral a day for 900 days up to today."""
    article = publish_article(slug="birds")
    days = [TODAY - timedelta(days=number) for number in range(900)]
    with app.app_context(), write_transaction() as session:
        add_up(session.connection(), DailyViews, [{"day": day, "article_id": article.id, "views": 3} for day in days])
        add_up(session.connection(), DailyRefusals, [{"day": day, "reason": "bot", "views": 2} for day in days])
        add_up(
            session.connection(),
            DailyReferrals,
            [{"day": day, "host": "example.org", "article_id": article.id, "views": 1} for day in days],
        )
        count = session.get_one(ViewCount, article.id)
        count.counted = 2700
    return article


def check_folded(session: Session) -> None:
    oldest = oldest_day(TODAY)
    kept = (TODAY - oldest).days + 1
    for daily in (DailyViews, DailyRefusals, DailyReferrals):
        assert session.scalars(select(func.min(daily.day))).one() == oldest
        assert session.scalars(select(func.count()).select_from(daily)).one() == kept
    views = {row.year: row.views for row in session.scalars(select(YearlyViews))}
    assert set(views) == {2024}
    assert sum(views.values()) + 3 * kept == 2700
    assert sum(row.views for row in session.scalars(select(YearlyRefusals))) + 2 * kept == 1800


def test_first_request_of_a_day_folds_old_days(
    app: Flask, history: Article, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "BEGIN_AFTER", 0)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 8, tzinfo=UTC))
    app.test_client().get("/articles/birds")
    app.extensions["view_writer"].flush()
    check_folded(session)


def test_clock_that_is_years_ahead_for_a_day_folds_nothing(
    app: Flask, history: Article, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    def begin(day: date) -> None:
        with app.app_context(), write_transaction() as writing:
            assert key_of_day(writing, day).day == day

    begin(TODAY)
    check_folded(session)
    kept = session.scalars(select(func.count()).select_from(DailyViews)).one()
    begin(date(2036, 1, 1))
    assert "old days are not merged today" in caplog.text
    begin(TODAY + timedelta(days=1))
    # Only the day that is now older than 25 months is folded.
    assert session.scalars(select(func.count()).select_from(DailyViews)).one() == kept - 1


def test_blog_that_was_off_for_months_folds_on_its_second_day(app: Flask, history: Article, session: Session) -> None:
    later = TODAY + timedelta(days=200)
    for day in (later, later + timedelta(days=1)):
        with app.app_context(), write_transaction() as writing:
            key_of_day(writing, day)
            add_up(writing.connection(), DailyRefusals, [{"day": day, "reason": "bot", "views": 1}])
    assert session.scalars(select(func.min(DailyViews.day))).one() == oldest_day(later + timedelta(days=1))


def test_blog_without_views_folds_too(app: Flask, history: Article, session: Session) -> None:
    later = TODAY + timedelta(days=200)
    for number in range(3):
        with app.app_context(), write_transaction() as writing:
            key_of_day(writing, later + timedelta(days=number))
    assert session.scalars(select(func.min(DailyReferrals.day))).one() == oldest_day(later + timedelta(days=2))


def test_prune_is_idempotent(
    runner: FlaskCliRunner, history: Article, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 8, tzinfo=UTC))
    first = runner.invoke(args=["views", "prune"])
    assert first.exit_code == 0
    assert not first.output.startswith("0 daily totals")
    assert "before 2024-10-23 (25 months)" in first.output
    check_folded(session)
    assert runner.invoke(args=["views", "prune"]).output.startswith("0 daily totals")
    check_folded(session)


def test_concurrent_processes_fold_each_day_once(app: Flask, history: Article, session: Session) -> None:
    def fold(number: int) -> int:
        with app.app_context(), write_transaction() as writing:
            return fold_old_days(writing, TODAY)

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(fold, range(6)))
    assert sorted(numbers)[:5] == [0] * 5
    check_folded(session)


def test_year_is_folded_over_several_days(app: Flask, history: Article, session: Session) -> None:
    for back in range(40, -1, -1):
        with app.app_context(), write_transaction() as writing:
            fold_old_days(writing, TODAY - timedelta(days=back))
    check_folded(session)
