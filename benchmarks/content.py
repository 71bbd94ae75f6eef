"""Articles with many comments: a third of them are replies in one thread, one thread is 200 levels deep, the others are
top-level comments. They are inserted in bulk, with the same values as if they had been posted one by one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, text

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments.models import MAX_DEPTH, NUMBER_WIDTH, PUBLISHED, REPLIES_SHOWN, Comment, Conversation
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.demo import content as demo_content
from blogapp.site.setup import close_setup
from blogapp.text import markup
from tests.conftest import SECRET_KEY

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# Different texts of comments. With more of them, inserting 100,000 comments would mostly measure Markdown.
TEXTS = 97


def create_blog(folder: Path, database_url: str) -> Flask:
    """A blog that is set up, with the demo content in the given database."""
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "RATELIMIT_ENABLED": "off"}
    app = create_app(environ, folder)
    with app.app_context():
        alembic.upgrade()
        with write_transaction() as session:
            close_setup(session, NOW)
    app.test_cli_runner().invoke(args=["demo"], catch_exceptions=False)
    return app


def release(app: Flask) -> None:
    """Close the application's database connections; a server has its own."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def add_article(app: Flask, slug: str, size: int) -> int:
    """Insert an article with `size` comments; return the id of one deep in the longest thread."""
    with app.app_context(), write_transaction() as session:
        manuscript = Manuscript(slug, "en", f"Birds by ear, with {size:,} comments", "", [], False, NOW, article_text())
        article = publish(session, manuscript, NOW).article
        first_id = (session.scalar(select(Comment.id).order_by(Comment.id.desc()).limit(1)) or 0) + 1
        texts = [(source, markup.render_comment(source, "en")) for source in comment_texts()]
        rows = [row(article.id, first_id, place, *texts[place[0] % TEXTS]) for place in places(size)]
        folds(rows)
        session.execute(insert(Comment), rows)
        session.add(Conversation(article_id=article.id, last_number=size, version=size, comment_count=size))
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT setval('comments_id_seq', (SELECT max(id) FROM comments))"))
        session.execute(text("ANALYZE"))
        return first_id + size // 3 - 2


def article_text() -> str:
    return (demo_content.ARTICLES / "learning-birds-by-ear.md").read_text().split("---\n", 2)[2]


def comment_texts() -> list[str]:
    """TEXTS comments of one to three sentences from the demo articles."""
    source = (demo_content.ARTICLES / "the-case-for-mending.md").read_text().split("---\n", 2)[2] + article_text()
    sentences = re.findall(r"[A-Z][^.!?\n#|*_`>\[\]]{20,200}[.!?]", source)
    chosen = random.Random(1)
    return [" ".join(chosen.sample(sentences, chosen.randint(1, 3))) for _ in range(TEXTS)]


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


def row(article_id: int, first_id: int, place: tuple[int, int | None], source: str, html: str) -> dict[str, Any]:
    number, parent = place
    return {
        **{"id": first_id + number, "article_id": article_id, "number": number + 1, "answers": parent},
        **{"parent_id": None if parent is None else first_id + parent, "reply_count": 0, "fold_path": None},
        **{"status": PUBLISHED, "shown": True, "published_in": number + 1, "changed_in": number + 1},
        **{"author_name": f"Visitor {number % 97}", "author_url": "", "body_source": source, "body_html": html},
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
