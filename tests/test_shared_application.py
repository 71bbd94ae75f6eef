"""Tests share an application as long as none changes it; see `app` in tests/conftest.py."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from tests.harness.shared_apps import changeable, reset


def test_usual_requests_leave_the_application_usable_for_other_tests(
    app: Flask,
    client: FlaskClient,
    publish_article: Callable[..., Article],
    post: Callable[..., TestResponse],
) -> None:
    before = changeable(app)
    publish_article(slug="birds")
    assert post("birds").status_code == 303
    for address, status in (
        ("/", 200),
        ("/articles/birds", 200),
        ("/feed.xml", 200),
        ("/owner/sign-in", 200),
        ("/x", 404),
    ):
        answer = client.get(address)
        assert answer.status_code == status, address
        answer.close()
    assert client.post("/owner/sign-in", data={"name": "Ada", "password": "wrong"}).status_code == 422
    app.extensions["view_writer"].flush()
    assert changeable(app) == before
    reset(app)
    assert changeable(app) == before
