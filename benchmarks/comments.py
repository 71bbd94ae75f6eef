"""Measure pages of comments with 50, 1,000 and 30,000 comments on one article.

A third of the comments are replies in one thread (10,000 of 30,000), one thread is 200 levels deep, the others are
top-level comments. They are inserted in bulk, with the same values as if they had been posted one by one.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, text

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments.models import MAX_DEPTH, NUMBER_WIDTH, PUBLISHED, REPLIES_SHOWN, Comment, Conversation
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.text import markup
from blogapp.web import page_cache

SIZES = (50, 1_000, 30_000)
RUNS = 15
NOW = datetime(2026, 1, 2, tzinfo=UTC)
BODY = "A remark of ordinary length, such as people leave: it says one thing, gives a reason, and asks *one* question?"


def table(database_url: str, name: str) -> str:
    """Return the measurements on one database as a Markdown table."""
    rows = [
        f"| {name}: request | comments | queries | ms (median) | bytes (brotli) |",
        "|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            "SECRET_KEY": "a secret key for benchmarks only",
            "DATABASE_URL": database_url,
            "RATELIMIT_ENABLED": "off",
        }
        app = create_app(environ, Path(folder))
        page_cache.MAX_AGE = -1.0  # measures rendering, not the page cache
        with app.app_context():
            alembic.upgrade()
        for size in SIZES:
            deep = fill(app, size)
            for name_of_request, path, headers in requests(app.test_client(), size, deep):
                rows.append(f"| {name_of_request} | {size:,} | {measure(app, path, headers)} |")
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
    return "\n".join(rows) + "\n"


def fill(app: Flask, size: int) -> int:
    """Insert an article with `size` comments; return the id of one deep in the longest thread."""
    with app.app_context(), write_transaction() as session:
        article = publish(session, Manuscript(f"n{size}", "en", f"{size}", "", [], False, NOW, BODY), NOW).article
        first_id = (session.scalar(select(Comment.id).order_by(Comment.id.desc()).limit(1)) or 0) + 1
        html = markup.render_comment(BODY, "en")
        rows = [row(article.id, first_id, place, html) for place in places(size)]
        folds(rows)
        session.execute(insert(Comment), rows)
        session.add(Conversation(article_id=article.id, last_number=size, version=size, comment_count=size))
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT setval('comments_id_seq', (SELECT max(id) FROM comments))"))
        session.execute(text("ANALYZE"))
        return first_id + size // 3 - 2


def places(size: int) -> Iterator[tuple[int, int | None]]:
    """Yield the number of each comment, from 0, and the number of its parent."""
    wide, deep = size // 3, min(200, size // 5)
    for number in range(size):
        if 0 < number < wide:
            yield number, 0
        elif wide < number < wide + deep:
            yield number, number - 1
        else:
            yield number, None


def row(article_id: int, first_id: int, place: tuple[int, int | None], html: str) -> dict[str, Any]:
    number, parent = place
    return {
        **{"id": first_id + number, "article_id": article_id, "number": number + 1, "answers": parent},
        **{"parent_id": None if parent is None else first_id + parent, "reply_count": 0, "fold_path": None},
        **{"status": PUBLISHED, "shown": True, "published_in": number + 1, "changed_in": number + 1},
        **{"author_name": f"Visitor {number % 97}", "author_url": "", "body_source": BODY, "body_html": html},
        **{"renderer_version": 1, "body_digest": b"", "created_at": NOW, "like_count": number % 7},
    }


def folds(rows: list[dict[str, Any]]) -> None:
    """Set the position of each row in its thread, and the fold of each thread, as posting does."""
    threads: dict[int, list[str]] = {}
    for each in rows:
        own = f"{each['number']:0{NUMBER_WIDTH}d}"
        answers = each.pop("answers")
        if answers is None:
            each.update(depth=0, path=own, root_id=None, shown_under_id=None)
            continue
        parent = rows[answers]
        deepest = parent["depth"] >= MAX_DEPTH
        each.update(
            depth=parent["depth"] + 1,
            path=(parent["path"][:-NUMBER_WIDTH] if deepest else parent["path"]) + own,
            root_id=parent["root_id"] or parent["id"],
            shown_under_id=parent["shown_under_id"] if deepest else parent["id"],
        )
        threads.setdefault(each["root_id"], []).append(each["path"])
    by_id = {each["id"]: each for each in rows}
    for root_id, paths in threads.items():
        by_id[root_id]["reply_count"] = len(paths)
        if len(paths) > REPLIES_SHOWN:
            by_id[root_id]["fold_path"] = sorted(paths)[REPLIES_SHOWN - 1]


def requests(client: FlaskClient, size: int, deep: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the requests of a reader: name, path, headers."""
    htmx = {"HX-Request": "true"}
    page = client.get(f"/articles/n{size}").text
    yield "first page", f"/articles/n{size}", {}
    for sort in ("newest", "liked"):
        yield f"first page, {sort}", f"/articles/n{size}?sort={sort}", {}
    if more := re.search(r'rel="next" href="([^"#]+)', page):
        yield "next page", more.group(1), {}
    if rest := re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page):
        yield "more replies", rest.group(1).replace("&amp;", "&"), htmx
    yield "permalink", f"/comments/{deep}", {}
    yield "page of the permalink", client.get(f"/comments/{deep}").headers["Location"].split("#")[0], {}
    yield "refresh, nothing new", f"/articles/n{size}/comments?since={size}", htmx
    yield "refresh, 3 new", f"/articles/n{size}/comments?since={size - 3}", htmx


def measure(app: Flask, path: str, headers: dict[str, str]) -> str:
    """Return `queries | median milliseconds | bytes` of one request."""
    client = app.test_client()
    headers = {**headers, "Accept-Encoding": "br"}
    with counted(app) as count:
        answer = client.get(path, headers=headers)
    assert answer.status_code in {200, 204, 302}, (path, answer.status_code)
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        client.get(path, headers=headers)
        times.append((time.perf_counter() - begin) * 1000)
    return f"{count()} | {statistics.median(times):.1f} | {len(answer.data):,}"


@contextmanager
def counted(app: Flask) -> Iterator[Callable[[], int]]:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield lambda: len(statements)
    event.remove(engine, "before_cursor_execute", note)
