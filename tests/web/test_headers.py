"""Security headers, and the marker header by which scripts recognize responses of this application."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.web.headers import HEADERS, MARK

Publish = Callable[..., int]

HTMX = {"HX-Request": "true"}
HTTPS = {"X-Forwarded-Proto": "https"}


def static_addresses(client: FlaskClient) -> list[str]:
    bundles = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text)
    assert len(bundles) == 2
    return [*bundles, "/static/icon.svg"]


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_static_files_have_every_security_header(client: FlaskClient) -> None:
    for address in static_addresses(client):
        with client.get(address, headers=HTTPS) as answer:
            assert answer.status_code == 200
            for name, value in HEADERS.items():
                assert answer.headers.getlist(name) == [value], (address, name)
            assert answer.headers.getlist("Strict-Transport-Security") == ["max-age=31536000"]
        with client.get(address) as answer:
            assert "Strict-Transport-Security" not in answer.headers


def test_errors_without_flask_have_every_security_header(client: FlaskClient) -> None:
    answers = [client.post("/favicon.ico"), client.get("/static/nothing.css"), client.open("/", method="BREW")]
    for answer in answers:
        assert answer.status_code in {404, 405}
        for name, value in HEADERS.items():
            assert answer.headers.getlist(name) == [value]


def assert_marked(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers.getlist(MARK[0]) == [MARK[1]]


def test_every_response_has_the_marker_header(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    publish_article(slug="birds")
    form = {"author_name": "Ada", "body": "Hello"}
    etag = client.get("/").headers["ETag"]
    assert_marked(client.get("/"), 200)
    assert_marked(client.get("/", headers={"If-None-Match": etag}), 304)
    assert_marked(client.post("/articles/birds/comments", data=form, headers=HTMX), 201)
    assert_marked(app.test_client().post("/articles/birds/comments", data={**form, "body": "Plain"}), 303)
    assert_marked(client.post("/articles/birds/comments", data={}, headers=HTMX), 422)
    assert_marked(client.get("/articles/birds/comments?since=99", headers=HTMX), 204)
    assert_marked(client.get("/nowhere", headers=HTMX), 404)
    assert_marked(client.delete("/"), 405)
    assert_marked(client.post("/articles/birds/comments", headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert_marked(client.post("/articles/birds/comments", data={"body": "x" * 70_000}), 413)
    assert_marked(client.get("/healthz"), 200)


@pytest.mark.own_app
def test_unexpected_error_has_the_marker_header(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/broken")
    def broken() -> str:
        raise ValueError

    assert_marked(app.test_client().get("/broken", headers=HTMX), 500)


def test_static_files_have_no_marker_header(client: FlaskClient) -> None:
    for address in static_addresses(client):
        with client.get(address) as answer:
            assert MARK[0] not in answer.headers, address
