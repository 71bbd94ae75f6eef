"""Everything that one request reads comes from one snapshot of the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

HTMX = {"HX-Request": "true"}
MOST_QUERIES = 40


@contextmanager
def posting_after_query(app: Flask, number: int, body: str) -> Iterator[list[str]]:
    """Post a comment from another connection after the request's `number`th query; yield the queries so far."""
    queries = list[str]()

    def on_query(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT") and len(queries) < number:
            queries.append(statement)
            if len(queries) == number:
                assert Context().run(post_from_elsewhere, app, body) == 303

    with app.app_context():
        engine = db.engine
    event.listen(engine, "after_cursor_execute", on_query)
    yield queries
    event.remove(engine, "after_cursor_execute", on_query)


def post_from_elsewhere(app: Flask, body: str, parent_id: int | None = None) -> int:
    """Call this in a separate context: a request made inside another request shares its session."""
    sent = app.test_client().post(
        "/articles/birds/comments", data={"author_name": "Ada", "body": body, "parent_id": parent_id or ""}
    )
    return sent.status_code


def count_in(page: str) -> int:
    (count,) = re.findall(r'id="comment-count"[^>]* data-count="(\d+)"', page)
    return int(count)


def comments_in(page: str) -> int:
    return len(re.findall(r'<article[^>]* id="comment-\d+"', page))


def version_in(page: str) -> str:
    (version,) = re.findall(r'name="since" value="(\d+)"', page)
    return str(version)


def test_comment_posted_between_two_queries_is_in_the_page_or_in_its_next_refresh(
    publish_article: Publish, app: Flask, post: Post
) -> None:
    publish_article(slug="birds")
    post("birds", body="First")
    posted = 0
    for number in range(1, MOST_QUERIES):
        body = f"Between queries, {number}"
        with posting_after_query(app, number, body) as queries:
            page = app.test_client().get("/articles/birds").text
        if len(queries) < number:
            break  # the page has no more queries
        posted += 1
        assert count_in(page) == comments_in(page), queries[-1]
        changes = app.test_client().get(f"/articles/birds/comments?since={version_in(page)}", headers=HTMX)
        assert (body in page) != (body in changes.text), number
        assert count_in(changes.text) == posted + 1
    assert 3 < posted < MOST_QUERIES


def test_count_list_and_version_of_a_refresh_agree(publish_article: Publish, app: Flask, post: Post) -> None:
    publish_article(slug="birds")
    post("birds", body="First")
    posted = 0
    for number in range(1, MOST_QUERIES):
        body = f"Between queries, {number}"
        with posting_after_query(app, number, body) as queries:
            changes = app.test_client().get("/articles/birds/comments?since=0", headers=HTMX).text
        if len(queries) < number:
            break
        posted += 1
        assert count_in(changes) == comments_in(changes), queries[-1]
        later = app.test_client().get(f"/articles/birds/comments?since={version_in(changes)}", headers=HTMX)
        assert (body in changes) != (body in later.text), number
    assert 1 < posted < MOST_QUERIES


@contextmanager
def replying_after_commit(app: Flask, parent_id: int) -> Iterator[None]:
    """Post a reply to the comment from another connection when the next request has committed its own write."""
    steps = list[str]()

    def on_commit(connection: Any) -> None:
        if steps == ["inserted"]:
            steps.append("committed")

    def on_query(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not steps and statement.startswith("INSERT INTO comments"):
            steps.append("inserted")
        elif steps == ["inserted", "committed"] and statement.startswith("SELECT"):
            steps.append("replied")
            assert Context().run(post_from_elsewhere, app, "At the same time", parent_id) == 303

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", on_commit)
    event.listen(engine, "before_cursor_execute", on_query)
    yield
    assert steps[-1] == "replied"
    event.remove(engine, "commit", on_commit)
    event.remove(engine, "before_cursor_execute", on_query)


def test_count_and_list_of_the_response_to_a_post_agree(publish_article: Publish, app: Flask, post: Post) -> None:
    publish_article(slug="birds")
    parent_id = int(post("birds", body="First").headers["Location"].rpartition("-")[2])
    with replying_after_commit(app, parent_id):
        answer = post("birds", body="Reply", parent_id=str(parent_id), htmx=True)
    assert answer.status_code == 201
    assert count_in(answer.text) == 3
    assert "2 replies" in answer.text


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_readers_get_a_snapshot_and_writers_see_committed_changes(app: Flask) -> None:
    level = text("SHOW transaction_isolation")
    with app.app_context():
        assert db.session.scalar(level) == "repeatable read"
        with write_transaction() as session:
            assert session.scalar(level) == "read committed"
        assert db.session.scalar(level) == "repeatable read"
