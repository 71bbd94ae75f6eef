"""Isso, another comment server in Python, for comparison: installed from PyPI in an environment of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.content import comment_texts
from tests.harness.server import ROOT, free_port
from tests.harness.supervised_process import supervise

VERSION = "0.14.0"
ENVIRONMENT = ROOT / ".bench" / f"isso-{VERSION}"
SETTINGS = """[general]
dbpath = {database}
host = http://127.0.0.1:{port}/
notify =
[guard]
enabled = false
"""


def install() -> Path:
    """The Python of Isso's environment, which is created if necessary. Raises RuntimeError if that fails."""
    python = ENVIRONMENT / "bin" / "python"
    if (ENVIRONMENT / "bin" / "isso").exists():
        return python
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), f"isso=={VERSION}", "granian"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Isso could not be installed from PyPI: {done.stderr.strip().splitlines()[-1]}")
    return python


@contextmanager
def isso(folder: Path, workers: int, sizes: dict[str, int]) -> Iterator[str]:
    """The URL of a running Isso. `sizes` has the number of comments of each of its threads, by address (`/n50`)."""
    python = install()
    folder.mkdir(parents=True)
    port = free_port()
    settings, database = folder / "isso.cfg", folder / "isso.sqlite3"
    settings.write_text(SETTINGS.format(database=database, port=port))
    command = [str(python), "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", str(workers)]
    process = supervise(
        [*command, "--blocking-threads", "8", "isso.run:application"],
        folder / "log",
        "TERM",
        env={"PATH": "/usr/bin:/bin", "ISSO_SETTINGS": str(settings)},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_answering(f"{url}/count", folder / "log")
        add_comments(database, sizes)
        yield url
    finally:
        process.end()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            # A worker of its server sometimes does not stop after the load. What was measured must not be lost.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_answering(url: str, log: Path) -> None:
    for _ in range(200):
        # Isso has no page for GET here; any answer shows that it is running.
        if subprocess.run(["curl", "-s", "-o", "/dev/null", url], check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"Isso did not start: {log.read_text(errors='replace')[-500:]}")


def add_comments(database: Path, sizes: dict[str, int]) -> None:
    """Insert the threads and their comments, the same texts as in the articles of this blog."""
    texts = comment_texts()
    with sqlite3.connect(database) as connection:
        for address, size in sizes.items():
            thread = connection.execute("INSERT INTO threads (uri, title) VALUES (?, ?)", (address, address)).lastrowid
            connection.executemany(
                "INSERT INTO comments (tid, created, mode, remote_addr, text, author, likes, dislikes, voters,"
                " notification) VALUES (?, ?, 1, ?, ?, ?, 0, 0, x'', 0)",
                (
                    (
                        thread,
                        1767312000 + number,
                        f"10.0.{number % 250}.0",
                        texts[number % len(texts)],
                        f"Visitor {number}",
                    )
                    for number in range(size)
                ),
            )
    connection.close()
