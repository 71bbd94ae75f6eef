"""Measure how many views are counted per second, the disk space of a year of totals, and the time of a report.

The load runs against a real server on this machine, over 32 keep-alive connections.
"""

from __future__ import annotations

import socket
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import reports
from blogapp.view_counts.models import DailyViews
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

CONNECTIONS = 32
REQUESTS = 16_000
ARTICLES = 1_000
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def bare(folder: Path) -> str:
    """Measure a bare Flask view on the same server."""
    server = Server(folder / "bare", workers=2, app="benchmarks.bare:app")
    try:
        rate = requests_per_second(server.port, "same")
    finally:
        server.stop()
    return f"| without a database | requests/s |\n|---|---:|\n| a bare Flask view | {rate:,.0f} |\n"


def table(folder: Path, database_url: str, name: str) -> str:
    """Return requests per second, bytes and milliseconds on one database as Markdown tables."""
    folder = folder / name
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, folder)
    with app.app_context():
        alembic.upgrade()
        with write_transaction() as session:
            publish(session, Manuscript("birds", "en", "Birds", "", [], False, NOW, "They sing."), NOW)
    server = Server(folder, workers=2, DATABASE_URL=database_url)
    rows = [f"| {name}: POST of a view | requests/s |", "|---|---:|"]
    try:
        for words, kind in (("the same reader", "same"), ("always new readers", "new"), ("a bot", "bot")):
            rows.append(f"| {words} | {requests_per_second(server.port, kind):,.0f} |")
    finally:
        server.stop()
    with app.app_context():
        rows += ["", f"| {name}: 1,000 articles, each read every day |  |", "|---|---:|", *sizes_and_times()]
    dispose(app)
    return "\n".join(rows) + "\n"


def requests_per_second(port: int, kind: str) -> float:
    """Send REQUESTS of `kind` (same, new, bot) from two processes; return how many were answered in a second."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_load, [port] * 2, [kind] * 2, ["warm"] * 2, [1_000] * 2))
        began = time.perf_counter()
        answered = sum(pool.map(_load, [port] * 2, [kind] * 2, ["a", "b"], [REQUESTS // 2] * 2))
        return answered / (time.perf_counter() - began)


def _load(port: int, kind: str, name: str, requests: int) -> int:
    connections = CONNECTIONS // 2

    def send(connection: int) -> int:
        with socket.create_connection(("127.0.0.1", port)) as server:
            for number in range(requests // connections):
                agent = {
                    "same": CHROME,
                    "bot": "Googlebot/2.1",
                    "new": f"{CHROME} {name}.{connection}.{number}",
                }[kind]
                head = f"POST /articles/birds/views HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {agent}\r\n"
                server.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
                answer = server.recv(65_536)
                assert answer.startswith(b"HTTP/1.1 204"), answer[:100]
        return requests // connections

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(send, range(connections)))


def sizes_and_times() -> list[str]:
    """Insert a year of ARTICLES articles with 10 views a day each (10,000 a day in all), then measure."""
    today = date(2026, 11, 23)
    with write_transaction() as session:
        first = 1 + session.scalars(text("SELECT max(id) FROM articles")).one()
        session.execute(
            insert(Article),
            [
                {
                    "id": first + number,
                    "slug": f"n{number}",
                    "lang": "en",
                    "title": f"Article {number}",
                    "published_at": NOW,
                    "body_source": "",
                    "body_html": "",
                    "renderer_version": 1,
                }
                for number in range(ARTICLES)
            ],
        )
    before = size_of_days()
    for back in range(365):
        with write_transaction(durable=False) as session:
            day = today - timedelta(days=back)
            rows = [{"day": day, "article_id": first + number, "views": 10} for number in range(ARTICLES)]
            session.execute(insert(DailyViews), rows)
    size = size_of_days() - before
    now = datetime.combine(today, datetime.min.time(), tzinfo=UTC)
    return [
        f"| bytes a year | {size:,} |",
        f"| bytes a row | {size / 365 / ARTICLES:.0f} |",
        f"| ms for the most read articles of 30 days | {median_ms(now):.1f} |",
    ]


def size_of_days() -> int:
    """Return the size of the table of daily totals on disk, in bytes."""
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE daily_views"))
        query = "SELECT pg_total_relation_size('daily_views')"
    else:
        query = "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
    size: int = session.execute(text(query)).scalar_one()
    session.commit()
    return size


def median_ms(now: datetime) -> float:
    times = []
    for _ in range(15):
        began = time.perf_counter()
        reports.popular(db.session(), now)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
