"""Feeds and sitemaps read a range of an index, however large the blog is, with a fixed number of queries."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.test_query_plans import Statement, plan, recorded, scans

ARTICLES = 1_000
COMMENTS = 10_000
FEEDS = (
    "/feed.xml",
    "/feed.xml?lang=he",
    "/feed.json",
    "/tags/t7/feed.xml",
    "/comments.xml",
    "/articles/a7/comments.xml",
    "/sitemap-1.xml",
    "/sitemap-2.xml",
)
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {most}) ",
    "postgresql": "WITH numbers(n) AS (SELECT generate_series(1, {most})) ",
}
INSERT_ARTICLES = """
    INSERT INTO articles (id, slug, lang, title, summary, excerpt, tags, status, published_at, body_source, body_html,
        renderer_version, edited_at, edit_version)
    {numbers} SELECT n, 'a' || n, 'en', 'Title', '', '', '[]', 'published', '2026-01-02 00:00:00', 'Text',
        '<p>Text</p>', 1, '2026-01-02 00:00:00', 1 FROM numbers"""
INSERT_TAGS = """
    INSERT INTO article_tags (article_id, slug, name, published_at)
    {numbers} SELECT n, 't' || (n % 10), 'Tag', '2026-01-02 00:00:00' FROM numbers"""
INSERT_COMMENTS = """
    INSERT INTO comments (id, article_id, number, depth, path, status, shown, published_in, changed_in, author_name,
        author_url, body_source, body_html, renderer_version, body_digest, created_at)
    {numbers} SELECT n, 1 + n % {articles}, n, 0, '', 'published', {true}, 0, 0, 'Ada', '', 'Text', '<p>Text</p>', 1,
        {digest}, '2026-01-02 00:00:00' FROM numbers"""


@pytest.fixture
def large(app: Flask) -> Flask:
    """The application with many articles and comments, without planner statistics on SQLite."""
    with app.app_context():
        with write_transaction() as session:
            dialect = session.get_bind().dialect.name
            numbers = NUMBERS[dialect]
            digest = "x''" if dialect == "sqlite" else "''::bytea"
            session.execute(text(INSERT_ARTICLES.format(numbers=numbers.format(most=ARTICLES))))
            session.execute(text(INSERT_TAGS.format(numbers=numbers.format(most=ARTICLES))))
            values = {"articles": ARTICLES, "true": "true", "digest": digest}
            session.execute(text(INSERT_COMMENTS.format(numbers=numbers.format(most=COMMENTS), **values)))
        if dialect == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE articles, comments")
    return app


def test_no_feed_scans_a_big_table(large: Flask) -> None:
    client = large.test_client()
    found, numbers = {}, {}
    for address in FEEDS:
        with recorded(large) as statements:
            assert client.get(address).status_code == 200
        numbers[address] = len(statements)
        if lines := scans(large, statements) + sorts(large, statements):
            found[address] = lines
    assert found == {}
    assert max(numbers.values()) <= 5, numbers


def sorts(app: Flask, statements: list[Statement]) -> list[str]:
    """The statements whose result SQLite has to sort, because it does not read it in the order of an index."""
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        return [
            statement
            for statement, values in statements
            if "USE TEMP B-TREE FOR ORDER BY" in plan(engine, connection, statement, values)
        ]
