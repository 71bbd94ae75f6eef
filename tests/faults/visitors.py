"""A blog with one article, and visitors who read and comment all the time and note every response."""

from __future__ import annotations

import http.client
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import func, select, text

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.comments.models import Comment, Conversation
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, browser, dispose
from tests.harness.threads import Repeated

ARTICLE = "/articles/birds"
COMMENTS = f"{ARTICLE}/comments"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ACKNOWLEDGED = (201, 303)
# Seconds that a client waits for a response.
PATIENCE = 40
numbers = itertools.count(1)


def make_blog(folder: Path, database_url: str = "") -> None:
    """An up-to-date database with the article. `database_url` is empty for SQLite in the folder."""
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, folder)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context():
        if database_url:
            alembic.upgrade()
        with write_transaction() as session:
            publish(session, Manuscript("birds", "en", "Birds", "", [], False, now, "They sing."), now)
    dispose(app)


@dataclass
class Answer:
    status: int  # 0: no response
    seconds: float
    text: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def ask(port: int, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
    """Send a request over a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    start = time.perf_counter()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, urlencode(form) if form else None, {**(FORM if form else {}), **fields})
        answer = connection.getresponse()
        page = answer.read().decode(errors="replace")
        # The first of several with the same name: of the cookies, the one that matters.
        received = {name.lower(): value for name, value in reversed(answer.getheaders())}
        return Answer(answer.status, time.perf_counter() - start, page, received)
    except (OSError, http.client.HTTPException):
        return Answer(0, time.perf_counter() - start)
    finally:
        connection.close()


def post_comment(port: int, body: str, who: int = 0) -> Answer:
    return ask(port, "POST", COMMENTS, {"author_name": f"Ada {who}", "body": body}, User_Agent=browser(f"Ada {who}"))


class Visitors:
    """Visitors who write and read until the end of the `with` block. A writer sends each comment until it is
    acknowledged."""

    def __init__(self, port: int, writers: int = 4, readers: int = 0) -> None:
        self.port = port
        self.acknowledged: list[str] = []
        self.writes: list[Answer] = []
        self.reads: list[Answer] = []
        self._unacknowledged: dict[int, str] = {}
        self._writers = Repeated([partial(self._write, each) for each in range(writers)])
        self._readers = Repeated([self._read] * readers, pause=0.02)

    def __enter__(self) -> Visitors:
        self._writers.__enter__()
        self._readers.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._readers.__exit__(*error)
        self._writers.__exit__(*error)

    def _write(self, who: int) -> None:
        body = self._unacknowledged.setdefault(who, f"Number {next(numbers)}")
        answer = post_comment(self.port, body, who)
        self.writes.append(answer)
        if answer.status in ACKNOWLEDGED:
            self.acknowledged.append(body)
            del self._unacknowledged[who]
        else:
            time.sleep(0.05)

    def _read(self) -> None:
        self.reads.append(ask(self.port, "GET", "/"))
        self.reads.append(ask(self.port, "GET", f"{ARTICLE}?sort=newest"))


@contextmanager
def database(folder: Path, database_url: str = "") -> Iterator[None]:
    """Use the blog's database in this process."""
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, folder)
    with app.app_context():
        yield
    dispose(app)


@dataclass
class Kept:
    """What the database holds of the acknowledged comments."""

    lost: int
    doubled: int
    is_whole: bool  # the counters are right and, on SQLite, integrity_check finds nothing


def check(acknowledged: list[str], folder: Path, database_url: str = "") -> Kept:
    with database(folder, database_url):
        stored = Counter(db.session.scalars(select(Comment.body_source)))
        counted = db.session.scalar(select(func.sum(Conversation.comment_count))) or 0
        is_whole = counted == sum(stored.values())
        if not database_url:
            is_whole = is_whole and db.session.scalar(text("PRAGMA integrity_check")) == "ok"
    lost = sum(body not in stored for body in acknowledged)
    return Kept(lost, sum(count > 1 for count in stored.values()), is_whole)


def statuses(answers: list[Answer]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(Counter(a.status for a in answers).items()))


def seconds_until(is_well: Callable[[], bool], at_most: float = 60) -> float:
    start = time.monotonic()
    while not is_well() and time.monotonic() - start < at_most:
        time.sleep(0.1)
    return time.monotonic() - start
