"""Measure requests per second on the production server, and compare each with a bare Flask view on the same server.

wrk and the server share the machine's cores. Each measurement runs RUNS times, interleaved with the others, so that a
slow moment of the machine does not fall on one of them.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.comments import fill
from blogapp import create_app
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

WORKERS = 2
CONNECTIONS = 16
SECONDS = 3
RUNS = 3
SIZES = (50, 1_000, 100_000)
SCRIPTS = Path(__file__).parent / "wrk"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
BROWSER = {"User-Agent": CHROME, "Accept-Encoding": "gzip, deflate, br"}
HTMX = {"HX-Request": "true"}
BARE = "a bare Flask view"


@dataclass
class Measurement:
    """One kind of request: its name, the goal as a multiple of the bare view's rate, and the rates measured so far."""

    name: str
    path: str
    goal: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    script: str = ""
    rates: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.rates)


def measure(folder: Path, database_url: str) -> list[Measurement]:
    """The measurements on one database. Raises RuntimeError if wrk is missing."""
    if shutil.which("wrk") is None:
        raise RuntimeError("the benchmarks need wrk. Debian, Ubuntu: apt install wrk; macOS: brew install wrk.")
    prepare(folder, database_url)
    on_postgresql = not database_url.startswith("sqlite")
    with bare_server(folder) as bare, blog_server(folder, database_url) as blog:
        all_kinds = kinds(blog.url, on_postgresql)
        for _ in range(RUNS):
            for kind in all_kinds:
                run(bare if kind.name == BARE else blog, kind)
    return all_kinds


def prepare(folder: Path, database_url: str) -> None:
    """Create one article for each of SIZES, with that many comments."""
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}
    app = create_app(environ, folder)
    with app.app_context():
        alembic.upgrade()
    for size in SIZES:
        fill(app, size)
    with app.app_context():
        db.session.remove()
    dispose(app)


@contextmanager
def bare_server(folder: Path) -> Iterator[Server]:
    server = Server(folder / "bare", workers=WORKERS, app="benchmarks.bare:app")
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def blog_server(folder: Path, database_url: str) -> Iterator[Server]:
    server = Server(folder, workers=WORKERS, DATABASE_URL=database_url)
    try:
        yield server
    finally:
        server.stop()


def kinds(url: str, on_postgresql: bool) -> list[Measurement]:
    page = 1.5 if on_postgresql else 2.0
    view = 0.15 if on_postgresql else 0.25
    etag = etag_of(f"{url}/articles/n50")
    return [
        Measurement(BARE, "/"),
        *(Measurement(f"article, {size:,} comments", f"/articles/n{size}", page) for size in SIZES),
        Measurement("article, unchanged (304)", "/articles/n50", page, {"If-None-Match": etag}),
        Measurement("refresh, nothing new (204)", "/articles/n50/comments?since=50", page, HTMX),
        Measurement("front page", "/", page),
        Measurement("view, ever new readers", "/articles/n50/views", view, HTMX, "new_posts.lua"),
        Measurement("view, the same reader", "/articles/n50/views", view, HTMX, "same_view.lua"),
        Measurement("comment, HTMX", "/articles/n1000/comments", None, HTMX, "new_posts.lua"),
        Measurement("comment, plain form", "/articles/n1000/comments", None, {}, "new_posts.lua"),
        Measurement("comment, 100,000 before it", "/articles/n100000/comments", None, HTMX, "new_posts.lua"),
    ]


def etag_of(url: str) -> str:
    command = ["curl", "-s", "-o", "/dev/null", "-D", "-", "-H", f"Accept-Encoding: {BROWSER['Accept-Encoding']}", url]
    head = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^etag: (.+)$", head, re.MULTILINE | re.IGNORECASE)
    assert found, head
    return found[1].strip()


def run(server: Server, kind: Measurement) -> None:
    """Add one rate to the measurement."""
    headers = [f"-H{name}: {value}" for name, value in {**BROWSER, **kind.headers}.items()]
    script = ["-s", str(SCRIPTS / kind.script)] if kind.script else []
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *headers, *script, server.url + kind.path]
    output = subprocess.run([*command, "--", f"{time.time_ns()}"], capture_output=True, text=True, check=True).stdout
    kind.rates.append(float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0]))
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", output):
        kind.errors += int(refused[1])


def table(measurements: list[Measurement], name: str) -> str:
    """The measurements as a Markdown table."""
    bare = measurements[0].median
    rows = [
        f"| {name}: request | min | median | max | times the bare view | goal |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind in measurements:
        rates = " | ".join(f"{rate:,.0f}" for rate in (min(kind.rates), kind.median, max(kind.rates)))
        refused = f" ({kind.errors:,} refused)" if kind.errors else ""
        rows.append(f"| {kind.name}{refused} | {rates} | {kind.median / bare:.2f} | {kind.goal or ''} |")
    return "\n".join(rows) + "\n"
