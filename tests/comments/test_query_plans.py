"""Every query of a visitor's request uses an index, however many comments the site has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, insert, text, update

from blogapp.articles.models import UNPUBLISHED, Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments import spam
from blogapp.comments.models import NUMBER_WIDTH, Comment, CommentDecision, CommentRevision, Conversation, Like
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX, OWNER, Post, WriteComments

ARTICLES = 20
THREADS_EACH = 20
REPLIES_EACH = 4
NOW = datetime(2026, 1, 2, tzinfo=UTC)
BIG_TABLES = "search_comments|search_articles|comments|articles|likes|comment_revisions|comment_decisions|conversations"

Statement = tuple[str, Any]


@pytest.fixture
def filled(app: Flask) -> Flask:
    """The application with 2,000 comments on 20 articles, and fresh planner statistics."""
    with app.app_context():
        with write_transaction() as session:
            ids = [
                publish(
                    session, Manuscript(f"a{number}", "en", f"A {number}", "", [], False, NOW, "Text."), NOW
                ).article.id
                for number in range(ARTICLES)
            ]
            rows = [row for article_id in ids for row in comments_of(article_id)]
            session.execute(insert(Comment), rows)
            last = len(rows) // ARTICLES
            counts = {"last_number": last, "version": last, "comment_count": last}
            session.execute(insert(Conversation), [{"article_id": each, **counts} for each in ids])
            likes = [{"comment_id": row["id"], "visitor": bytes([number]) * 32} for row in rows for number in (1, 2)]
            session.execute(insert(Like), likes)
            text_before = {"revision": 0, "body_source": "Before", "replaced_at": NOW}
            session.execute(insert(CommentRevision), [{"comment_id": row["id"], **text_before} for row in rows])
            decision = {"act": "approve", "actor": "command", "revision": 0, "status_before": "pending"}
            decisions = [{"comment_id": row["id"], "decided_at": NOW, **decision} for row in rows]
            session.execute(insert(CommentDecision), decisions)
            if session.get_bind().dialect.name == "postgresql":
                session.execute(text("SELECT setval(pg_get_serial_sequence('comments', 'id'), max(id)) FROM comments"))
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    return app


def comments_of(article_id: int) -> Iterator[dict[str, Any]]:
    """THREADS_EACH threads of one article, each with REPLIES_EACH replies."""
    per_article = THREADS_EACH * (1 + REPLIES_EACH)
    root: dict[str, Any] = {}
    for number in range(1, per_article + 1):
        row_id = (article_id - 1) * per_article + number
        own = f"{number:0{NUMBER_WIDTH}d}"
        is_root = (number - 1) % (1 + REPLIES_EACH) == 0
        place: dict[str, Any] = {"parent_id": None, "root_id": None, "shown_under_id": None, "depth": 0, "path": own}
        if not is_root:
            above = root["id"]
            place = {"parent_id": above, "root_id": above, "shown_under_id": above, "depth": 1}
            place["path"] = root["path"] + own
        row = {
            "id": row_id,
            "article_id": article_id,
            "number": number,
            "status": "published",
            "shown": True,
            "published_in": number,
            "changed_in": number,
            "reply_count": REPLIES_EACH if is_root else 0,
            "author_name": f"Name {number % 50}",
            "author_token_hash": hashlib.sha256(f"{row_id % 2000}".encode()).digest(),
            "body_source": f"Text {row_id}",
            "body_html": f"<p>Text {row_id}</p>",
            "renderer_version": 1,
            "body_digest": hashlib.sha256(f"text {row_id}".encode()).digest(),
            "digest": hashlib.sha256(f"digest {row_id}".encode()).digest(),
            "created_at": NOW,
            **place,
        }
        root = row if is_root else root
        yield row


@contextmanager
def recorded(app: Flask) -> Iterator[list[Statement]]:
    """Collect the statements that reach the database, with their parameters."""
    statements: list[Statement] = []

    def note(connection: object, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            # EXPLAIN takes one set of parameters of a statement that is executed for many.
            is_many = isinstance(parameters, list) and parameters and not isinstance(parameters[0], (str, int, bytes))
            statements.append((statement, parameters[0] if is_many else parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def scans(app: Flask, statements: list[Statement]) -> list[str]:
    """The lines of the query plans that read a whole big table or index."""
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        return [
            f"{line} <- {statement}"
            for statement, values in statements
            for line in plan(engine, connection, statement, values)
            if is_scan(line)
        ]


def plan(engine: Engine, connection: Connection, statement: str, values: Any) -> list[str]:
    if engine.dialect.name == "sqlite":
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    # With enable_seqscan off, PostgreSQL scans a table only if no index fits the query, however small the table is.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]


def is_scan(line: str) -> bool:
    # SQLite: "SCAN comments" or "SCAN comments USING INDEX ..." read everything; PostgreSQL: "Seq Scan on comments".
    return re.search(rf"^SCAN ({BIG_TABLES})\b|Seq Scan on ({BIG_TABLES})\b", line) is not None


def requests_of(app: Flask, author: FlaskClient) -> dict[str, Callable[[], Any]]:
    """Each request of a visitor to article 7, whose first comment has the id 601."""
    url, reader = "/articles/a6/comments", app.test_client()
    form = {"author_name": "Ada", "body": "Hello"}
    return {
        "first post": lambda: reader.post(url, data={**form, "body": "One"}, headers=HTMX),
        "post": lambda: author.post(url, data={**form, "body": "Two"}, headers=HTMX),
        "reply": lambda: author.post(url, data={**form, "body": "Three", "parent_id": "601"}, headers=HTMX),
        "plain post": lambda: author.post(url, data={**form, "body": "Four"}),
        "repeat": lambda: author.post(url, data={**form, "body": "Four"}),
        "edit form": lambda: author.get("/comments/2001/edit"),
        "edit": lambda: author.post("/comments/2001/edit", data={"body": "Changed", "revision": "0"}, headers=HTMX),
        "like": lambda: author.post("/comments/605/likes", headers=HTMX),
        "unlike": lambda: author.post("/comments/605/likes", headers=HTMX),
        "preview": lambda: author.post("/comments/preview", data={**form, "article": "a6", "parent_id": "601"}),
        "page": lambda: author.get("/articles/a6"),
        "newest": lambda: author.get("/articles/a6?sort=newest"),
        "most liked": lambda: author.get("/articles/a6?sort=liked"),
        "next page": lambda: author.get(f"{url}?before=10", headers=HTMX),
        "next most liked": lambda: author.get(f"{url}?sort=liked&before=0-50", headers=HTMX),
        "page at": lambda: author.get(f"{url}?at=690"),
        "refresh": lambda: author.get(f"{url}?since=90", headers=HTMX),
        "newer": lambda: author.get(f"{url}?after=690", headers=HTMX),
        "replies": lambda: author.get(f"/comments/601/replies?after={1:07d}{2:07d}", headers=HTMX),
        "permalink": lambda: author.get("/comments/690"),
        "reply form": lambda: author.get("/comments/690/reply"),
        "front page": lambda: author.get("/"),
        "search": lambda: author.get("/search?q=text+7&in=comments"),
        "search for a phrase": lambda: author.get('/search?q="text 7"&in=comments'),
        "delete": lambda: author.post("/comments/2001/delete", headers=HTMX),
        "redirect": lambda: author.get("/articles/a18"),
    }


@pytest.mark.settings(COMMENT_MODERATION="first")
def test_no_request_of_a_visitor_scans_a_big_table(filled: Flask) -> None:
    author = filled.test_client()
    first = {"author_name": "Ada", "body": "Zero"}
    assert author.post("/articles/a6/comments", data=first).status_code == 303
    assert filled.test_cli_runner().invoke(args=["comments", "approve", "2001"]).exit_code == 0
    with filled.app_context(), write_transaction() as session:
        for slug, target in (("a18", "/articles/a19"), ("a19", "/articles/a6")):
            values = {"status": UNPUBLISHED, "redirect_to": target}
            session.execute(update(Article).where(Article.slug == slug).values(values))
    found: dict[str, list[str]] = {}
    for name, send in requests_of(filled, author).items():
        with recorded(filled) as statements:
            answer = send()
        assert answer.status_code < 400, name
        assert statements, name
        if lines := scans(filled, statements):
            found[name] = lines
    assert found == {}


@pytest.mark.parametrize(("has_cookie", "statements_of_a_post"), [(True, 11), (False, 10)])
def test_number_of_statements_of_a_post_does_not_depend_on_the_number_of_comments(
    app: Flask,
    client: FlaskClient,
    post: Post,
    write_comments: WriteComments,
    has_cookie: bool,
    statements_of_a_post: int,
) -> None:
    counts = []
    for number in range(3):
        post("birds", body=f"The day's first {number}")
        if not has_cookie:
            client.delete_cookie("visitor")
        with recorded(app) as statements:
            sent = post("birds", body=f"Comment {number}", htmx=True)
        assert sent.status_code == 201
        counts.append(len(statements))
        write_comments(f"Other {number} {each}" for each in range(30))
    with app.app_context():
        options = db.engine.dialect.name == "postgresql"  # one statement sets the options of the transaction
    assert counts == [statements_of_a_post + options] * 3


def test_post_reads_only_other_comments_while_it_holds_the_lock(app: Flask, post: Post, comment: int) -> None:
    with recorded(app) as statements:
        assert post("birds", body="Second text", htmx=True).status_code == 201
    texts = [statement for statement, _ in statements]
    begin = next(place for place, each in enumerate(texts) if each.startswith("INSERT INTO conversations"))
    assert any("spam_words" in each for each in texts[:begin])
    read = {table for each in texts[begin:] if each.startswith("SELECT") for table in re.findall(r"FROM (\w+)", each)}
    assert read == {"comments"}


def test_refused_post_takes_no_write_lock(app: Flask, post: Post, comment: int, owner: FlaskClient) -> None:
    """It runs no INSERT, UPDATE or DELETE."""
    for fields in ({"author_name": "Ada", "body": "First text"}, {"author_name": OWNER}, {"body": ""}):
        with recorded(app) as statements:
            post("birds", htmx=True, **fields)
        assert statements
        assert all(statement.startswith("SELECT") for statement, _ in statements)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_same_text_is_found_by_its_index_without_statistics(app: Flask) -> None:
    """Before ANALYZE, SQLite would rather read all comments from the newest on than sort what an index finds."""
    with app.app_context():
        sql = str(spam.SAME_TEXT.compile(dialect=db.engine.dialect, compile_kwargs={"literal_binds": False}))
        plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (b"", 50, 0)).all()
    assert "USING INDEX ix_comments_body_digest_id (body_digest=?)" in str(plan)
