"""The page cache: which pages it stores, when they are invalidated, and what is served during an outage."""

from __future__ import annotations

import gzip
import os
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest
from flask import Flask, request, request_started
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.web import page_store
from blogapp.web.immediate import Answer
from blogapp.web.page_cache import ARGUMENTS
from blogapp.web.page_store import OVERHEAD, Dependency, Entry, Store
from tests.comments.test_query_plans import recorded

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

HTMX = {"HX-Request": "true"}


def entry(size: int = 0) -> Entry:
    answer = Answer(200, [], b"x" * size)
    return Entry(answer, Dependency(1, 1), None, 0.0)


def kept(store: Store, keys: str) -> str:
    return "".join(key for key in keys if store.get(key))


@pytest.fixture
def rendered(app: Flask) -> Iterator[list[str]]:
    """A list that grows by the path of each request that reaches Flask."""
    paths: list[str] = []

    def note(sender: Flask) -> None:
        paths.append(request.full_path)

    with request_started.connected_to(note, app):
        yield paths


def test_least_recently_used_entry_is_dropped_first() -> None:
    store = Store(4 * (OVERHEAD + 50))
    for key in "abcd":
        store.put(key, entry(40))
        assert store.get(key)
    assert store.get("a")
    store.put("e", entry(40))
    assert kept(store, "abcde") == "acde"


def test_entries_requested_only_once_take_a_quarter_and_evict_no_others() -> None:
    store = Store(40 * (OVERHEAD + 50))
    for key in "abc":
        store.put(key, entry(40))
        assert store.get(key)
    for number in range(1_000):
        store.put(str(number), entry(40))
    assert 12 * OVERHEAD < store.size <= 13 * (OVERHEAD + 50)
    assert kept(store, "abc") == "abc"
    assert store.get("999")
    assert store.get("0") is None


def test_new_version_of_a_requested_entry_is_kept_like_it() -> None:
    store = Store(40 * (OVERHEAD + 50))
    store.put("a", entry(40))
    assert store.get("a")
    renewed = entry(45)
    store.put("a", renewed)
    for number in range(1_000):
        store.put(str(number), entry(40))
    assert store.get("a") is renewed
    store.drop("a", renewed)
    assert store.get("a") is None


def test_entry_larger_than_a_quarter_is_stored() -> None:
    store = Store(40 * OVERHEAD)
    store.put("sitemap", entry(30 * OVERHEAD))
    assert store.get("sitemap")
    assert store.size <= 40 * OVERHEAD


def test_keys_and_compressed_bodies_count_towards_the_size() -> None:
    store = Store(100_000)
    for number in range(1_000):
        store.put(f"{number:0900}", entry())
    assert store.size <= 100_000
    page = entry(50_000)
    sizes, bodies = [], []
    for coding in ("br", "gzip", ""):
        answer = page.answer({"HTTP_ACCEPT_ENCODING": coding})
        assert answer
        store.put("a", page)
        sizes.append(page.size)
        bodies.append(answer.body)
    assert sizes == [OVERHEAD + sum(map(len, bodies[:number])) for number in (1, 2, 3)]
    assert brotli.decompress(bodies[0]) == gzip.decompress(bodies[1]) == bodies[2]
    assert len(bodies[2]) == 50_000


def test_memory_of_an_entry_is_counted() -> None:
    # Most pages have the same fields, each time in new objects.
    fields = [(f"Field-{number}", f"value {number}") for number in range(11)]

    def page(number: int) -> Entry:
        answer = Answer(200, [(name[:], "".join(value)) for name, value in fields], f"<p>{number}</p>".encode() * 400)
        made = Entry(answer, Dependency(1_000 + number, 2_000 + number), os.urandom(32), float(number))
        assert made.answer({"HTTP_ACCEPT_ENCODING": "br"})
        return made

    store = Store(10_000_000)
    store.put("first", page(-1))  # and what is made once
    size = store.size
    tracemalloc.start()
    try:
        for number in range(1_000):
            store.put(f"page https://blog.example/articles/birds-{number}?", page(number))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used <= store.size - size


def test_plain_body_of_a_compressed_page_is_not_made_in_the_event_loop() -> None:
    page = entry(50_000)
    assert page.answer({}, may_compress=False)
    page = entry(50_000)
    page.answer({"HTTP_ACCEPT_ENCODING": "br"})
    assert page.answer({}, may_compress=False) is None
    assert page.answer({"HTTP_ACCEPT_ENCODING": "br"}, may_compress=False)


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("address", ["/", "/articles/birds", "/articles/birds/comments?since=0", "/privacy"])
def test_response_is_rendered_once(
    publish_article: Publish,
    app: Flask,
    client: FlaskClient,
    address: str,
    headers: dict[str, str],
    rendered: list[str],
) -> None:
    publish_article(slug="birds")
    answers = [client.get(address, headers=headers) for _ in range(3)]
    assert len(rendered) == 1
    assert len({answer.data for answer in answers}) == 1
    assert len({str(answer.headers) for answer in answers}) == 1


def test_cached_page_costs_one_lookup(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds")
    with recorded(app) as statements:
        assert client.get("/articles/birds").status_code == 200
    # On SQLite the lookup uses a separate connection; on PostgreSQL its result is reused for 0.2 seconds.
    assert len(statements) <= 1


def test_page_and_fragment_have_separate_entries(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    publish_article(slug="birds")
    address = "/articles/birds/comments"
    page, fragment = client.get(address).text, client.get(address, headers=HTMX).text
    assert "<html" in page
    assert "<html" not in fragment
    assert client.get(address).text == page
    assert client.get(address, headers=HTMX).text == fragment
    assert client.get(address, headers={**HTMX, "HX-History-Restore-Request": "true"}).text == page


def test_each_coding_has_its_own_body_and_etag(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    answers = {
        coding: client.get("/articles/birds", headers={"Accept-Encoding": coding}) for coding in ("br", "gzip", "")
    }
    assert brotli.decompress(answers["br"].data) == answers[""].data
    assert len({answer.headers["ETag"] for answer in answers.values()}) == 3
    for coding, answer in answers.items():
        assert answer.headers.get("Content-Encoding", "") == coding
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        conditions = {"Accept-Encoding": coding, "If-None-Match": f'"x", W/{answer.headers["ETag"]}'}
        unchanged = client.get("/articles/birds", headers=conditions)
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        assert unchanged.headers["ETag"] == answer.headers["ETag"]
        assert "Content-Length" not in unchanged.headers


def test_head_is_answered_from_the_same_entry(
    publish_article: Publish, app: Flask, client: FlaskClient, rendered: list[str]
) -> None:
    publish_article(slug="birds")
    head = client.head("/articles/birds")
    page = client.get("/articles/birds")
    assert (head.data, len(rendered)) == (b"", 1)
    assert head.headers == page.headers
    missing = client.head("/articles/none")
    assert (missing.status_code, missing.data) == (404, b"")


def test_range_request_gets_the_whole_page(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds")
    for _ in range(2):
        answer = client.get("/articles/birds", headers={"Range": "bytes=0-9"})
        assert (answer.status_code, len(answer.data)) == (200, int(answer.headers["Content-Length"]))


def test_unknown_arguments_and_cookies_use_the_same_entry(
    publish_article: Publish, app: Flask, rendered: list[str]
) -> None:
    publish_article(slug="birds")
    client = app.test_client(use_cookies=False)
    page = client.get("/articles/birds")
    for number in range(3):
        again = client.get(f"/articles/birds?utm_source={number}&x=%00", headers={"Cookie": f"_ga=1; __cf_bm={number}"})
        assert again.data == page.data
    assert len(rendered) == 1


@pytest.mark.parametrize(
    "address", ["/articles/birds?sort=newest", "/articles/birds?so%00rt=newest", "/articles/birds?x=1&sort=newest"]
)
def test_known_argument_has_a_separate_entry(publish_article: Publish, post: Post, app: Flask, address: str) -> None:
    publish_article(slug="birds")
    for body in ("First", "Second"):
        post("birds", body=body)
    reader = app.test_client()
    page, sorted_page = reader.get("/articles/birds").text, reader.get(address).text
    assert page.index("First") < page.index("Second")
    assert sorted_page.index("Second") < sorted_page.index("First")


def test_pages_with_overlong_arguments_are_not_cached(
    app: Flask, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article(slug="birds")
    client.get("/")
    size = app.extensions["page_cache"].size
    for number in range(3):
        assert client.get(f"/?before={'x' * 60_000}{number}").status_code == 404
        assert client.get(f"/?unknown={'x' * 60_000}{number}").status_code == 200
    assert app.extensions["page_cache"].size == size


def test_pages_with_arguments_do_not_evict_pages_without(
    app: Flask, client: FlaskClient, publish_article: Publish, rendered: list[str]
) -> None:
    publish_article(slug="birds", body="They sing. " * 30_000)
    client.get("/articles/birds")
    for number in range(8):
        client.get(f"/articles/birds?notice=n{number}")
    rendered.clear()
    client.get("/articles/birds")
    assert not rendered
    assert app.extensions["page_cache"].size < 3_000_000


@pytest.mark.settings(SITE_URL="https://blog.example.org")
def test_unknown_host_has_no_separate_entry(app: Flask, client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds")
    client.get("/", headers={"Host": "blog.example.org"})
    size = app.extensions["page_cache"].size
    assert size > 0
    assert "evil.example.org" not in client.get("/", headers={"Host": "evil.example.org"}).text
    assert app.extensions["page_cache"].size == size


@pytest.mark.parametrize(
    "name",
    ["visitor", "__Host-visitor", "__Secure-visitor", "owner", "__Host-owner", "__Secure-owner", "uncounted"],
)
def test_request_with_an_own_cookie_bypasses_the_cache(
    publish_article: Publish, app: Flask, name: str, rendered: list[str]
) -> None:
    publish_article(slug="birds")
    client = app.test_client(use_cookies=False)
    client.get("/articles/birds")
    size = app.extensions["page_cache"].size
    rendered.clear()
    for _ in range(2):
        assert client.get("/articles/birds", headers={"Cookie": f"a=1;{name}=x"}).status_code == 200
    assert len(rendered) == 2
    assert app.extensions["page_cache"].size == size


def test_errors_and_redirects_are_not_cached(app: Flask, client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds")
    for address in (
        "/articles/none",
        "/comments/1",
        "/owner/sign-in",
        "/healthz",
        "/readyz",
        "/articles/birds/comments/",
    ):
        client.get(address)
    assert app.extensions["page_cache"].size == 0


@pytest.mark.own_app
def test_requests_for_the_same_page_wait_for_one_rendering(
    app: Flask, publish_article: Publish, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_store, "LONGEST_WAIT", 60.0)  # the machine may be busy
    publish_article(slug="birds")
    renders = []
    started, go_on = threading.Event(), threading.Event()

    @app.before_request
    def render_slowly() -> None:
        renders.append(1)
        started.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(lambda: app.test_client().get("/articles/birds").data)
        assert started.wait(60)
        others = [pool.submit(lambda: app.test_client().get("/articles/birds").data) for _ in range(5)]
        go_on.set()
        assert {future.result() for future in [first, *others]} == {client.get("/articles/birds").data}
    assert len(renders) == 1


@pytest.mark.own_app
def test_one_page_does_not_wait_for_another(app: Flask, publish_article: Publish) -> None:
    publish_article(slug="birds")
    started, go_on = threading.Event(), threading.Event()

    @app.before_request
    def render_slowly() -> None:
        if request.path == "/":
            started.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: app.test_client().get("/").status_code)
        assert started.wait(60)
        assert app.test_client().get("/articles/birds").status_code == 200
        go_on.set()
        assert slow.result() == 200


def test_every_argument_that_changes_a_page_is_known() -> None:
    # The pages of owners, of the first setup and of the search are never stored.
    of_owners = {"owner_routes.py", "moderation.py"}
    sources = (path.read_text() for path in Path("blogapp").rglob("*.py") if path.name not in of_owners)
    read = {name for source in sources for name in re.findall(r"request\.args(?:\.get\(|\[)\"(\w+)\"", source)}
    assert read == {*ARGUMENTS, "setup_code", "q", "in", "page"}


def test_comment_invalidates_only_its_article_and_the_front_page(
    publish_article: Publish, post: Post, app: Flask, client: FlaskClient, rendered: list[str]
) -> None:
    for slug in ("birds", "bees"):
        publish_article(slug=slug)
    reader = app.test_client()
    addresses = ["/articles/birds", "/articles/bees", "/"]
    for address in addresses:
        reader.get(address)
    post("birds", body="They also dance")
    rendered.clear()
    assert [("1 comment" in reader.get(address).text) for address in addresses] == [True, False, True]
    assert rendered == ["/articles/birds?", "/?"]


@pytest.mark.own_app
def test_page_rendered_during_a_change_is_not_served_afterwards(
    publish_article: Publish, app: Flask, client: FlaskClient, rendered: list[str]
) -> None:
    article = publish_article(slug="birds")

    @app.after_request
    def change(response: TestResponse) -> TestResponse:  # after the page was rendered, before it is cached
        if len(rendered) == 1:
            with write_transaction(article.id):
                pass
        return response

    client.get("/articles/birds")
    client.get("/articles/birds")
    assert len(rendered) == 2
    client.get("/articles/birds")
    assert len(rendered) == 2


def test_article_with_the_id_of_a_removed_one_does_not_get_its_cached_page(
    publish_article: Publish, app: Flask, client: FlaskClient
) -> None:
    old = publish_article(slug="birds", body="The old text")
    client.get("/articles/birds")
    with app.app_context(), write_transaction() as session:
        session.delete(session.get_one(Article, old.id))
    new = publish_article(slug="birds", body="The new text")
    assert new.id >= old.id  # SQLite reuses the id
    assert "The new text" in client.get("/articles/birds").text


def test_write_that_changes_nothing_for_readers_keeps_cached_pages(
    publish_article: Publish, app: Flask, client: FlaskClient, rendered: list[str]
) -> None:
    publish_article(slug="birds")
    client.get("/articles/birds")
    with app.app_context(), write_transaction(Changes.NOTHING):
        pass
    rendered.clear()
    client.get("/articles/birds")
    assert not rendered


@pytest.mark.parametrize("query", ["sort=\xe9\xff", "sort=\xe2\x82\xac", "so\xffrt=newest&x"])
def test_query_string_that_is_not_ascii_causes_no_error(client: FlaskClient, app: Flask, query: str) -> None:
    """A WSGI server passes the bytes of the query string as latin-1."""
    assert client.get("/", environ_overrides={"QUERY_STRING": query}).status_code == 200
