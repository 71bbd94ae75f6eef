"""The visitor's address and the site's host, with and without proxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from blogapp.articles.models import Article
from blogapp.web.networks import address_block
from blogapp.web.proxy import address_in, prepare_for
from blogapp.web.request_bodies import REFUSAL


def prepared(proxies: int, site_url: str = "", **fields: str) -> dict[str, Any]:
    """The environment of a request with these header fields (`X_FORWARDED_FOR="..."`) that came from 10.0.0.1."""
    environ: dict[str, Any] = {
        "PATH_INFO": "/",
        "REMOTE_ADDR": "10.0.0.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "internal.example",
        **{f"HTTP_{name}": value for name, value in fields.items()},
    }
    prepare_for(site_url, proxies)(environ)
    return environ


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:5000", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("unknown", ""),
        ("_hidden", ""),
        ("_hidden:443", ""),
        ("203.0.113.7:5000:1", ""),
        ("010.0.0.1", ""),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_address_is_parsed_from_an_entry_of_x_forwarded_for(entry: str, address: str) -> None:
    assert address_in(entry) == address


def test_readers_behind_a_proxy_that_adds_ports_are_told_apart() -> None:
    one = prepared(1, X_FORWARDED_FOR="203.0.113.7:5000")["REMOTE_ADDR"]
    other = prepared(1, X_FORWARDED_FOR="[2001:db8::1]:443")["REMOTE_ADDR"]
    mapped = prepared(1, X_FORWARDED_FOR="[::ffff:203.0.113.9]:443")["REMOTE_ADDR"]
    assert address_block(one, 24, 64) == "203.0.113.0/24"
    assert address_block(other, 24, 64) == "2001:db8::/64"
    assert address_block(mapped, 24, 64) == "203.0.113.0/24"


@pytest.mark.parametrize(
    ("proxies", "field", "address"),
    [
        (0, "203.0.113.7", "10.0.0.1"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (2, "203.0.113.7", "10.0.0.1"),
        (1, "198.51.100.1,unknown", ""),
        (1, "", "10.0.0.1"),
    ],
)
def test_only_entries_of_trusted_proxies_are_used(proxies: int, field: str, address: str) -> None:
    assert prepared(proxies, X_FORWARDED_FOR=field)["REMOTE_ADDR"] == address


def test_forwarded_header_is_used_without_x_forwarded_for() -> None:
    field = 'for=198.51.100.1, for="[2001:db8::1]:4711";proto=https;host="blog.example"'
    environ = prepared(1, FORWARDED=field)
    assert environ["REMOTE_ADDR"] == "2001:db8::1"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "blog.example"
    assert prepared(1, FORWARDED=field, X_FORWARDED_FOR="203.0.113.7")["REMOTE_ADDR"] == "203.0.113.7"
    assert prepared(0, FORWARDED=field)["REMOTE_ADDR"] == "10.0.0.1"


@pytest.mark.parametrize("scheme", ["javascript", "ftp", "https://", "", "data"])
def test_only_http_and_https_are_accepted_as_forwarded_scheme(scheme: str) -> None:
    assert prepared(1, X_FORWARDED_PROTO=scheme)["wsgi.url_scheme"] == "http"
    assert prepared(1, X_FORWARDED_PROTO="HTTPS")["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize(
    "host",
    ["evil.example/path", "a b", "user@a", '"><script>', "a:99999", "[::1", "a..b", "-a", "é.example", "a" * 300],
)
def test_invalid_host_names_are_ignored_or_refused(host: str) -> None:
    assert prepared(1, X_FORWARDED_HOST=host)["HTTP_HOST"] == "internal.example"
    assert prepared(1, HOST=host)[REFUSAL] == 400
    assert REFUSAL not in prepared(1, site_url="https://example.org", HOST=host)


@pytest.mark.parametrize(
    "host", ["blog.example", "blog.example:8443", "[2001:db8::1]:80", "127.0.0.1", "a_b", "localhost."]
)
def test_valid_host_names_are_accepted(host: str) -> None:
    assert prepared(1, X_FORWARDED_HOST=host)["HTTP_HOST"] == host
    assert REFUSAL not in prepared(0, HOST=host)


@pytest.mark.parametrize(
    ("proxies", "site_url", "field", "prefix"),
    [
        (1, "", "/blog", "/blog"),
        (1, "", "/evil, /blog/", "/blog"),
        (1, "", "/", ""),
        (0, "", "/blog", ""),
        (2, "", "/blog", ""),
        (1, "https://example.org/notes", "/blog", "/notes"),
        (1, "https://example.org", "/blog", ""),
        (1, "", "//evil.example", ""),
        (1, "", "/..", ""),
        (1, "", "blog", ""),
        (1, "", '/"><script>', ""),
        (1, "", "/" + "a" * 300, ""),
    ],
)
def test_prefix_is_taken_from_a_trusted_proxy(proxies: int, site_url: str, field: str, prefix: str) -> None:
    environ = prepared(proxies, site_url, X_FORWARDED_PREFIX=field)
    assert environ.get("SCRIPT_NAME", "") == prefix


@pytest.mark.settings(TRUSTED_PROXIES="1")
def test_invalid_forwarded_headers_are_not_used_in_links(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="birds")
    junk = {"X-Forwarded-Host": 'evil.example/"><b>', "X-Forwarded-Proto": "javascript"}
    page = client.get("/articles/birds", headers=junk).text
    assert '<link rel="canonical" href="http://localhost/articles/birds">' in page


def test_invalid_host_gets_an_error_page_and_no_cache_entry(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": '"><script>'})
    assert answer.status_code == 400
    assert '<html lang="en"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
