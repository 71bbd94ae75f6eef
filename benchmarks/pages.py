"""Measure the rendering of pages in this process: time, queries, bytes, HTML elements; and of the slowest comments."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import html5lib
from flask import Flask
from sqlalchemy import event

from benchmarks.content import add_article, create_blog, release
from benchmarks.results import Row
from blogapp.comments import fragments
from blogapp.comments.forms import BODY_LENGTH
from blogapp.db.base import db
from blogapp.text.markup import render_comment
from blogapp.web import page_cache

SIZES = (50, 10_000)
RENDERINGS = 15
# Texts that take a Markdown parser long, repeated up to the longest comment.
PATTERNS = (
    *("[", "(", "![", "> ", "- ", "*a **a ", "`", "<", "[a](", "](", "~~", "_a ", "http://a.", "a@b.", "*_~`["),
    *("&amp;", "a\n", "> a\n", "- a\n", "```\n", "😀"),
)


def measure(folder: Path, database_url: str, runs: int) -> list[Row]:
    """The rows of one database."""
    on_sqlite = database_url.startswith("sqlite")
    name = "SQLite" if on_sqlite else "PostgreSQL"
    app = create_blog(folder, database_url)
    rows = []
    max_age, page_cache.MAX_AGE = page_cache.MAX_AGE, -1.0  # each request renders its page
    for size in SIZES:
        deep = add_article(app, f"n{size}", size)
        for what, path, headers in requests(app, size, deep):
            goal = 6.0 if what == "article, 50 comments" else None
            row = Row(f"{name}: {what}", "ms", goal=goal, at_most=True)
            row.values = [median_ms(app, path, headers) for _ in range(runs)]
            row.details = sizes(app, path, headers)
            rows.append(row)
    if on_sqlite:
        html = app.test_client().get("/articles/n50").text
        rows.append(Row("article, 50 comments: HTML", "bytes", [len(html.encode())], 62_000, at_most=True))
        rows.append(Row("article, 50 comments: DOM nodes", "elements", [elements(html)], 1_050, at_most=True))
        rows.append(Row("SQLite: article, 50 comments, none of them rendered before", "ms"))
        rows[-1].values = [median_ms(app, "/articles/n50", {}, fragments.init_app) for _ in range(runs)]
        rows.append(Row(f"Markdown of {BODY_LENGTH:,} characters, the slowest of {len(PATTERNS)} patterns", "ms"))
        rows[-1].values = [slowest_comment_ms() for _ in range(runs)]
    page_cache.MAX_AGE = max_age
    release(app)
    return rows


def requests(app: Flask, size: int, deep: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the requests of a reader: name, path, headers."""
    client = app.test_client()
    htmx = {"HX-Request": "true"}
    page = client.get(f"/articles/n{size}").text
    yield f"article, {size:,} comments", f"/articles/n{size}", {}
    if size == SIZES[0]:
        yield "front page", "/", {}
        return
    if more := re.search(r'rel="next" href="([^"#]+)', page):
        yield "its next page of comments", more.group(1).replace("&amp;", "&"), {}
    if rest := re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page):
        yield "more replies of a thread", rest.group(1).replace("&amp;", "&"), htmx
    yield "page of a permalink", client.get(f"/comments/{deep}").headers["Location"].split("#")[0], {}
    yield "refresh, 3 new comments", f"/articles/n{size}/comments?since={size - 3}", htmx


def median_ms(
    app: Flask, path: str, headers: dict[str, str], before: Callable[[Flask], None] = lambda app: None
) -> float:
    """The median milliseconds of a request; `before` is called before each."""
    client = app.test_client()
    times = []
    for _ in range(RENDERINGS):
        before(app)
        began = time.perf_counter()
        client.get(path, headers={**headers, "Accept-Encoding": "br"})
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[RENDERINGS // 2]


def sizes(app: Flask, path: str, headers: dict[str, str]) -> dict[str, float]:
    client = app.test_client()
    with counted(app) as count:
        answer = client.get(path, headers=headers)
    assert answer.status_code == 200, (path, answer.status_code)
    return {
        "queries": count(),
        "bytes": len(answer.data),
        "br": len(client.get(path, headers={**headers, "Accept-Encoding": "br"}).data),
    }


def elements(html: str) -> int:
    return sum(isinstance(element.tag, str) for element in html5lib.parse(html, treebuilder="etree").iter())


@contextmanager
def counted(app: Flask) -> Iterator[Callable[[], int]]:
    """Count the statements of this block, without those that begin transactions."""
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield lambda: len(statements)
    event.remove(engine, "before_cursor_execute", note)


def slowest_comment_ms() -> float:
    texts = [(pattern * BODY_LENGTH)[:BODY_LENGTH] for pattern in PATTERNS]
    return max(map(rendering_ms, texts))


def rendering_ms(text: str) -> float:
    began = time.perf_counter()
    render_comment(text, "fr")
    return (time.perf_counter() - began) * 1000
