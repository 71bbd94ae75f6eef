"""Measure the time from starting the server to its first response with an article."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.content import add_article, create_blog, release
from benchmarks.results import Row
from tests.conftest import SECRET_KEY
from tests.harness.server import ROOT, free_port

SERVER = [sys.executable, "-m", "blogapp.web.server"]
LONGEST = 120.0


def measure(folder: Path, runs: int) -> list[Row]:
    app = create_blog(folder, f"sqlite:///{folder / 'blog.sqlite3'}")
    add_article(app, "n50", 50)
    release(app)
    server = Row("the server process of `make serve`", "s", goal=0.7, at_most=True)
    whole = Row("`make serve`, with its check of the database", "s")
    uncompiled = Row("the server process, no module compiled", "s")
    for _ in range(runs):
        server.values.append(seconds_to_article(SERVER, folder))
        whole.values.append(seconds_to_article(["make", "--silent", "serve"], folder))
    # Once: it takes up to half a minute on a busy machine.
    with tempfile.TemporaryDirectory() as empty:
        uncompiled.values.append(seconds_to_article(SERVER, folder, PYTHONPYCACHEPREFIX=empty))
    return [server, whole, uncompiled]


def seconds_to_article(command: list[str], folder: Path, **environ: str) -> float:
    port = free_port()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
            **{"SECRET_KEY": SECRET_KEY, "DATA_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port)},
            **environ,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    began = time.perf_counter()
    try:
        while not has_article(port):
            if process.poll() is not None or time.perf_counter() - began > LONGEST:
                raise RuntimeError(f"{' '.join(command)} did not answer")
            time.sleep(0.002)
        return time.perf_counter() - began
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def has_article(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/articles/n50")
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return False
    finally:
        connection.close()
    return answer.status == 200
