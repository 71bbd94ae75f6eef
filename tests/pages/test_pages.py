"""The front page, article pages and error pages that readers get."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]


def test_front_page_lists_articles_each_in_its_language(
    publish_article: Publish, client: FlaskClient, post: Post
) -> None:
    publish_article(slug="old", lang="en", title="Old", published_at=datetime(2026, 1, 1, tzinfo=UTC), views=1)
    publish_article(slug="neuf", lang="fr", title="Neuf", published_at=datetime(2026, 2, 1, tzinfo=UTC), views=1)
    post("neuf", body="Bonjour")
    post("neuf", body="Encore")
    page = client.get("/").text
    assert page.index("Neuf") < page.index("Old")
    french, english = page.split('class="card" lang="fr"')[1].split('class="card" lang="en"')[:2]
    assert "1er février 2026" in french
    assert "1 vue<" in french
    assert "2 commentaires<" in french
    assert "1 view<" in english
    assert "0 comments<" in english


@pytest.mark.settings(SITE_TITLE="Birds & co", SITE_LOCALE="fr")
def test_front_page_has_a_description(client: FlaskClient) -> None:
    description = (
        '<meta name="description" property="og:description" content="Les derniers articles du site Birds &amp; co.">'
    )
    assert description in client.get("/").text


def test_empty_blog_shows_a_message(client: FlaskClient) -> None:
    assert "No articles yet." in client.get("/").text


def test_older_pages_list_every_article_once(publish_article: Publish, client: FlaskClient) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(45):
        publish_article(slug=f"a{number}", title=f"T{number}", published_at=begin + timedelta(hours=number // 2))
    found: list[str] = []
    address = "/"
    while address:
        page = client.get(address).text
        found += re.findall(r'href="/articles/(a\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older.group(1) if older else ""
    assert found == [f"a{number}" for number in reversed(range(45))]


def test_article_says_when_it_was_updated_and_how_long_it_takes(
    publish_article: Publish, client: FlaskClient, app: Flask
) -> None:
    first, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    changed = Manuscript("neuf", "fr", "Neuf", "", [], False, first, "oiseau " * 900, updated_at=later)
    with app.app_context(), write_transaction() as session:
        publish(session, changed, later)
    publish_article(slug="new", lang="en", title="New", body="word " * 900, published_at=first)
    french, english = client.get("/articles/neuf").text, client.get("/articles/new").text
    assert 'Mis à jour le <time datetime="2026-03-02T00:00:00Z">2 mars 2026</time>' in french
    assert "4 min de lecture<" in french
    assert "Updated on" not in english
    assert "4 min read<" in english


def test_two_readers_get_the_same_bytes_without_a_cookie(publish_article: Publish, app: Flask) -> None:
    publish_article(slug="birds")
    answers = [
        app.test_client().get("/articles/birds", headers={"User-Agent": agent, "Accept-Language": language})
        for agent, language in (("Firefox", "fr"), ("Chrome", "en"))
    ]
    assert answers[0].data == answers[1].data
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "public, no-cache"
        assert "HX-Request" in answer.headers["Vary"].split(", ")


def test_unchanged_page_is_answered_with_304(publish_article: Publish, client: FlaskClient, post: Post) -> None:
    publish_article(slug="birds")
    first = client.get("/articles/birds", headers={"Accept-Encoding": "br"})
    etag = {"If-None-Match": first.headers["ETag"], "Accept-Encoding": "br"}
    assert client.get("/articles/birds", headers=etag).status_code == 304
    post("birds")
    client.delete_cookie("visitor")
    assert client.get("/articles/birds", headers=etag).status_code == 200


def test_history_restore_gets_the_whole_page(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<!doctype html>" in client.get("/articles/birds/comments", headers=headers).text


def test_pages_have_security_headers(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    for address in ("/", "/articles/birds", "/nowhere", "/articles/birds/views.gif"):
        headers = client.get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Permissions-Policy" in headers


def test_pages_have_no_inline_code_and_no_foreign_resources(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    for address in ("/", "/articles/birds", "/nowhere"):
        page = client.get(address).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|<script(?![^>]*\ssrc=| type=.application/ld)", page)
        assert not re.search(
            r'(?:src|href)="(?:https?:)?//', page.replace('rel="canonical" href="http://localhost', "")
        )


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("method", "address", "status", "words"),
    [
        ("GET", "/nowhere", 404, "Page not found"),
        ("GET", "/articles/none", 404, "Page not found"),
        ("GET", "/comments/4711", 404, "Comment not found"),
        ("GET", "/comments/4711/reply", 404, "Comment not found"),
        ("POST", "/", 405, "Method not allowed"),
        ("PUT", "/articles/birds/comments", 405, "Method not allowed"),
    ],
)
def test_errors_are_pages_of_the_site_or_fragments(
    client: FlaskClient, publish_article: Publish, method: str, address: str, status: int, words: str, htmx: bool
) -> None:
    publish_article(slug="birds")
    answer = client.open(address, method=method, headers={"HX-Request": "true"} if htmx else {})
    assert answer.status_code == status
    assert words in answer.text
    assert ("<!doctype html>" in answer.text) != htmx
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Traceback" not in answer.text


@pytest.mark.own_app
def test_internal_error_shows_no_traceback(app: Flask) -> None:
    @app.get("/mistake")
    def mistake() -> str:
        raise RuntimeError("a secret detail")

    answer = app.test_client().get("/mistake")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "secret" not in answer.text


@pytest.mark.settings(SITE_LOCALE="fr", SITE_TITLE="Le carnet <b>")
def test_site_uses_the_site_locale(client: FlaskClient) -> None:
    page = client.get("/nowhere")
    assert '<html lang="fr"' in page.text
    assert "Page introuvable" in page.text
    assert "Le carnet &lt;b&gt;" in page.text


def test_health_checks_succeed(client: FlaskClient) -> None:
    for address in ("/healthz", "/readyz"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.text == "ok\n"


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_trusted_proxy_sets_the_scheme_and_host(client: FlaskClient) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "blog.example.org"}
    assert "Strict-Transport-Security" in client.get("/", headers=headers).headers
    own = {**headers, "Origin": "https://blog.example.org"}
    assert client.post("/articles/none/views", headers=own).status_code == 404


def test_forwarded_headers_are_ignored_without_a_trusted_proxy(client: FlaskClient) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "blog.example.org",
        "Origin": "https://blog.example.org",
    }
    assert "Strict-Transport-Security" not in client.get("/", headers=headers).headers
    assert client.post("/articles/none/views", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "address",
    ["/?before=x", "/?before=99999999999999999999", "/?before=-1", f"/comments/{10**30}", f"/comments/{10**30}/reply"],
)
def test_invalid_number_in_an_address_causes_no_error(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("path", ["/", "/archive", "/tags/owls"])
def test_place_in_a_list_that_is_no_number_is_not_found(client: FlaskClient, app: Flask, path: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", ["Owls"], False, begin, "They sing."), begin)
    assert [client.get(f"{path}?before={each}").status_code for each in ("x", "-1", "", "1")] == [404, 404, 404, 200]


def test_heading_of_an_error_is_without_the_name_of_the_site(client: FlaskClient) -> None:
    page = client.get("/nowhere").text
    assert "<h1>Page not found</h1>" in page
    assert "<title>Page not found – Carnet</title>" in page


@pytest.mark.parametrize("host", ["a..b", "x" * 300])
def test_invalid_host_is_a_bad_request(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 400


def test_null_character_in_a_slug_is_not_found(client: FlaskClient) -> None:
    for address in ("/articles/%00", "/articles/%00/views.gif", "/articles/%00/comments"):
        assert client.get(address).status_code == 404
    assert client.post("/articles/%00/views").status_code == 404
