"""The author of an article: their name from a file, from an account, or that of the only account; and their page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import NONE, PAGE, Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.models import Owner
from tests.pages.test_cards import data_of

PUBLISHED = datetime(2026, 1, 2, tzinfo=UTC)

Import = Callable[..., str]


@pytest.fixture
def import_file(runner: FlaskCliRunner, tmp_path: Path) -> Import:
    """Return a function that imports "birds.md" with a front matter; it returns what the command prints."""

    def run(front: str = "") -> str:
        file = tmp_path / "birds.md"
        file.write_text(f"---\ntitle: Birds\ndate: 2026-01-02\nlang: en\n{front}---\nThey sing.\n")
        answer = runner.invoke(args=["articles", "import", str(file)])
        assert answer.exit_code == 0, answer.output
        return answer.output

    return run


def add_owner(app: Flask, name: str) -> None:
    with app.app_context(), write_transaction() as session:
        save_owner(session, name, "no hash")


def add_page(app: Flask, slug: str, lang: str, **fields: Any) -> None:
    with app.app_context(), write_transaction() as session:
        manuscript = Manuscript(slug, lang, slug, "", [], False, PUBLISHED, "Text.", kind=PAGE, comments=NONE, **fields)
        publish(session, manuscript, PUBLISHED)


def byline(client: FlaskClient, address: str = "/articles/birds") -> str:
    """What follows the date of an article."""
    found = re.search(r'<p class="meta">\s*<time[^>]*>[^<]*</time>\s*(<(a|bdi|span).*?</\2>)', client.get(address).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("front", "name"),
    [
        ("author: Ada  Lovelace\n", "Ada Lovelace"),
        ("authors: [Ada, Grace Hopper]\n", "Ada, Grace Hopper"),
        ("author:\n  name: Ada\n  link: https://example.org\n", "Ada"),
        ("authors:\n- name: Ada\n- Grace\n", "Ada, Grace"),
    ],
)
def test_author_in_a_file_is_shown(import_file: Import, client: FlaskClient, front: str, name: str) -> None:
    assert "ignored" not in import_file(front)
    page = client.get("/articles/birds").text
    assert byline(client) == f"<bdi>{name}</bdi>"
    assert f'<meta name="author" content="{name}">' in page
    assert data_of(page)["author"] == {"@type": "Person", "name": name}
    assert feedparser.parse(client.get("/feed.xml").data).entries[0].author == name
    assert json.loads(client.get("/feed.json").data)["items"][0]["authors"] == [{"name": name}]


def test_author_in_a_file_must_be_a_name(runner: FlaskCliRunner, import_file: Import, tmp_path: Path) -> None:
    assert "line 5: `author` is left out: it must be a name" in import_file("author:\n  mail: x\n")
    file = tmp_path / "long.md"
    file.write_text(f"---\ntitle: Long\nauthor: {'a' * 201}\n---\nText.\n")
    answer = runner.invoke(args=["articles", "import", str(file)])
    assert answer.exit_code == 1
    assert "long.md:3: the author's name has 201 characters; 200 is the most." in answer.output


def test_author_of_a_file_changes_with_it_and_keeps_what_a_file_does_not_say(
    app: Flask, import_file: Import, session: Session
) -> None:
    def stored() -> tuple[str | None, str | None]:
        owner = select(Owner.name).join(Article, Article.owner_id == Owner.id)
        return session.scalar(select(Article.author_name)), session.scalar(owner)

    import_file("author: Ada\n")
    assert stored() == ("Ada", None)
    assert "updated /articles/birds: author\n" in import_file()
    assert stored() == ("", None)
    # An author with an account is the account, whose name can change.
    add_owner(app, "Ada")
    assert "updated /articles/birds: author\n" in import_file("author: ada\n")
    assert stored() == ("", "Ada")
    assert "unchanged" in import_file("author: Ada\n")
    assert "unchanged" in import_file()
    assert stored() == ("", "Ada")


def test_article_without_author_is_by_the_only_owner(app: Flask, import_file: Import, client: FlaskClient) -> None:
    import_file()
    assert byline(client) == "<span>1 min read</span>"
    assert "author" not in feedparser.parse(client.get("/feed.xml").data).entries[0]
    add_owner(app, "Ada & Co")
    assert byline(app.test_client()) == "<bdi>Ada &amp; Co</bdi>"
    assert feedparser.parse(client.get("/feed.xml").data).entries[0].author == "Ada & Co"
    card = client.get("/articles/birds/card.png").data
    # Of two, nobody knows.
    add_owner(app, "Grace")
    assert byline(app.test_client()) == "<span>1 min read</span>"
    assert "author" not in feedparser.parse(app.test_client().get("/feed.xml").data).entries[0]
    assert app.test_client().get("/articles/birds/card.png").data != card


def test_author_leads_to_the_page_about_them_in_the_language_of_the_article(
    app: Flask, import_file: Import, client: FlaskClient
) -> None:
    import_file()
    add_owner(app, "Ada")
    add_page(app, "about", "en")
    assert byline(client) == '<a rel="author" href="/about"><bdi>Ada</bdi></a>'
    assert data_of(client.get("/articles/birds").text)["author"]["url"] == "http://localhost/about"
    with app.app_context(), write_transaction() as session:
        manuscript = Manuscript("oiseaux", "fr", "Oiseaux", "", [], False, PUBLISHED, "Ah.")
        publish(session, manuscript, PUBLISHED)
    assert byline(client, "/articles/oiseaux") == '<a rel="author" href="/about"><bdi>Ada</bdi></a>'
    add_page(app, "qui", "fr", translation_of="about")
    assert byline(client, "/articles/oiseaux") == '<a rel="author" href="/qui"><bdi>Ada</bdi></a>'
    assert byline(client) == '<a rel="author" href="/about"><bdi>Ada</bdi></a>'


def test_author_leads_to_a_propos(app: Flask, import_file: Import, client: FlaskClient) -> None:
    import_file()
    add_owner(app, "Ada")
    add_page(app, "a-propos", "fr")
    assert byline(client) == '<a rel="author" href="/a-propos"><bdi>Ada</bdi></a>'


def test_author_leads_to_no_article_and_no_draft(
    app: Flask, import_file: Import, client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    import_file()
    add_owner(app, "Ada")
    publish_article(slug="about", lang="en")
    assert byline(client) == "<bdi>Ada</bdi>"
    with app.app_context(), write_transaction() as session:
        manuscript = Manuscript("a-propos", "fr", "Moi", "", [], True, PUBLISHED, "Ah.", kind=PAGE)
        publish(session, manuscript, PUBLISHED)
    assert byline(client) == "<bdi>Ada</bdi>"


def test_guest_author_does_not_lead_to_the_page_about_the_owner(
    app: Flask, import_file: Import, client: FlaskClient
) -> None:
    import_file("author: Guest\n")
    add_owner(app, "Ada")
    add_page(app, "about", "en")
    assert byline(client) == "<bdi>Guest</bdi>"
    assert data_of(client.get("/articles/birds").text)["author"] == {"@type": "Person", "name": "Guest"}
