"""The owner's pages read ranges of indexes, however large the blog is, on SQLite without statistics too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from blogapp import clock
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.test_query_plans import Statement, plan, recorded
from tests.feeds.test_query_plans import INSERT_ARTICLES, INSERT_COMMENTS, NUMBERS
from tests.owners.conftest import sign_in

ARTICLES, COMMENTS, DAYS = 300, 3_000, 400
# One row an article is read for totals (`view_counts`, `conversations`, the states of articles), and one row a picture
# for the size of the library; none of these has texts or files.
BIG = (
    "comments|comment_revisions|comment_decisions|article_revisions|article_pictures|picture_files|"
    "daily_views|daily_referrals|daily_refusals"
)
FILL = (
    "UPDATE comments SET status = CASE id % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'spam' WHEN 2 THEN 'removed' "
    "ELSE 'published' END, network_mark = body_digest, link_hosts = ' a.example '",
    "INSERT INTO comment_decisions (comment_id, act, actor, revision, status_before, decided_at) "
    "SELECT id, 'spam', 'command', 0, 'pending', created_at FROM comments",
    "INSERT INTO comment_revisions (comment_id, revision, body_source, replaced_at) "
    "SELECT id, 0, 'Before', created_at FROM comments",
    "INSERT INTO article_revisions (id, article_id, kind, started_at, saved_at, is_applied, title, body_source, slug, "
    "lang, summary, tags, is_unlisted) SELECT (b.id - 1) * {articles} + a.id, a.id, 'save', edited_at, edited_at, "
    "{true}, title, 'Before', a.slug, 'en', '', '[]', {false} "
    "FROM articles a, (SELECT id FROM articles WHERE id <= 10) b",
    "INSERT INTO pictures (hash, width, height, size, name, alt, created_at) "
    "SELECT slug, 10, 10, 1, 'x', '', edited_at FROM articles",
    "INSERT INTO picture_files (picture_id, width, body) SELECT id, 10, {empty} FROM pictures",
    "INSERT INTO article_pictures (hash, article_id) SELECT p.hash, a.id FROM pictures p, articles a WHERE a.id <= 10",
)
DAILY = (
    "INSERT INTO daily_views (day, article_id, views) VALUES (:day, :of, 1)",
    "INSERT INTO daily_referrals (day, host, article_id, views) VALUES (:day, 'a.example', :of, 1)",
)
PAGES = (
    "/owner",
    "/owner/settings",
    "/owner/doctor",
    "/owner/security",
    "/owner/accounts",
    "/owner/comments",
    *(f"/owner/comments?status={status}" for status in ("pending", "published", "spam", "removed")),
    *(f"/owner/comments?{each}" for each in ("article=a7", "name=Ada", "host=a.example", "network=00", "comment=7")),
    "/owner/comments?words=Text&status=spam",
    "/owner/comments?before=1000",
    "/owner/comments/7/history",
    "/owner/comments/rules",
    "/owner/articles",
    *(f"/owner/articles?state={state}" for state in ("draft", "scheduled", "published", "unlisted", "deleted")),
    "/owner/articles?q=a1",
    "/owner/articles/7/edit",
    "/owner/articles/7/revisions",
    "/owner/articles/7/revisions/7",
    "/owner/pictures",
    "/owner/pictures?before=100",
    "/owner/statistics",
    "/owner/statistics?period=months",
    "/owner/statistics?article=a7",
    "/owner/statistics?article=a7&period=months",
    "/articles/a7",
)


@pytest.fixture
def large(app: Flask) -> Flask:
    """The application with many rows in each big table."""
    with app.app_context():
        with write_transaction() as session:
            dialect = session.get_bind().dialect.name
            is_sqlite = dialect == "sqlite"
            values = {
                "articles": ARTICLES,
                "true": "1" if is_sqlite else "true",
                "false": "0" if is_sqlite else "false",
                "empty": "x''" if is_sqlite else "''::bytea",
            }
            numbers = NUMBERS[dialect]
            session.execute(text(INSERT_ARTICLES.format(numbers=numbers.format(most=ARTICLES))))
            comments = {"articles": ARTICLES, "true": "true", "digest": values["empty"]}
            session.execute(text(INSERT_COMMENTS.format(numbers=numbers.format(most=COMMENTS), **comments)))
            for statement in FILL:
                session.execute(text(statement.format(**values)))
            today = clock.now().date()
            rows: list[dict[str, Any]] = [
                {"day": today.fromordinal(today.toordinal() - ago), "of": 1 + ago % ARTICLES} for ago in range(DAYS)
            ]
            if is_sqlite:
                rows = [{**row, "day": row["day"].isoformat()} for row in rows]
            for statement in DAILY:
                session.execute(text(statement), rows)
        if not is_sqlite:
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")
    return app


def big_scans(app: Flask, statements: list[Statement]) -> list[str]:
    scan = re.compile(rf"^\s*(?:->\s*)?(?:SCAN|.*Seq Scan on) ({BIG})(?:_\d+)?\b")
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        return [
            f"{line} <- {statement}"
            for statement, values in statements
            if statement.startswith("SELECT")
            for line in plan(engine, connection, statement, values)
            if scan.search(line)
        ]


def test_no_page_of_the_owner_scans_a_big_table(large: Flask, client: FlaskClient) -> None:
    assert sign_in(client).status_code == 303
    found = {}
    for address in PAGES:
        with recorded(large) as statements:
            assert client.get(address).status_code == 200, address
        assert statements, address
        if lines := big_scans(large, statements):
            found[address] = lines
    assert found == {}


def test_merging_two_texts_scans_no_big_table(large: Flask, client: FlaskClient) -> None:
    assert sign_in(client).status_code == 303
    form = {"action": "save", "revision": "0", "editor": "another-form-1", "title": "Mine", "body": "Mine"}
    with recorded(large) as statements:
        assert client.post("/owner/articles/7/edit", data=form).status_code == 409
    assert big_scans(large, statements) == []
