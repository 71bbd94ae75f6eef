"""The previous, the next and the related articles on an article's page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from blogapp.articles.neighbours import ArticleWord
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import NOW, Form, cached_pages
from tests.articles.test_tags import analyze, bad_plans, fill
from tests.comments.test_query_plans import recorded
from tests.comments.test_threads import counted

SetClock = Callable[[datetime], None]
Write = Callable[..., None]


@pytest.fixture
def write(app: Flask) -> Write:
    """Return a function that publishes an article: `write("birds", 2, "nature", title="Birds")`, 2 days after NOW."""

    def make(slug: str, days: int, *tags: str, title: str = "", lang: str = "en", unlisted: bool = False) -> None:
        when = NOW + timedelta(days=days)
        text = Manuscript(slug, lang, title or slug, "", list(tags), False, when, "", unlisted=unlisted)
        with app.app_context(), write_transaction() as session:
            publish(session, text, NOW)

    return make


def links(client: FlaskClient, slug: str) -> dict[str, list[str]]:
    """The slugs of the articles that an article's page links to, by their label."""
    nav = re.search(r'<nav class="neighbours".*?</nav>', client.get(f"/articles/{slug}").text, re.DOTALL)
    found: dict[str, list[str]] = {}
    label = ""
    for span, address in re.findall(r'<span>([^<]*)</span><a href="/articles/([^"]+)"', nav[0] if nav else ""):
        label = span or label
        found.setdefault(label, []).append(address)
    return found


def test_article_links_to_its_neighbours_by_date(client: FlaskClient, write: Write, at: SetClock) -> None:
    at(NOW)
    for slug, days in (("c", -1), ("a", -3), ("b", -2)):
        write(slug, days)
    write("hidden", -2, unlisted=True)
    write("scheduled", 1)
    assert links(client, "b") == {"Next": ["c"], "Previous": ["a"]}
    assert links(client, "a") == {"Next": ["b"]}
    assert links(client, "c") == {"Previous": ["b"]}
    assert links(client, "hidden") == {}


def test_titles_of_neighbours_have_the_typography_of_their_language(
    client: FlaskClient, write: Write, at: SetClock
) -> None:
    at(NOW)
    write("a", -3)
    write("ete", -2, title='L\'été : "bonjour" !', lang="fr")
    page = client.get("/articles/a").text
    assert "L’été\u00a0: «\u00a0bonjour\u00a0»\u202f!</a>" in page


def test_related_articles_share_tags_before_words(client: FlaskClient, write: Write, at: SetClock) -> None:
    at(NOW)
    write("river", -90, title="Kingfishers above the river")
    write("one", -80, "nature")
    write("both", -70, "nature", "song")
    write("other", -60, title="Something else entirely")
    write("francais", -50, "nature", "song", lang="fr")
    write("before", -41)
    write("birds", -40, "nature", "song", title="Kingfishers beside a river")
    write("after", -39)
    assert links(client, "birds")["Related"] == ["both", "one", "river"]


def test_one_word_in_common_is_not_related(client: FlaskClient, write: Write, at: SetClock) -> None:
    at(NOW)
    write("river", -9, title="Rivers and lakes")
    write("before", -3)
    write("birds", -2, title="Rivers with birds")
    assert "Related" not in links(client, "birds")


def test_publishing_in_the_editor_changes_the_cached_pages_of_the_neighbours(
    app: Flask, writer: FlaskClient, write: Write
) -> None:
    write("old", -9)
    reader = app.test_client()
    assert links(reader, "old") == {}
    form = Form(writer)
    form.send("publish", title="New", body="Text")
    assert links(reader, "old") == {"Next": ["new"]}
    form.send("publish", title="New", body="Text", slug="newer")
    assert links(reader, "old") == {"Next": ["newer"]}
    form.send("unpublish", title="New", body="Text")
    assert links(reader, "old") == {}


def test_page_expires_when_the_next_article_appears(app: Flask, write: Write, at: SetClock) -> None:
    at(NOW)
    write("birds", -1)
    write("scheduled", 1)
    for address in ("/articles/birds", "/articles/birds/comments"):
        assert app.test_client().get(address).status_code == 200
    assert [entry.dependency.max_age for entry in cached_pages(app)] == [86_400.0, 86_400.0]
    at(NOW + timedelta(days=1))
    assert links(app.test_client(), "birds?at=0") == {"Next": ["scheduled"]}


@pytest.mark.own_app
def test_migration_adds_the_words_of_published_articles(app: Flask, write: Write) -> None:
    write("birds", -1, title="Kingfishers above the river")
    with app.app_context():
        before = db.session.execute(select(ArticleWord.__table__).order_by(ArticleWord.word)).all()
        db.session.remove()
        alembic.downgrade("0017")
        alembic.upgrade()
        assert db.session.execute(select(ArticleWord.__table__).order_by(ArticleWord.word)).all() == before
    assert [row.word for row in before] == ["above", "kingfishers", "river"]


INSERT_WORDS = (
    "INSERT INTO article_words (article_id, word, published_at) SELECT id, {word}, published_at FROM articles"
)


@pytest.mark.parametrize("analyzed", [False, True])
def test_neighbours_among_10000_articles_take_two_queries_of_index_ranges(app: Flask, analyzed: bool) -> None:
    fill(app, 10_000)
    with app.app_context(), write_transaction() as session:
        for word in ("'article'", "'word' || (id % 500)"):
            session.execute(text(INSERT_WORDS.format(word=word)))
    if analyzed:
        analyze(app)
    with recorded(app) as statements, counted(app) as counts:
        assert 'class="neighbours"' in app.test_client().get("/articles/article-5000").text
    assert len(counts) == 9
    nearest, related = (each for each in statements if "UNION ALL" in each[0])
    assert not bad_plans(app, [nearest])
    # What is sorted and grouped are at most NEWEST articles for each tag and word.
    assert not [line for line in bad_plans(app, [related]) if "TEMP B-TREE" not in line]
