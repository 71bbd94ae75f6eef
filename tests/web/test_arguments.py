"""Hostile values in every place of a request: never a 500, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

# As they stand in an address or in a form, already percent-encoded. Surrogates cannot be written in UTF-8 otherwise.
VALUES = (
    "",
    "%00",
    "a%00b",
    "%ED%A0%80",
    "a%ED%BF%BFb",
    "%FF",
    "-1",
    "0",
    "1e3",
    "%D9%A1",  # an Arabic-Indic 1
    "9999999999999999-1",
    "1-9999999999999999",
    "1-9999999999999999-1",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    str(2**64),
    "9" * 5_000,
    "liked-" + "9" * 16,
    "liked-9223372036854775808",
    "0" * 100,
    "%25%25_%5C%27",
    "%F0%9F%90%A6" * 2_000,
)
# What each route reads; `test_every_argument_and_field_is_known` compares it with the code.
ARGUMENTS = {
    "articles.index": ("before",),
    "articles.show": ("notice", "sort"),
    "comments.index": ("after", "at", "before", "notice", "since", "sort"),
    "comments.replies": ("after",),
    "owner.new": ("next",),
    "privacy.show": ("lang",),
}
FIELDS = {
    "comments.create": ("author_email", "author_name", "author_url", "body", "homepage", "parent_id"),
    "comments.preview": ("article", "author_name", "author_url", "body", "parent_id"),
    "comment_authors.update": ("body", "revision"),
    "comment_authors.like": ("liked",),
    "owner.create": ("name", "next", "password"),
    "privacy.object_to_counting": ("lang",),
    "view_counts.create": ("referrer",),
}
UNKNOWN = ("unknown",)
COOKIES = ("visitor", "owner", "known-browser", "uncounted", "unknown")
HEADERS = (
    "Accept-Language", "HX-Request", "HX-History-Restore-Request", "If-None-Match", "If-Modified-Since", "Range",
    "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
)  # fmt: skip
HTMX = {"HX-Request": "true"}


@pytest.fixture
def site(publish_article: Publish, app: Flask, client: FlaskClient, post: Post) -> FlaskClient:
    """An article with comments; the client is the author of comment 1."""
    publish_article(slug="birds")
    post("birds", body="Hello")
    post("birds", body="A reply", parent_id="1")
    return client


def assert_no_error(answer: TestResponse, *what: object) -> None:
    assert answer.status_code < 500, what
    answer.close()


def addresses(app: Flask, method: str, slug: str = "birds", comment_id: str = "1") -> Iterator[tuple[str, str]]:
    """The address and the endpoint of every route that takes `method`; those that delete come last."""
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or set())]
    values = {"slug": slug, "comment_id": comment_id}
    for rule in sorted(rules, key=lambda rule: rule.rule.endswith(("/delete", "/removal"))):
        yield re.sub(r"<(?:id:)?(\w+)>", lambda match: values[match[1]], rule.rule), rule.endpoint


def test_every_argument_and_field_is_known() -> None:
    sources = "".join(path.read_text() for path in Path("blogapp").rglob("*.py"))
    arguments = set(re.findall(r"request\.args(?:\.get\(|\[)\"(\w+)\"", sources))
    fields = set(re.findall(r"request\.form(?:\.get\(|\[)\"(\w+)\"", sources))
    fields |= set(re.findall(r"^    (\w+) = (?:String|TextArea)Field\(", sources, re.MULTILINE))
    assert {name for names in ARGUMENTS.values() for name in names} == arguments
    assert {name for names in FIELDS.values() for name in names} == fields


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_no_argument_is_an_error(app: Flask, site: FlaskClient, headers: dict[str, str]) -> None:
    for address, endpoint in addresses(app, "GET"):
        names = ARGUMENTS.get(endpoint, UNKNOWN)
        for value in VALUES:
            for name in names:
                answer = site.get(f"{address}?{name}={value}", headers=headers)
                assert_no_error(answer, address, name, value[:40])
            everything = "&".join(f"{name}={value}&{name}=1" for name in names)
            answer = site.head(f"{address}?sort=liked&{everything}", headers=headers)
            assert_no_error(answer, address, "sort=liked", value[:40])


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("sort", ["liked", "newest", "oldest"])
def test_no_cursor_is_an_error(site: FlaskClient, sort: str, headers: dict[str, str]) -> None:
    for value in VALUES:
        for name in ("before", "after", "at"):
            answer = site.get(f"/articles/birds/comments?sort={sort}&{name}={value}", headers=headers)
            assert_no_error(answer, name, value[:40])


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_path_is_an_error(app: Flask, site: FlaskClient, method: str, headers: dict[str, str]) -> None:
    for value in VALUES:
        for address, _ in addresses(app, method, slug=value, comment_id=value):
            assert_no_error(site.open(address, method=method, headers=headers), address[:60])


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_no_field_is_an_error(app: Flask, site: FlaskClient, headers: dict[str, str]) -> None:
    usual = {"author_name": "Ada", "body": "Hello", "article": "birds"}
    for address, endpoint in addresses(app, "POST"):
        for value in VALUES:
            for name in FIELDS.get(endpoint, UNKNOWN):
                others = "".join(f"{key}={text}&" for key, text in usual.items() if key != name)
                answer = site.post(
                    address,
                    data=f"{others}{name}={value}&{name}=1",
                    content_type="application/x-www-form-urlencoded",
                    headers=headers,
                )
                assert_no_error(answer, address, name, value[:40])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_header_or_cookie_is_an_error(app: Flask, site: FlaskClient, method: str) -> None:
    values = [value for value in VALUES if len(value) < 1_000]
    values += [unquoted(value) for value in values if "%" in value]
    for address, _ in addresses(app, method):
        for value in values:
            cookies = "; ".join(f"{name}={value}" for name in COOKIES)
            requests = [{**dict.fromkeys(HEADERS, value), "Cookie": cookies}]
            if method == "POST":  # only a form is refused for where it comes from
                requests += [{"Origin": value}, {"Referer": value}]
            for headers in requests:
                assert_no_error(send(app, method, address, headers), address, headers)


def test_no_host_is_an_error(app: Flask, site: FlaskClient) -> None:
    for value in VALUES:
        for host in (value, unquoted(value)):
            for address in ("/", "/articles/birds"):
                assert_no_error(send(app, "GET", address, {"Host": host}), host[:40])


def unquoted(value: str) -> str:
    """The bytes of a percent-encoded value as a server passes them on: one character for each byte, and no NUL."""
    return re.sub(r"%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), value).replace("\0", "")


def send(app: Flask, method: str, address: str, headers: dict[str, str]) -> TestResponse:
    environ: dict[str, Any] = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return app.test_client().open(address, method=method, environ_overrides=environ)
