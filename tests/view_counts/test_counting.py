"""Each reader of an article is counted once a day, and the count is shown in the article's language."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import batch_writer
from blogapp.view_counts.counting import Seen, ViewTotal, count_views
from blogapp.view_counts.models import DailyRefusals, DailyViews, NetworkHour, ViewCount, ViewMark
from blogapp.visitors.models import VisitorKey
from tests.comments.test_threads import counted
from tests.conftest import browser

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
def test_view_count_is_in_the_articles_language(
    publish_article: Publish, client: FlaskClient, lang: str, views: int, words: str
) -> None:
    publish_article(slug="birds", lang=lang, views=views)
    assert f'data-count="{views}"' in client.get("/articles/birds").text
    assert f">{words}</span>" in client.get("/articles/birds").text


def test_htmx_gets_the_new_number_and_other_clients_an_empty_response(
    publish_article: Publish, client: FlaskClient
) -> None:
    publish_article(slug="birds", lang="fr", views=4)
    page = client.get("/articles/birds").text
    answer = client.post("/articles/birds/views", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert re.fullmatch(r'<span id="view-count" data-count="5"[^>]*>5 vues</span>', answer.text.strip())
    # The fragment is the same as in the page, so that a page left open can be counted again the next day.
    assert answer.text.strip().replace(' data-count="5"', ' data-count="4"').replace(">5 ", ">4 ") in page
    assert answer.headers["Cache-Control"] == "no-store"
    plain = client.post("/articles/birds/views")
    assert (plain.status_code, plain.data) == (204, b"")


def test_pixel_counts_for_readers_without_javascript(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    answer = client.get("/articles/birds/views.gif")
    assert answer.mimetype == "image/gif"
    assert answer.data.startswith(b"GIF89a")
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'data-count="1"' in client.get("/articles/birds").text


def test_get_of_the_page_is_not_counted(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    for _ in range(3):
        client.get("/articles/birds")
    assert 'id="view-count" data-count="0"' in client.get("/articles/birds").text


def test_missing_article_is_not_found(client: FlaskClient) -> None:
    assert client.post("/articles/none/views").status_code == 404
    assert client.get("/articles/none/views.gif").status_code == 404


def test_concurrent_readers_are_all_counted(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds", views=4)

    def view(number: int) -> int:
        return view_as(app, f"Reader {number % 100}")

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(view, range(200))) == {204}
    count = session.scalars(select(ViewCount)).one()
    assert (count.before, count.counted) == (4, 100)
    days = session.scalars(select(DailyViews)).all()
    assert sum(day.views for day in days) == 100
    assert all(isinstance(day.day, date) for day in days)


@pytest.mark.parametrize("again", ["/articles/birds/views", "/articles/birds/views.gif"])
def test_reader_counts_once_a_day_with_and_without_javascript(
    publish_article: Publish, app: Flask, session: Session, again: str
) -> None:
    publish_article(slug="birds")
    client = app.test_client()
    for _ in range(25):
        assert client.post("/articles/birds/views").status_code == 204
        assert (client.get if again.endswith("gif") else client.post)(again).status_code in {200, 204}
    assert session.scalars(select(ViewCount.counted)).one() == 1
    assert refused(session) == {"again": 49}


def test_reader_of_two_articles_counts_for_both(publish_article: Publish, app: Flask, session: Session) -> None:
    for slug in ("birds", "trees"):
        publish_article(slug=slug)
        assert view_as(app, "Reader", slug=slug) == 204
    assert session.scalars(select(ViewCount.counted)).all() == [1, 1]


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_readers_behind_a_proxy_are_told_apart_by_the_forwarded_address(
    publish_article: Publish, app: Flask, session: Session
) -> None:
    publish_article(slug="birds")
    for address in ("192.0.2.1", "192.0.2.77", "198.51.100.1", "2001:db8:1::5", "2001:db8:1:9::6", "2001:db8:2::5"):
        app.test_client().post("/articles/birds/views", headers={"X-Forwarded-For": address})
    # A network is a block of addresses: the second and the fifth address are in the same block as the one before.
    assert session.scalars(select(ViewCount.counted)).one() == 4


class TestDays:
    """Midnight and wrong clocks. Visitors of one day cannot be recognised on the next."""

    @pytest.fixture
    def at(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
        def move(moment: datetime) -> None:
            monkeypatch.setattr(clock, "now", lambda: moment)

        return move

    @pytest.mark.parametrize(
        "evening",
        [
            datetime(2026, 6, 10, 23, 59, 59, tzinfo=UTC),
            datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC),
            datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
            datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        ],
    )
    def test_reader_counts_again_after_midnight(
        self,
        publish_article: Publish,
        app: Flask,
        session: Session,
        at: Callable[[datetime], None],
        evening: datetime,
    ) -> None:
        publish_article(slug="birds")
        at(evening)
        assert [view_as(app, "Reader") for _ in range(2)] == [204, 204]
        key, mark = session.scalars(select(VisitorKey.key)).one(), session.scalars(select(ViewMark.visitor)).one()
        assert session.scalars(select(NetworkHour)).all() == []  # limits are off
        at(evening + timedelta(seconds=1))
        assert [view_as(app, "Reader") for _ in range(2)] == [204, 204]
        assert session.scalars(select(VisitorKey.day)).all() == [evening.date() + timedelta(days=1)]
        assert session.scalars(select(VisitorKey.key)).one() != key
        assert session.scalars(select(ViewMark.visitor)).one() != mark
        days = {each.day: each.views for each in session.scalars(select(DailyViews))}
        assert days == {evening.date(): 1, evening.date() + timedelta(days=1): 1}

    def test_clock_set_back_over_midnight_counts_no_reader_twice(
        self, publish_article: Publish, app: Flask, session: Session, at: Callable[[datetime], None]
    ) -> None:
        publish_article(slug="birds")
        night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        at(night - timedelta(hours=1))
        view_as(app, "Reader")
        at(night)
        view_as(app, "Reader")
        at(night - timedelta(hours=1))
        view_as(app, "Reader")
        view_as(app, "Another")
        at(night)
        view_as(app, "Reader")
        view_as(app, "Another")
        days = {each.day: each.views for each in session.scalars(select(DailyViews))}
        assert days == {date(2026, 10, 24): 1, date(2026, 10, 25): 2}
        assert [key.day for key in session.scalars(select(VisitorKey))] == [date(2026, 10, 25)]

    def test_clock_set_back_within_the_day_changes_nothing(
        self, publish_article: Publish, app: Flask, session: Session, at: Callable[[datetime], None]
    ) -> None:
        publish_article(slug="birds")
        for hour in (12, 11, 12):
            at(datetime(2026, 10, 25, hour, tzinfo=UTC))
            view_as(app, "Reader")
        assert session.scalars(select(ViewCount.counted)).one() == 1

    def test_days_begin_again_after_a_clock_was_years_ahead(
        self, publish_article: Publish, app: Flask, session: Session, at: Callable[[datetime], None]
    ) -> None:
        publish_article(slug="birds")
        for day in (
            datetime(2036, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 3, tzinfo=UTC),
        ):
            at(day)
            view_as(app, "Reader")
            assert [key.day for key in session.scalars(select(VisitorKey))] == [day.date()]
        assert session.scalars(select(ViewCount.counted)).one() == 3

    def test_views_that_waited_over_midnight_count_once_on_the_later_day(
        self, publish_article: Publish, app: Flask, session: Session
    ) -> None:
        article = publish_article(slug="birds")
        evening = datetime(2026, 6, 10, 23, 59, 59, tzinfo=UTC)
        seen = [
            Seen(article.slug, "192.0.2.0/24", agent, moment)
            for moment in (evening, evening + timedelta(seconds=1))
            for agent in ("Reader", "Another")
        ]

        def count(_: int) -> dict[str, ViewTotal]:
            with app.app_context(), write_transaction(durable=False) as writing:
                return count_views(writing, seen, None)

        # Concurrently, like several processes: they must not deadlock.
        for _ in range(3):
            with ThreadPoolExecutor(6) as pool:
                assert list(pool.map(count, range(6))) == [{"birds": ViewTotal("en", 2)}] * 6
        days = {each.day: each.views for each in session.scalars(select(DailyViews))}
        assert days == {date(2026, 6, 11): 2}

    def test_any_request_begins_the_day(
        self,
        publish_article: Publish,
        app: Flask,
        session: Session,
        at: Callable[[datetime], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(batch_writer, "BEGIN_AFTER", 0)
        publish_article(slug="birds")
        at(datetime(2026, 6, 10, 12, tzinfo=UTC))
        view_as(app, "Reader")
        at(datetime(2026, 6, 11, 12, tzinfo=UTC))
        assert app.test_client().get("/").status_code == 200
        app.extensions["view_writer"].flush()
        assert session.scalars(select(VisitorKey.day)).all() == [date(2026, 6, 11)]
        assert session.scalars(select(ViewMark)).all() == []


class TestLimit:
    """New visitors from one network are counted up to a limit; the others are recorded as not counted."""

    pytestmark = pytest.mark.settings(RATELIMIT_ENABLED="on", VIEW_RATE_PER_HOUR="5", TRUSTED_PROXIES="1")

    def test_new_readers_of_a_network_are_counted_up_to_the_hourly_limit(
        self, publish_article: Publish, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish_article(slug="birds")
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 10, 12, 10, tzinfo=UTC))
        for number in range(20):
            assert view_as(app, f"Script {number}") == 204
        assert session.scalars(select(ViewCount.counted)).one() == 5
        assert refused(session) == {"limit": 15}
        # Other networks are not affected, and readers who were counted can read other articles.
        view_as(app, "Reader", address="198.51.100.1")
        publish_article(slug="trees")
        view_as(app, "Script 0", slug="trees")
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 10, 13, 10, tzinfo=UTC))
        for number in range(20):
            view_as(app, f"Later script {number}")
        assert {row.article_id: row.counted for row in session.scalars(select(ViewCount))} == {1: 11, 2: 1}

    def test_limit_holds_for_concurrent_requests(self, publish_article: Publish, app: Flask, session: Session) -> None:
        publish_article(slug="birds")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: view_as(app, f"Script {number}"), range(100)))
        assert 5 <= session.scalars(select(ViewCount.counted)).one() <= 10  # the hour may end in between
        assert sum(refused(session).values()) >= 90

    def test_network_is_stored_as_a_digest(self, publish_article: Publish, app: Flask, session: Session) -> None:
        publish_article(slug="birds")
        view_as(app, "Reader", address="198.51.100.7")
        row = session.scalars(select(NetworkHour)).one()
        assert len(row.network) == 16
        assert b"198" not in row.network


def test_draft_is_not_found(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds", draft=True)
    assert view_as(app, "Reader") == 404
    assert session.scalars(select(ViewCount.counted)).one() == 0


def test_number_of_statements_does_not_grow_with_the_batch(app: Flask, publish_article: Publish) -> None:
    article = publish_article(slug="birds")
    now = datetime(2026, 6, 10, 12, tzinfo=UTC)
    costs = []
    for number in (1, 2, 300):
        agents = [f"Reader {number}.{each}" for each in range(number)]
        seen = [Seen(article.slug, "192.0.2.0/24", agent, now, "example.org") for agent in agents]
        with counted(app) as statements, app.app_context(), write_transaction(durable=False) as session:
            count_views(session, seen, 1000)
        costs.append(len(statements))
    assert costs[1] == costs[2]
    assert costs[1] <= 14


def view_as(app: Flask, agent: str, slug: str = "birds", address: str = "192.0.2.1") -> int:
    """View an article as the browser `agent`; returns the status of the response."""
    headers = {"User-Agent": browser(agent), "X-Forwarded-For": address}
    status = app.test_client().post(f"/articles/{slug}/views", headers=headers).status_code
    app.extensions["view_writer"].flush()  # on a busy machine the response may not wait for the writer
    return status


def refused(session: Session) -> dict[str, int]:
    """Return the number of uncounted requests by reason."""
    return {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
