"""Fixtures for the tests of the search."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

Search = Callable[..., list[str]]


@pytest.fixture
def search(client: FlaskClient) -> Search:
    """Return a function that searches and returns the titles of the results, in order: `search("birds")`,
    `search("birds", comments=True)`. Titles of comments are `Ada on “Birds”`."""

    def send(typed: str, comments: bool = False) -> list[str]:
        answer = client.get("/search", query_string={"q": typed, **({"in": "comments"} if comments else {})})
        assert answer.status_code == 200
        return titles_in(answer.text)

    return send


def titles_in(page: str) -> list[str]:
    headings = re.findall(r'<h2 class="result-title"><a [^>]*>(.*?)</a></h2>', page, re.DOTALL)
    return [html.unescape(re.sub("<[^>]*>", "", each)) for each in headings]
