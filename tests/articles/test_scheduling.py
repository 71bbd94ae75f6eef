"""The time of publication, and articles that are in no list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from blogapp import clock
from tests.articles.conftest import NOW, Form, cached_pages, value_of
from tests.articles.test_editor import stored

SetClock = Callable[[datetime], None]


@pytest.mark.settings(SITE_TIME_ZONE="Europe/Paris")
def test_time_of_publication_is_on_the_clocks_of_the_site(
    writer: FlaskClient, client: FlaskClient, session: Session, at: SetClock
) -> None:
    at(NOW)  # in winter, an hour before UTC; from 29 March two
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.", published_at="2026-04-01T06:00")
    assert stored(session, form.article_id).published_at == datetime(2026, 4, 1, 4, tzinfo=UTC)
    page = writer.get(form.address).text
    assert value_of(page, "published_at") == "2026-04-01T06:00"
    assert "Scheduled" in page
    assert "1 April 2026, 06:00" in re.sub(r"\s+", " ", page).replace("April 1, 2026", "1 April 2026")
    for hour, status in ((3, 404), (4, 200)):
        at(datetime(2026, 4, 1, hour, tzinfo=UTC))
        assert client.get("/articles/birds").status_code == status
    refused = Form(writer).send("publish", title="Gap", body="Text", published_at="2027-03-28T02:30")
    assert "There is no such time on that day" in refused.text


def test_scheduled_article_appears_in_the_cached_list_in_time(
    writer: FlaskClient, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.", published_at=f"{now + timedelta(minutes=2):%Y-%m-%dT%H:%M}")
    assert "/articles/birds" not in client.get("/").text
    entries = cached_pages(client.application)
    assert [0 < entry.dependency.max_age <= 120 for entry in entries] == [True]
    for entry in entries:
        entry.rendered_at -= entry.dependency.max_age + 1
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=2))
    assert "/articles/birds" in client.get("/").text


def test_scheduled_article_can_be_published_now_or_become_a_draft_again(
    writer: FlaskClient, client: FlaskClient, session: Session, at: SetClock
) -> None:
    at(NOW)
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.", published_at="2026-04-01T06:00")
    answer = form.send("unpublish", title="Birds", body="They sing.", published_at="2026-04-01T06:00")
    assert "The article is a draft again." in writer.get(answer.location).text
    article = stored(session, form.article_id)
    assert (article.status, article.first_published_at) == ("draft", None)
    form.send("publish", title="Birds", body="They sing.", published_at="2026-04-01T06:00")
    at(NOW + timedelta(hours=1))
    form.send("publish", title="Birds", body="They sing.", published_at="")
    article = stored(session, form.article_id)
    assert article.published_at == article.first_published_at == NOW + timedelta(hours=1)
    assert client.get("/articles/birds").status_code == 200


def test_unlisted_article_has_an_address_but_is_in_no_list(writer: FlaskClient, client: FlaskClient) -> None:
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.", unlisted="1")
    assert client.get("/articles/birds").status_code == 200
    assert "/articles/birds" not in client.get("/").text
    assert re.search(r'name="unlisted"[^>]* checked', writer.get(form.address).text)
    form.send("publish", title="Birds", body="They sing.")
    assert "/articles/birds" in client.get("/").text
