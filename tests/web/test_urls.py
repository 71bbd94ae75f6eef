"""URLs that are built once and remembered."""

from __future__ import annotations

from flask import Flask, url_for

from blogapp import KEPT_URLS, LONGEST_KEPT_URL, SynchronousFlask


def test_remembered_url_is_that_of_the_site_and_of_the_values(app: Flask) -> None:
    for _ in range(2):
        for root in ("http://example.org", "https://example.org/blog", "http://other.example/blog"):
            path = "/blog" if root.endswith("/blog") else ""
            with app.test_request_context("/", base_url=root):
                show = url_for("articles.show", slug="a b", sort="newest", _anchor="comments")
                assert show == f"{path}/articles/a%20b?sort=newest#comments"
                assert url_for("articles.show", slug="a b") == f"{path}/articles/a%20b"
                assert url_for("articles.show", slug="a b", _external=True) == f"{root}/articles/a%20b"
                secure = url_for("articles.show", slug="a b", _scheme="https")
                assert secure == f"https://{root.partition('://')[2]}/articles/a%20b"


def test_relative_endpoint_belongs_to_the_blueprint_of_the_request(app: Flask) -> None:
    for path, expected in (("/tags", "/tags"), ("/articles/a", "/"), ("/tags", "/tags")):
        with app.test_request_context(path):
            assert url_for(".index") == expected


def test_values_that_are_equal_or_lists_have_urls_of_their_own(app: Flask) -> None:
    with app.test_request_context("/"):
        assert [url_for("articles.index", before=value) for value in (1, True, "1")] == [
            "/?before=1",
            "/?before=True",
            "/?before=1",
        ]
        assert url_for("articles.index", before=["1", "2"]) == "/?before=1&before=2"


def test_remembered_urls_are_few_and_short(app: Flask) -> None:
    assert isinstance(app, SynchronousFlask)
    with app.test_request_context("/"):
        for number in range(2 * KEPT_URLS):
            assert url_for("articles.show", slug=f"a{number}") == f"/articles/a{number}"
        long = "x" * LONGEST_KEPT_URL
        assert url_for("articles.show", slug=long) == f"/articles/{long}"
    assert 0 < len(app._kept_urls) <= KEPT_URLS
    assert max(len(url) for url in app._kept_urls.values()) <= LONGEST_KEPT_URL
