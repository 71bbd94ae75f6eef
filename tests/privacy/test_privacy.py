"""The privacy page shows the numbers of the settings, and readers can opt out there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.articles.models import Article

Publish = Callable[..., Article]
HTMX = {"HX-Request": "true"}


def words(client: FlaskClient, address: str = "/privacy") -> str:
    page = client.get(address)
    assert page.status_code == 200
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", "", page.text))


@pytest.mark.settings(RATELIMIT_ENABLED="on", VIEW_RATE_PER_HOUR="1234", COMMENT_EDIT_MINUTES="77")
def test_numbers_are_those_of_the_settings(client: FlaskClient) -> None:
    text = words(client)
    for sentence in (
        "At most 1,234 new readers from one network are counted",
        "For 77 minutes, you can delete it yourself",
        "only the first 24 bits (IPv6: 48)",
        "After 25 months",
        "sets one for 90 days",
        "for 395 days",
    ):
        assert sentence in text
    french = words(client, "/privacy?lang=fr")
    assert "Au plus 1\u202f234 nouveaux lecteurs" in french
    assert "Pendant 77 minutes" in french
    assert "have to be approved" not in text


@pytest.mark.settings(COMMENT_EDIT_MINUTES="0", COMMENT_MODERATION="first")
def test_features_that_are_off_are_not_mentioned(client: FlaskClient) -> None:
    text = words(client)
    assert "you can delete it yourself" not in text
    assert "To have it deleted, ask the owner in a comment." in text
    assert "have to be approved" in text
    assert "new readers" not in text  # limits are off
    assert "To prevent abuse" not in text


@pytest.mark.settings(RATELIMIT_ENABLED="on", COMMENT_MODERATION="first")
@pytest.mark.parametrize("lang", ["en", "fr", "he"])
def test_sentences_are_separated_by_spaces(client: FlaskClient, lang: str) -> None:
    assert re.findall(r"\w\.\w+", words(client, f"/privacy?lang={lang}")) == []


@pytest.mark.settings(RATELIMIT_ENABLED="on")
@pytest.mark.parametrize("where", ["memory", "store"])
def test_page_names_the_storage_of_rate_limits(app: Flask, client: FlaskClient, where: str) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = {"memory": "memory://", "store": "redis://localhost:6379"}[where]
    text = words(client)
    assert ("in the server’s memory" in text) == (where == "memory")
    assert ("in a separate store" in text) == (where == "store")
    assert "computed from that part of the IP address only" in text


@pytest.mark.parametrize(
    ("address", "lang", "title"),
    [
        ("/privacy", "en", "What we store about you"),
        ("/privacy?lang=fr", "fr", "Vos données"),
        ("/privacy?lang=he", "he", "מה אנחנו שומרים עליכם"),
        ("/privacy?lang=xx", "en", "What we store about you"),
        ("/privacy?lang=%00", "en", "What we store about you"),
    ],
)
def test_page_uses_the_requested_language(client: FlaskClient, address: str, lang: str, title: str) -> None:
    page = client.get(address)
    assert f'<html lang="{lang}"' in page.text
    assert f"<h1>{title}</h1>" in page.text
    assert page.headers["Cache-Control"] == "public, no-cache"
    assert "Set-Cookie" not in page.headers


def test_every_page_links_to_the_privacy_page(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="oiseaux", lang="fr")
    page = client.get("/articles/oiseaux").text
    assert page.count('href="/privacy?lang=fr') == 2
    assert 'href="/privacy?lang=en"' in client.get("/").text
    assert 'href="/privacy?lang=en"' in client.get("/nowhere").text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_opt_out_cookie_is_the_same_for_everyone(app: Flask, headers: dict[str, str]) -> None:
    cookies = []
    for _ in range(2):
        client = app.test_client()
        answer = client.post("/privacy/objection", data={"lang": "fr"}, headers=headers)
        cookies.append(answer.headers["Set-Cookie"])
        if headers:
            assert "Vos vues ne sont plus comptées." in answer.text
            assert "<html" not in answer.text
        else:
            assert (answer.status_code, answer.location) == (303, "/privacy?lang=fr#objection")
        page = client.get("/privacy?lang=fr")
        assert "Vos vues ne sont pas comptées dans ce navigateur." in page.text
        assert page.headers["Cache-Control"] == "private, no-store"
        back = client.post("/privacy/objection/delete", headers=headers)
        assert back.status_code == (200 if headers else 303)
        assert "Do not count my views" in client.get("/privacy").text
    assert cookies[0].split(";")[0] == cookies[1].split(";")[0] == "uncounted=1"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookies[0].split("; "))


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_opt_out_cookie_is_secure_over_https(client: FlaskClient) -> None:
    answer = client.post("/privacy/objection", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


def test_cross_site_opt_out_is_refused(client: FlaskClient) -> None:
    for address in ("/privacy/objection", "/privacy/objection/delete"):
        assert client.post(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.get(address).status_code == 405
