"""Measure requests per second on the production server, and compare each with a bare Flask view on the same server,
with nginx and with Isso.

wrk and the servers share the machine's cores. Each measurement runs several times, in turn with the others, so that a
slow moment of the machine does not fall on one of them.
"""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.content import add_article, create_blog, release
from benchmarks.isso import isso
from benchmarks.nginx import caching_nginx, nginx
from benchmarks.results import BARE, Row
from tests.harness.server import Server

WORKERS = 2
CONNECTIONS = 16
SIZES = (50, 1_000, 100_000)
SCRIPTS = Path(__file__).parent / "wrk"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
BROWSER = {"User-Agent": CHROME, "Accept-Encoding": "gzip, deflate, br"}
HTMX = {"HX-Request": "true"}
PAGE = "article, 50 comments"
COMMENT = "comment, HTMX"


@dataclass
class Load:
    """One kind of request: where it is sent, and the row that gets the rates."""

    row: Row
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    script: str = ""
    connections: int = CONNECTIONS
    seconds: float | None = None


def measure(folder: Path, database_url: str, seconds: int, runs: int) -> tuple[list[Row], list[str]]:
    """The rows on one database, and notes on what could not be measured. Raises RuntimeError if wrk is missing."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed. Debian, Ubuntu: apt install wrk; macOS: brew install wrk.")
    on_sqlite = database_url.startswith("sqlite")
    app = create_blog(folder, database_url)
    for size in SIZES:
        add_article(app, f"n{size}", size)
    # Comments are posted on an article of its own, so that the pages that are read keep their number of comments.
    add_article(app, "posts", 50)
    release(app)
    notes: list[str] = []
    with ExitStack() as servers:
        bare = servers.enter_context(running(bare_server(folder / "bare")))
        blog = servers.enter_context(running(Server(folder, workers=WORKERS, DATABASE_URL=database_url)))
        loads = [Load(Row(BARE, "requests/s"), bare), *own_loads(blog, on_sqlite)]
        if on_sqlite:  # the others are the same on PostgreSQL
            loads += other_loads(servers, folder, blog, notes)
        for load in loads:
            add_size(load)
        for _ in range(runs):
            for load in loads:
                run(load, seconds)
    return [load.row for load in loads], notes


def bare_rate(seconds: int) -> float | None:
    """The present rate of a bare Flask view, in requests per second; None if wrk is missing."""
    if shutil.which("wrk") is None:
        return None
    with tempfile.TemporaryDirectory() as folder, running(bare_server(Path(folder))) as url:
        load = Load(Row(BARE, "requests/s"), url)
        run(load, seconds)
    return load.row.median


def bare_server(folder: Path) -> Server:
    return Server(folder, workers=WORKERS, app="benchmarks.bare:app")


@contextmanager
def running(server: Server) -> Iterator[str]:
    """The URL of a server, which is stopped at the end."""
    try:
        yield server.url
    finally:
        server.stop()


def own_loads(url: str, on_sqlite: bool) -> list[Load]:
    page, view = (2.0, 0.25) if on_sqlite else (1.5, 0.15)
    comment = 400 if on_sqlite else None
    _, headers, _ = get(f"{url}/articles/n50", BROWSER)

    def pages(name: str, path: str, fields: dict[str, str] | None = None, base: str = BARE, goal: float = page) -> Load:
        return Load(Row(name, "requests/s", goal=goal, base=base), url + path, fields or {})

    def posts(name: str, path: str, goal: float | None, base: str, fields: dict[str, str], script: str) -> Load:
        return Load(Row(name, "requests/s", goal=goal, base=base), url + path, fields, script)

    feed = [pages("feed", "/feed.xml")] if get(f"{url}/feed.xml", BROWSER)[0] == 200 else []
    return [
        pages(PAGE, "/articles/n50"),
        pages("article, 1,000 comments", "/articles/n1000"),
        pages("article, 100,000 comments", f"/articles/n{SIZES[-1]}", base=PAGE, goal=0.95),
        pages("article, unchanged (304)", "/articles/n50", {"If-None-Match": headers["etag"]}),
        pages("refresh, nothing new (204)", "/articles/n50/comments?since=50", HTMX),
        pages("front page", "/"),
        *feed,
        posts("view, ever new readers", "/articles/n50/views", view, BARE, HTMX, "new_posts.lua"),
        posts("view, the same reader", "/articles/n50/views", view, BARE, HTMX, "same_view.lua"),
        posts(COMMENT, "/articles/posts/comments", comment, "", HTMX, "new_posts.lua"),
        posts("comment, plain form", "/articles/posts/comments", comment, "", {}, "new_posts.lua"),
        posts("comment, 100,000 before it", f"/articles/n{SIZES[-1]}/comments", 0.9, COMMENT, HTMX, "new_posts.lua"),
    ]


def other_loads(servers: ExitStack, folder: Path, blog: str, notes: list[str]) -> list[Load]:
    """nginx with the article's page in a file and in its cache, and Isso with as many comments."""
    loads: list[Load] = []
    try:
        _, _, page = get(f"{blog}/articles/n50", BROWSER)
        url = servers.enter_context(nginx(folder / "nginx", WORKERS, page))
        loads.append(Load(Row("nginx: the same page, 50 comments, as a file", "requests/s"), url))
        port = urlsplit(blog).port or 0
        url = servers.enter_context(caching_nginx(folder / "cache", WORKERS, port))
        loads.append(Load(Row("nginx with its cache in front: the same page", "requests/s"), f"{url}/articles/n50"))
    except RuntimeError as error:
        notes.append(f"nginx was not measured: {error}")
    try:
        sizes = {"/n50": 50, "/n1000": 1_000, "/posts": 50}
        url = servers.enter_context(isso(folder / "isso", WORKERS, sizes))
        # Isso takes seconds for 1,000 comments, so few connections and a longer run give a rate.
        loads += [
            Load(Row("Isso: 50 comments as JSON", "requests/s"), f"{url}/?uri=/n50"),
            Load(Row("Isso: 1,000 comments as JSON", "requests/s"), f"{url}/?uri=/n1000", connections=2, seconds=8),
            Load(Row("Isso: posting a comment", "requests/s"), f"{url}/new?uri=/posts", script="isso_posts.lua"),
        ]
    except RuntimeError as error:
        notes.append(f"Isso was not measured: {error}")
    return loads


def get(url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """The status, the header fields (in lower case) and the body of a response."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers)
    answer = connection.getresponse()
    fields = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read()
    connection.close()
    return answer.status, fields, body


def add_size(load: Load) -> None:
    """Note the bytes of the response's body, as sent."""
    if not load.script:
        status, _, body = get(load.url, {**BROWSER, **load.headers})
        if status >= 400:
            raise RuntimeError(f"{load.row.name}: {load.url} answered {status}")
        load.row.details["bytes"] = len(body)


def run(load: Load, seconds: int) -> None:
    """Add one rate to the row."""
    headers = [f"-H{name}: {value}" for name, value in {**BROWSER, **load.headers}.items()]
    script = ["-s", str(SCRIPTS / load.script)] if load.script else []
    duration = max(seconds, load.seconds or 0)
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{duration}s", "--timeout", "30s", *headers, *script, load.url]
    output = subprocess.run([*command, "--", f"{time.time_ns()}"], capture_output=True, text=True, check=True).stdout
    load.row.values.append(float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0]))
    if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", output):
        load.row.errors += int(refused[1])
