"""The schema of Atom, and functions that change what feeds show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction

ATOM = "{http://www.w3.org/2005/Atom}"
HOUSE = "https://blog.example.org"

Publish = Callable[..., Article]
Change = Callable[..., None]


@pytest.fixture(scope="session")
def schema() -> Any:
    return etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))


@pytest.fixture
def change_article(app: Flask) -> Change:
    """Return a function that sets columns of an article: `change_article(1, status="unlisted")`."""

    def change(article_id: int, **columns: Any) -> None:
        with app.app_context(), write_transaction() as session:
            article = session.get_one(Article, article_id)
            for name, value in columns.items():
                setattr(article, name, value)

    return change


def parse(client: FlaskClient, address: str) -> Any:
    """The feed at an address as feedparser reads it."""
    answer = client.get(address)
    assert answer.status_code == 200
    feed = feedparser.parse(answer.data, sanitize_html=False, resolve_relative_uris=False)
    assert not feed.bozo, feed.bozo_exception
    return feed


def titles(client: FlaskClient, address: str = "/feed.xml") -> list[str]:
    return [entry.title for entry in parse(client, address).entries]
