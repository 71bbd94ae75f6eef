"""Tags: which articles they list, whatever has changed the articles, and the pages /tags and /tags/<slug>."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from blogapp.articles.publishing import Manuscript, publish
from blogapp.articles.tags import TAGS_PER_PAGE, ArticleTag
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import NOW, Form, cached_pages
from tests.comments.test_query_plans import plan, recorded
from tests.comments.test_threads import counted
from tests.feeds.test_query_plans import NUMBERS

SetClock = Callable[[datetime], None]
Publish = Callable[..., int]


@pytest.fixture
def publish_tagged(app: Flask) -> Publish:
    """Return a function that publishes an article with tags: `publish_tagged("birds", "nature", "song")`."""

    def make(slug: str, *tags: str, published_at: datetime = NOW, draft: bool = False, unlisted: bool = False) -> int:
        manuscript = Manuscript(
            slug, "en", slug.title(), "", list(tags), draft, published_at, "Text.", unlisted=unlisted
        )
        with app.app_context(), write_transaction() as session:
            return publish(session, manuscript, NOW).article.id

    return make


def tags_on(client: FlaskClient, address: str = "/tags") -> list[tuple[str, str, int]]:
    """The slug, the name and the number of articles of each tag on a page of tags."""
    page = client.get(address).text
    found = re.findall(r'href="/tags/([^"]+)"><bdi>([^<]+)</bdi></a>\s*<span class="tag-count">([\d,]+) article', page)
    return [(slug, name, int(number.replace(",", ""))) for slug, name, number in found]


def titles_under(client: FlaskClient, slug: str) -> list[str]:
    answer = client.get(f"/tags/{slug}")
    return re.findall(r'href="/articles/[^"]+">([^<]+)<', answer.text) if answer.status_code == 200 else []


def test_tags_page_lists_tags_with_their_numbers_of_articles(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("birds", "Nature", "Été")
    publish_tagged("bees", "Nature", "C++")
    publish_tagged("code", "C#")
    assert tags_on(client) == [
        ("c-plus-plus", "C++", 1), ("c-sharp", "C#", 1), ("ete", "Été", 1), ("nature", "Nature", 2),
    ]  # fmt: skip


def test_tag_page_lists_its_articles_newest_first(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("old", "nature", published_at=NOW - timedelta(days=2))
    publish_tagged("new", "nature", published_at=NOW - timedelta(days=1))
    publish_tagged("other", "code")
    page = client.get("/tags/nature").text
    assert titles_under(client, "nature") == ["New", "Old"]
    assert "<h1><bdi>nature</bdi></h1>" in page
    assert "2 articles" in page


def test_each_page_of_a_tag_has_its_own_canonical_address(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("birds", "nature")
    for address, canonical in {"": "", "?utm_source=x": "", "?before=7": "?before=7"}.items():
        page = client.get(f"/tags/nature{address}").text
        assert f'<link rel="canonical" href="http://localhost/tags/nature{canonical}">' in page


def test_article_page_links_to_its_tags(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("birds", "Été à Paris", "C++", "日本語")
    links = re.findall(r'<li><a href="(/tags/[^"]+)"><bdi>([^<]+)</bdi></a></li>', client.get("/articles/birds").text)
    assert [name for _, name in links] == ["Été à Paris", "C++", "日本語"]
    for address, name in links:
        assert f"<bdi>{name}</bdi>" in client.get(address).text


def test_drafts_unlisted_and_future_articles_are_under_no_tag(
    client: FlaskClient, publish_tagged: Publish, at: SetClock
) -> None:
    at(NOW)
    publish_tagged("draft", "nature", draft=True)
    publish_tagged("unlisted", "nature", unlisted=True)
    publish_tagged("scheduled", "nature", published_at=NOW + timedelta(hours=1))
    assert client.get("/tags/nature").status_code == 404
    assert tags_on(client) == []
    # Its tags lead nowhere, so they are no links.
    assert "<li><bdi>nature</bdi></li>" in client.get("/articles/unlisted").text


def test_scheduled_article_appears_under_its_tag_when_its_time_comes(
    client: FlaskClient, publish_tagged: Publish, at: SetClock
) -> None:
    at(NOW)
    publish_tagged("birds", "nature")
    publish_tagged("later", "nature", published_at=NOW + timedelta(hours=1))
    assert titles_under(client, "nature") == ["Birds"]
    at(NOW + timedelta(hours=1))
    assert [entry.dependency.max_age for entry in cached_pages(client.application)] == [3600]
    publish_tagged("draft", draft=True)  # any change: the cache measures its time with another clock
    assert titles_under(client, "nature") == ["Later", "Birds"]


def test_changes_in_the_editor_change_the_tags(app: Flask, writer: FlaskClient, session: Session) -> None:
    reader = app.test_client()
    form = Form(writer)
    form.send("save", title="Birds", body="They sing.", tags="nature")
    assert tags_on(reader) == []
    form.send("publish", title="Birds", body="They sing.", tags="nature, song")
    assert [slug for slug, _, _ in tags_on(reader)] == ["nature", "song"]
    form.send("save", title="Birds", body="They sing.", tags="working copy")
    assert [slug for slug, _, _ in tags_on(reader)] == ["nature", "song"]
    form.send("publish", title="Birds", body="They sing.", tags="song, birds")
    assert [slug for slug, _, _ in tags_on(reader)] == ["birds", "song"]
    for hide, show in (("unpublish", "publish"), ("delete", "publish")):
        form.send(hide, title="Birds", body="They sing.", tags="song")
        assert tags_on(reader) == [], hide
        form.send(show, title="Birds", body="They sing.", tags="song")
        assert tags_on(reader) == [("song", "song", 1)]
    form.send("delete", title="Birds", body="They sing.", tags="song")
    writer.post(f"/owner/articles/{form.article_id}/restoration")
    assert tags_on(reader) == [("song", "song", 1)]


def test_imports_and_removal_change_the_tags(client: FlaskClient, runner: FlaskCliRunner, tmp_path: Path) -> None:
    file = tmp_path / "birds.md"
    for tags, expected in (("[a, b]", ["a", "b"]), ("[b, ' B ', c]", ["b", "c"]), ("[]", [])):
        file.write_text(f"---\ntitle: Birds\nslug: birds\ndate: 2026-01-01\ntags: {tags}\n---\nThey sing.\n")
        assert runner.invoke(args=["articles", "import", str(file)]).exit_code == 0
        assert [slug for slug, _, _ in tags_on(client)] == expected
    file.write_text("---\ntitle: Birds\nslug: birds\ndate: 2026-01-01\ntags: [a]\n---\nThey sing.\n")
    assert runner.invoke(args=["articles", "import", str(file)]).exit_code == 0
    assert runner.invoke(args=["articles", "remove", "birds", "--yes"]).exit_code == 0
    assert tags_on(client) == []


def test_new_date_moves_an_article_under_its_tag(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("a", "nature", published_at=NOW - timedelta(days=2))
    publish_tagged("b", "nature", published_at=NOW - timedelta(days=1))
    publish_tagged("a", "nature", published_at=NOW)
    assert titles_under(client, "nature") == ["A", "B"]


def test_spellings_of_a_tag_are_one_tag_with_the_last_name(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("a", "python", "PYTHON")
    publish_tagged("b", "Python")
    assert tags_on(client) == [("python", "Python", 2)]


def test_pages_of_a_tag_have_every_article_once(client: FlaskClient, app: Flask) -> None:
    fill(app, 100)
    found: list[str] = []
    address = "/tags/all"
    while address:
        page = client.get(address).text
        found += re.findall(r'href="/articles/(article-\d+)"', page)
        link = re.search(r'rel="next" href="([^"]+)"', page)
        address = link[1] if link else ""
    assert found == [f"article-{number}" for number in range(100)]


def test_pages_of_tags_have_every_tag_once(client: FlaskClient, publish_tagged: Publish) -> None:
    publish_tagged("birds", *(f"tag {number}" for number in range(TAGS_PER_PAGE + 3)))
    first = tags_on(client)
    link = re.search(r'rel="next" href="([^"]+)"', client.get("/tags").text)
    assert link is not None
    assert len(first) == TAGS_PER_PAGE
    assert len({*first, *tags_on(client, link[1])}) == TAGS_PER_PAGE + 3


def test_tag_without_articles_is_not_found(client: FlaskClient) -> None:
    for slug in ("nature", "%F0%9F%90%A6", "x" * 300):
        assert client.get(f"/tags/{slug}").status_code == 404
    assert "No tags yet." in client.get("/tags").text


@pytest.mark.own_app
def test_migration_adds_the_tags_of_published_articles(app: Flask, publish_tagged: Publish) -> None:
    publish_tagged("birds", "Nature", "C++")
    publish_tagged("draft", "nature", draft=True)
    before = stored_tags(app)
    with app.app_context():
        alembic.downgrade("0017")
        alembic.upgrade()
    assert stored_tags(app) == before
    assert len(before) == 2


def stored_tags(app: Flask) -> list[Any]:
    with app.app_context(), db.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(select(ArticleTag.__table__)))


def test_number_of_queries_of_tag_pages_does_not_depend_on_the_number_of_articles(
    app: Flask, publish_tagged: Publish
) -> None:
    costs = []
    for number in range(3):
        publish_tagged(f"a{number}", "nature", f"tag {number}")
        app.test_client().get("/privacy")  # reads the settings and the menu, which are cached
        for address in ("/tags", "/tags/nature"):
            with counted(app) as statements:
                assert app.test_client().get(address).status_code == 200
            costs.append((address, len(statements)))
    assert sorted(set(costs)) == [("/tags", 2), ("/tags/nature", 5)]


# The database makes up the rows, which takes a tenth of the time of sending them.
INSERT_ARTICLES = """
    INSERT INTO articles (slug, lang, title, summary, excerpt, tags, status, published_at, edited_at, body_source,
        body_html, renderer_version)
    {numbers} SELECT 'article-' || (n + :before), CASE (n + :before) % 3 WHEN 0 THEN 'fr' ELSE 'en' END,
        'Article ' || (n + :before), '', '', {tags}, 'published', {published_at}, '{now}', :body, '', 1 FROM numbers"""
TAGS = "'[\"all\", \"' || {parity} || '\", \"tag ' || ((n + :before) % 1000) || '\"]'"
PARITY = "CASE ({number}) % 2 WHEN 0 THEN 'even' ELSE 'odd' END"
PUBLISHED_AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '{now}', '-' || (n + :before) || ' minutes')",
    "postgresql": "CAST('{now}+00' AS timestamptz) - (n + :before) * interval '1 minute'",
}
NUMBER = "CAST(substr(slug, 9) AS integer)"
INSERT_TAGS = """
    INSERT INTO article_tags (article_id, slug, name, published_at)
    SELECT id, replace({name}, ' ', '-'), {name}, published_at FROM articles WHERE {number} > :before"""


def fill(app: Flask, count: int, start: int = 0) -> None:
    """Publish articles up to number `count` with the tags `all`, `even` or `odd`, and one of a thousand others."""
    now = f"{NOW:%Y-%m-%d %H:%M:%S.%f}"
    with app.app_context(), write_transaction() as session:
        dialect = session.get_bind().dialect.name
        tags = TAGS.format(parity=PARITY.format(number="n + :before"))
        articles = INSERT_ARTICLES.format(
            numbers=NUMBERS[dialect].format(most=count - start),
            tags=tags if dialect == "sqlite" else f"CAST({tags} AS json)",
            published_at=PUBLISHED_AT[dialect].format(now=now),
            now=now if dialect == "sqlite" else f"{now}+00",
        )
        session.execute(text(articles), {"before": start - 1, "body": "x" * 2_000})
        for name in ("'all'", PARITY.format(number=NUMBER), f"'tag ' || ({NUMBER} % 1000)"):
            session.execute(text(INSERT_TAGS.format(name=name, number=NUMBER)), {"before": start - 1})


@pytest.mark.parametrize("analyzed", [False, True])
def test_tag_pages_of_10000_articles_read_ranges_of_indexes(app: Flask, analyzed: bool) -> None:
    fill(app, 10_000)
    if analyzed:
        analyze(app)
    client = app.test_client()
    with recorded(app) as statements:
        for address in ("/tags", "/tags?after=tag-5", "/tags/all", "/tags/all?before=5000", "/tags/tag-7?before=5000"):
            assert client.get(address).status_code == 200
    assert not bad_plans(app, statements)


def analyze(app: Flask) -> None:
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def bad_plans(app: Flask, statements: list[Any]) -> list[str]:
    """The lines of query plans that read a whole table, or sort more rows than a page has. PostgreSQL may rather sort
    a few rows than read them in the order of an index."""
    big = "articles|article_tags"
    with app.app_context():
        engine = db.engine
    found: list[str] = []
    with engine.connect() as connection:
        for statement, values in statements:
            for line in plan(engine, connection, statement, values):
                is_scan = re.search(rf"^SCAN ({big})\b|Seq Scan on ({big})\b|TEMP B-TREE", line)
                is_sort = re.search(r"^ *(-> *)?Sort .* rows=\d{4,}", line)
                if is_scan or is_sort:
                    found.append(f"{line} <- {statement}")
    return found
