"""Views that are answered before Flask is called are counted and answered as Flask would."""

from __future__ import annotations

import asyncio
import http.client
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from blogapp.view_counts.models import DailyReferrals
from blogapp.view_counts.responder import LARGEST_BODY
from blogapp.view_counts.routes import COUNTED
from blogapp.web.immediate import Answer, Environ, Immediate
from blogapp.web.metrics import ROUTE
from blogapp.web.request_bodies import REFUSAL
from tests.conftest import SECRET_KEY, browser, dispose, locked
from tests.harness.server import Server
from tests.view_counts.test_batch_writer import counts

Publish = Callable[..., Article]
HTMX = {"HX-Request": "true"}
LINK = {"referrer": "www.example.net"}
TOKEN = "a token for tests, and for nothing else"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def ask(app: Flask, environ: Environ) -> Answer | None:
    """The answer of the responder, in an event loop as in the production server."""
    front = app.wsgi_app
    assert isinstance(front, Immediate)
    assert front.answer(environ) is None

    async def respond() -> Answer | None:
        assert front.respond_later is not None
        return await front.respond_later(environ)

    return asyncio.run(respond())


def request(
    reader: str,
    path: str = "/articles/birds/views",
    method: str = "POST",
    referrer: str = LINK["referrer"],
    **fields: str,
) -> Environ:
    headers = {**HTMX, "User-Agent": browser(reader), **{name.replace("_", "-"): text for name, text in fields.items()}}
    data = {"referrer": referrer} if method == "POST" else None
    environ = EnvironBuilder(path, method=method, headers=Headers(headers), data=data).get_environ()
    return {**environ, "REMOTE_ADDR": "127.0.0.1"}


@pytest.mark.parametrize("lang", ["en", "fr", "he"])
@pytest.mark.parametrize(
    "prefix", ["", pytest.param("/blog", marks=pytest.mark.settings(SITE_URL="https://a.example/blog"))]
)
def test_answer_is_that_of_flask(
    publish_article: Publish, app: Flask, client: FlaskClient, session: Session, lang: str, prefix: str
) -> None:
    publish_article(slug="birds", lang=lang, views=1233)
    by_flask = client.post("/articles/birds/views", headers={**HTMX, "User-Agent": browser("Ada")}, data=LINK)
    environ = request("Bob", path=f"{prefix}/articles/birds/views")
    answer = ask(app, environ)
    assert answer is not None
    assert answer.status == by_flask.status_code == 200
    assert dict(answer.fields) == dict(by_flask.headers)
    assert len(answer.fields) == len(by_flask.headers)
    assert answer.body.decode() == re.sub("1234|1(.)234", lambda old: old[0].replace("4", "5"), by_flask.text)
    assert 'data-count="1235"' in answer.body.decode()
    assert f'hx-post="{prefix}/articles/birds/views"' in answer.body.decode()
    assert environ[ROUTE] == "/articles/<slug>/views"
    assert session.execute(select(DailyReferrals.host, DailyReferrals.views)).all() == [("example.net", 2)]


def test_reader_is_counted_once_a_day_by_both(
    publish_article: Publish, app: Flask, client: FlaskClient, session: Session
) -> None:
    publish_article(slug="birds")
    for _ in range(2):
        assert ask(app, request("Ada")) is not None
        client.post("/articles/birds/views", headers={**HTMX, "User-Agent": browser("Ada")})
    client.application.extensions["view_writer"].flush()
    assert counts(session) == (1, {"again": 3})


@pytest.mark.parametrize(
    "fields",
    [
        {"HX_Request": "false"},
        {"HX_History_Restore_Request": "true"},
        {"Cookie": "uncounted=1"},
        {"Cookie": "_ga=1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://elsewhere.example"},
        {"Referer": "https://elsewhere.example/"},
        {"User_Agent": "Googlebot/2.1"},
        {"User_Agent": ""},
        {"DNT": "1"},
        {"Sec_Purpose": "prefetch"},
        {"path": "/articles/birds/views.gif"},
        {"path": "/articles/Birds/views"},
        {"path": "/articles/birds/views/"},
        {"path": "/articles/birds/comments"},
        {"method": "GET"},
        {"method": "HEAD"},
    ],
)
def test_every_other_request_is_left_to_flask(
    publish_article: Publish, app: Flask, session: Session, fields: dict[str, str]
) -> None:
    publish_article(slug="birds")
    assert ask(app, request("Ada", **fields)) is None
    app.extensions["view_writer"].flush()
    assert counts(session) == (0, {})


def test_request_that_the_server_has_refused_is_left_to_flask(
    publish_article: Publish, app: Flask, session: Session
) -> None:
    publish_article(slug="birds")
    assert ask(app, {**request("Ada"), REFUSAL: 413}) is None
    app.extensions["view_writer"].flush()
    assert counts(session) == (0, {})


def test_large_body_is_left_to_flask(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds")
    assert ask(app, request("Ada", referrer="x" * LARGEST_BODY)) is None
    app.extensions["view_writer"].flush()
    assert counts(session) == (0, {})


def test_body_with_a_long_boundary_is_left_to_flask(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds")
    environ = request("Ada")
    environ["CONTENT_TYPE"] = f"multipart/form-data; boundary={'x' * 8_000}"
    assert ask(app, environ) is None
    app.extensions["view_writer"].flush()
    assert counts(session) == (0, {})


def test_missing_article_is_left_to_flask(
    publish_article: Publish, app: Flask, client: FlaskClient, session: Session
) -> None:
    publish_article(slug="birds")
    environ = request("Ada", path="/articles/missing/views")
    assert ask(app, environ) is None
    assert client.post("/articles/missing/views", environ_overrides={COUNTED: environ[COUNTED]}).status_code == 404
    app.extensions["view_writer"].flush()
    assert counts(session) == (0, {})


@pytest.mark.own_app
@pytest.mark.stuck_writer
def test_view_during_a_lock_is_answered_by_flask_and_counted_once(
    publish_article: Publish,
    app: Flask,
    client: FlaskClient,
    session: Session,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    publish_article(slug="birds", views=4)
    with locked(database_url):
        environ = request("Ada")
        assert ask(app, environ) is None
        overrides = {COUNTED: environ[COUNTED]}
        answer = client.post("/articles/birds/views", headers=HTMX, environ_overrides=overrides)
        assert 'data-count="4"' in answer.text
    app.extensions["view_writer"].flush()
    assert counts(session) == (1, {})
    assert not caplog.text


def test_server_logs_and_measures_a_view(tmp_path: Path) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", [], False, NEW_YEAR, "They sing."), NEW_YEAR)
    dispose(app)
    server = Server(tmp_path, ACCESS_LOG="text", METRICS_TOKEN=TOKEN)
    views = [send(server, "POST", "/articles/birds/views", {**HTMX, "User-Agent": browser(name)}) for name in "AAB"]
    assert [re.findall('data-count="(.)"', view) for view in views] == [["1"], ["1"], ["2"]]
    metrics = send(server, "GET", "/metrics", {"Authorization": f"Bearer {TOKEN}"})
    server.stop()
    route = 'blogapp_requests_total{method="POST",route="/articles/<slug>/views",status="200"}'
    assert f"{route} 3.0" in metrics
    assert server.log().count(" POST /articles/birds/views 200 ") == 3


def send(server: Server, method: str, path: str, fields: dict[str, str]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body="" if method == "POST" else None, headers=fields)
    text = connection.getresponse().read().decode()
    connection.close()
    return text
