"""Run the benchmarks: `python -m benchmarks [PART...] [--seconds N] [--runs N]`.

Prints the tables, stores the values in docs/benchmarks.json, and makes docs/BENCHMARKS.md, docs/benchmarks.svg and the
table of docs/PERFORMANCE.md from it. `report` as the only part makes them again without measuring.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks import browser, capacity, chart, isso, lighthouse, memory, pages, report, requests, results, start
from benchmarks.results import BARE, Part, Row
from blogapp import clock
from tests.harness.postgres import Postgres
from tests.harness.server import ROOT

RUNS = 3
SECONDS = 2
MIXED_REQUESTS = 20_000
Found = tuple[list[Row], list[str]]


def sqlite(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return requests.measure(Path(folder), f"sqlite:///{folder}/blog.sqlite3", seconds, runs)


def postgresql(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        return requests.measure(Path(folder), url, seconds, runs)


def rendered_pages(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        rows = pages.measure(Path(folder), f"sqlite:///{folder}/blog.sqlite3", runs)
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        return rows + pages.measure(Path(folder), url, runs), []


def memory_of_workers(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return memory.measure(Path(folder), MIXED_REQUESTS if runs >= RUNS else MIXED_REQUESTS // 10), []


def start_time(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return start.measure(Path(folder), runs), []


def in_browser(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return browser.measure(Path(folder), runs), []


def lighthouse_scores(seconds: int, runs: int) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return lighthouse.measure(Path(folder), runs)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL database. It syncs commits to disk, unlike that of the tests."""
    cluster = Postgres(fsync="on", full_page_writes="on", synchronous_commit="on", autovacuum="on")
    try:
        yield cluster.url
    finally:
        cluster.stop()


PARTS: dict[str, Callable[[int, int], Found]] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
    "pages": rendered_pages,
    "memory": memory_of_workers,
    "start": start_time,
    "browser": in_browser,
    "lighthouse": lighthouse_scores,
}


def main() -> int:
    """Returns the exit status: 1 if a part could not be measured, or if a Lighthouse score is below 100."""
    arguments = parse_arguments()
    stored = results.load()
    began = time.monotonic()
    is_complete = True
    for name in arguments.parts:
        print(f"{report.SECTIONS[name][0]} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
        try:
            rows, notes, bare_rate = measure(name, arguments.seconds, arguments.runs)
        except (Exception, SystemExit) as error:  # browser.ensure() exits if there is no Chromium
            if not isinstance(error, (RuntimeError, SystemExit)):
                traceback.print_exc()
            print(f"{name} was not measured: {error}", file=sys.stderr)
            is_complete = False
            continue
        part = Part(rows, str(clock.now().date()), commit(), notes, bare_rate)
        print(report.section(name, part), flush=True)
        stored.parts[name] = part
        if not arguments.dry_run:
            results.save(stored)
        if name == "lighthouse":
            is_complete = is_complete and all(part.reaches_goal(row) for row in rows)
    if not arguments.dry_run:
        if arguments.parts:
            stored.machine, stored.versions = machine(), versions()
        results.save(stored)
        report.write(stored)
        chart.write(stored)
        capacity.write(stored)
    print(f"{time.monotonic() - began:.0f} seconds.", file=sys.stderr)
    return 0 if is_complete else 1


def measure(name: str, seconds: int, runs: int) -> tuple[list[Row], list[str], float | None]:
    """The rows and notes of a part, and the rate of a bare Flask view in the same minutes."""
    if name not in {"pages", "start"}:
        rows, notes = PARTS[name](seconds, runs)
        return rows, notes, next((row.median for row in rows if row.name == BARE), None)
    before = requests.bare_rate(seconds)
    rows, notes = PARTS[name](seconds, runs)
    after = requests.bare_rate(seconds)
    return rows, notes, None if before is None or after is None else (before + after) / 2


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the blog.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, or report; default: all but lighthouse"
    )
    parser.add_argument("--seconds", type=int, default=SECONDS, help="length of a run of wrk")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each measurement")
    parser.add_argument("--dry-run", action="store_true", help="store nothing in docs/")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - {*PARTS, "report"}:
        parser.error(f"unknown part: {', '.join(unknown)}")
    chosen = arguments.parts or [name for name in PARTS if name != "lighthouse"]
    arguments.parts = [name for name in PARTS if name in chosen]
    return arguments


def commit() -> str:
    """The commit of the code, with "-dirty" if it was changed; the pages in docs/ are written by each part."""
    described = output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    is_changed = output("git", "-C", str(ROOT), "status", "--porcelain", "--", ".", ":!docs")
    return f"{described}-dirty" if described and is_changed else described or "unknown"


def machine() -> dict[str, str]:
    processors = re.findall(r"^model name\s*: (.+)$", read("/proc/cpuinfo"), re.MULTILINE)
    memory_kib = re.findall(r"^MemTotal:\s+(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    return {
        "Processor": f"{processors[0] if processors else platform.processor() or platform.machine()}",
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory_kib[0]) / 1024**2:.0f} GiB" if memory_kib else "unknown",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    import sqlite3

    found = {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("flask", "granian", "sqlalchemy", "jinja2")},
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": output("postgres", "--version"),
        "wrk": output("wrk", "--version"),
        "nginx": output("nginx", "-v"),
        "Isso": isso.VERSION,
        "Chromium": output(shutil.which("chromium") or "chromium", "--version"),
    }
    numbers = {name: re.search(r"\d+(\.\d+)+", text) for name, text in found.items()}
    return {name: number[0] for name, number in numbers.items() if number}


def output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
