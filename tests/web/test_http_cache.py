"""Cache rules: only the site's own cookies make a response private."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

Publish = Callable[..., int]
Post = Callable[..., TestResponse]

FOREIGN = "_ga=GA1.1.5; __cf_bm=abc.def; visitors=1; session=x"
HTMX = {"HX-Request": "true"}
RESTORE = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
ADDRESSES = ["/", "/articles/birds", "/articles/birds/comments", "/privacy"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_other_cookies_change_nothing(publish_article: Publish, app: Flask, address: str) -> None:
    publish_article(slug="birds")
    without = app.test_client(use_cookies=False).get(address)
    with_cookies = app.test_client(use_cookies=False).get(address, headers={"Cookie": FOREIGN})
    assert with_cookies.data == without.data
    assert list(with_cookies.headers) == list(without.headers)
    assert without.headers["Cache-Control"] == "public, no-cache"
    again = {"Cookie": FOREIGN, "If-None-Match": without.headers["ETag"]}
    assert app.test_client(use_cookies=False).get(address, headers=again).status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
def test_own_cookies_make_a_response_private(publish_article: Publish, app: Flask, address: str) -> None:
    publish_article(slug="birds")
    client = app.test_client(use_cookies=False)
    # A shared cache may revalidate with the visitor's cookie and a reader's ETag: it must get the page, never a 304.
    etag = client.get(address).headers["ETag"]
    for name in ("visitor", "__Host-visitor", "__Secure-visitor", "owner", "__Host-owner", "__Secure-owner"):
        answer = client.get(address, headers={"Cookie": f"_ga=1; {name}=abc", "If-None-Match": etag})
        assert answer.status_code == 200, name
        assert answer.headers["Cache-Control"] == "private, no-store", name
        assert "ETag" not in answer.headers


def test_objection_cookie_makes_only_the_privacy_page_private(publish_article: Publish, app: Flask) -> None:
    publish_article(slug="birds")
    client = app.test_client(use_cookies=False)
    cookie = {"Cookie": "uncounted=1"}
    assert client.get("/articles/birds", headers=cookie).headers["Cache-Control"] == "public, no-cache"
    privacy = client.get("/privacy", headers={**cookie, "If-None-Match": client.get("/privacy").headers["ETag"]})
    assert privacy.status_code == 200
    assert privacy.headers["Cache-Control"] == "private, no-store"


def test_shared_cache_cannot_hide_a_visitors_own_comment(
    publish_article: Publish, app: Flask, client: FlaskClient, post: Post
) -> None:
    publish_article(slug="birds")
    post("birds", body="Mine")
    reader = app.test_client().get("/articles/birds")
    assert "/edit" not in reader.text
    own = client.get("/articles/birds", headers={"If-None-Match": reader.headers["ETag"]})
    assert own.status_code == 200
    assert "/edit" in own.text


def test_vary_names_each_header_that_the_response_depends_on(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    answers = [client.get("/articles/birds/comments", headers=headers) for headers in ({}, HTMX, RESTORE)]
    pages = ["<html" in answer.text for answer in answers]
    assert pages == [True, False, True]
    for answer in answers:
        assert {"HX-Request", "HX-History-Restore-Request"} <= set(answer.headers["Vary"].split(", "))
        assert "Cookie" not in answer.headers["Vary"]
