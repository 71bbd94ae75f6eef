"""A site below a path: SITE_URL=https://example.org/blog, or X-Forwarded-Prefix of a trusted proxy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import urldefrag

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from tests.owners.conftest import NAME, PASSWORD
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash

pytestmark = pytest.mark.settings(SITE_URL="https://example.org/blog")

ADDRESS = re.compile(r'\s(href|src|action|formaction|hx-get|hx-post|hx-put|hx-delete)="([^"]*)"')
POSTED = {"action", "formaction", "hx-post"}
ORIGIN = re.compile(r"^https://(example\.org|internal\.example:8000)(?=/)")
HTMX = {"HX-Request": "true"}

# How many addresses that differ only in numbers are followed: each shows the same links.
SAME_KIND = 2


class Site:
    """The site behind a proxy that removes the prefix from the path or keeps it."""

    def __init__(self, client: FlaskClient, removes_prefix: bool, **fields: str) -> None:
        self._client = client
        self._fields = fields
        self._removes_prefix = removes_prefix

    def of_another_reader(self) -> Site:
        return Site(self._client.application.test_client(), self._removes_prefix, **self._fields)

    def send(self, method: str, address: str, **options: object) -> TestResponse:
        """Return the response. The target of a redirect must be below the prefix."""
        assert address.startswith("/blog/"), address
        path = address.removeprefix("/blog") if self._removes_prefix else address
        # An internal URL: the host and the scheme of the request must not matter.
        answer = self._client.open(
            path,
            method=method,
            base_url="https://internal.example:8000",
            environ_base=self._fields,
            **options,  # type: ignore[arg-type]
        )
        if location := answer.headers.get("Location"):
            assert location.startswith("/blog/"), (address, location)
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert "; Path=/blog" in cookie
            if self._removes_prefix:  # a browser would send it: its path has the prefix
                name, _, value = cookie.partition(";")[0].partition("=")
                self._client.set_cookie(name, value, domain="internal.example", secure=True)
        return answer

    def crawl(self, start: str) -> tuple[set[str], set[str]]:
        """Follow the links, then post to the address of each form. Return the addresses of the links and the forms.

        Of addresses that differ only in numbers, the first SAME_KIND are followed.
        """
        todo, seen, forms = [(start, False)], set(), set()
        followed: Counter[tuple[str, bool]] = Counter()
        while todo:
            address, is_fragment = request = todo.pop(0)
            kind = (re.sub(r"\d+", "0", address), is_fragment)
            if request in seen or followed[kind] >= SAME_KIND:
                continue
            followed[kind] += 1
            seen.add(request)
            answer = self.send("GET", address, headers=HTMX if is_fragment else {})
            assert answer.status_code < 400, request
            if answer.mimetype != "text/html":
                continue
            for attribute, written in ADDRESS.findall(answer.text):
                target = urldefrag(ORIGIN.sub("", written.replace("&amp;", "&"))).url
                if not target or target.startswith(("https:", "mailto:")):
                    continue
                assert target.startswith("/blog/"), (request, attribute, written)
                if attribute in POSTED:
                    forms.add(target)
                else:
                    todo.append((target, attribute == "hx-get"))
        for address in sorted(forms, key=lambda each: each.endswith("/delete")):
            method = "GET" if address == "/blog/search" else "POST"
            assert self.send(method, address).status_code not in {404, 405, 500}, address
        return {address for address, _ in seen}, forms


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # links do not depend on the database
def test_every_address_of_the_site_begins_with_the_prefix_and_works(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    assert_stays_below_prefix(Site(client, removes_prefix=False), publish_article)


@pytest.mark.settings(SITE_URL="", TRUSTED_PROXIES="1")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_address_begins_with_the_prefix_that_a_trusted_proxy_names(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    site = Site(client, removes_prefix=True, HTTP_X_FORWARDED_PREFIX="/blog")
    assert_stays_below_prefix(site, publish_article)
    # A page in the cache is not served below another prefix.
    assert 'href="/blog/' in site.send("GET", "/blog/privacy").text
    plain = client.get("/privacy", base_url="https://internal.example:8000").text
    assert 'href="/privacy' in plain
    assert 'href="/blog/' not in plain


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("removes_prefix", "fields"),
    [
        pytest.param(True, {}, id="SITE_URL, removed"),
        pytest.param(
            False,
            {"HTTP_X_FORWARDED_PREFIX": "/blog"},
            marks=pytest.mark.settings(SITE_URL="", TRUSTED_PROXIES="1"),
            id="named by a proxy, kept",
        ),
    ],
)
def test_proxy_may_remove_or_keep_the_prefix(
    client: FlaskClient, publish_article: Callable[..., Article], removes_prefix: bool, fields: dict[str, str]
) -> None:
    """The other two combinations: they differ in what the application is called with, not in how it makes links."""
    site = Site(client, removes_prefix, **fields)
    publish_article(slug="birds-24")
    form = {"author_name": "Ada", "body": "Hello"}
    assert site.send("POST", "/blog/articles/birds-24/comments", data=form).status_code == 303
    page = site.send("GET", "/blog/articles/birds-24").text
    assert "/comments/1/edit" in page  # the cookie has come back
    addresses = [ORIGIN.sub("", address) for _, address in ADDRESS.findall(page)]
    assert [each for each in addresses if not each.startswith(("/blog/", "#", "https:"))] == []
    for address in ("/blog/", "/blog/comments/1/edit", "/blog/static/icon.svg", "/blog/feed.xml"):
        assert site.send("GET", address).status_code == 200, address


def assert_stays_below_prefix(site: Site, publish_article: Callable[..., Article]) -> None:
    for number in range(25):
        publish_article(slug=f"birds-{number}", title=f"Birds {number}")
    comments = "/blog/articles/birds-24/comments"
    form = {"author_name": "Ada", "body": "Hello"}
    posted = site.send("POST", comments, data=form)
    assert posted.status_code == 303
    first = re.findall(r"#comment-(\d+)", posted.headers["Location"])[0]
    for number in range(60):
        parent = {"parent_id": first} if number < 15 else {}
        fragment = site.send("POST", comments, data={**form, "body": f"Hello {number}", **parent}, headers=HTMX)
        assert fragment.status_code == 201
        assert "/blog/comments/" in fragment.text
    assert site.send("GET", "/blog/comments/999999").status_code == 404
    assert 'href="/blog/"' in site.send("GET", "/blog/none").text
    stranger = site.of_another_reader().send("GET", "/blog/articles/birds-24").text
    assert f'action="/blog/comments/{first}/likes"' in stranger
    links, forms = site.crawl("/blog/")
    assert len(links) > 25
    assert {
        "/blog/",
        "/blog/articles/birds-24",
        f"/blog/comments/{first}/reply",
        f"/blog/comments/{first}/edit",
    } <= links
    assert {
        comments,
        "/blog/comments/preview",
        f"/blog/comments/{first}/edit",
    } <= forms


def test_site_url_takes_precedence_over_the_request(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="birds")
    expected = client.get("/articles/birds", base_url="http://internal.example").text
    assert '<link rel="canonical" href="https://example.org/blog/articles/birds">' in expected
    foreign = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript", "X-Forwarded-Prefix": "/evil"}
    assert client.get("/articles/birds", base_url="https://evil.example", headers=foreign).text == expected
    assert client.get("/blog/articles/birds").text == expected


def test_health_checks_work_with_and_without_the_prefix(client: FlaskClient) -> None:
    for path in ("/healthz", "/blog/healthz", "/readyz", "/blog/readyz"):
        assert client.get(path).text == "ok\n"


def test_path_that_only_starts_with_the_prefix_is_not_found(client: FlaskClient) -> None:
    assert client.get("/blogs").status_code == 404
    assert client.get("/blog").status_code == 200


def test_links_and_pictures_of_an_article_stay_below_the_prefix(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    text = "[One](/articles/one) [Two](/blog/articles/two) [Three](#three)\n\n![A](/media/a.webp)"
    publish_article(slug="birds", body=f'{text}\n\n`href="/code"`')
    page = client.get("/articles/birds").text
    body = page.partition('class="article-body"')[2].partition("</div>")[0]
    addresses = re.findall(r'<(?:a|img)[^>]*\s(?:href|src)="([^"]*)"', body)
    assert addresses == [
        "/blog/articles/one",
        "/blog/articles/two",
        "#three",
        "/blog/media/a.webp",
    ]
    assert 'href="/code"' in body.replace("&quot;", '"')


@pytest.mark.parametrize(
    ("site", "mark"),
    [
        pytest.param("https", "__Secure-", marks=pytest.mark.settings(SITE_URL="https://example.org/blog")),
        pytest.param("http", "", marks=pytest.mark.settings(SITE_URL="http://example.org/blog")),
    ],
)
def test_every_cookie_stays_below_the_prefix(
    client: FlaskClient, owner: None, publish_article: Callable[..., Article], site: str, mark: str
) -> None:
    publish_article(slug="birds")
    base = f"{site}://example.org"
    commented = client.post(
        "/blog/articles/birds/comments", base_url=base, data={"author_name": "Ada", "body": "Hello"}
    )
    signed_in = client.post("/blog/owner/sign-in", base_url=base, data={"name": NAME, "password": PASSWORD})
    objected = client.post("/blog/privacy/objection", base_url=base)
    counted_again = client.post("/blog/privacy/objection/delete", base_url=base)
    assert client.get("/blog/owner", base_url=base).status_code == 200
    signed_out = client.post("/blog/owner/sign-out", base_url=base)
    answers = (commented, signed_in, objected, counted_again, signed_out)
    cookies = [each.split("; ") for answer in answers for each in answer.headers.getlist("Set-Cookie")]
    assert {fields[0].partition("=")[0] for fields in cookies} == {
        f"{mark}visitor", f"{mark}owner", f"{mark}known-browser", "uncounted",
    }  # fmt: skip
    assert all({"Path=/blog", "Path=/blog/"} & set(fields) for fields in cookies)
    assert client.get("/blog/owner", base_url=base).status_code == 302
