"""PostgreSQL is restarted, hangs, or is slow, while visitors read and comment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.report import Row, milliseconds, p95
from tests.faults.visitors import (
    ACKNOWLEDGED,
    Visitors,
    check,
    make_blog,
    post_comment,
    seconds_until,
    statuses,
)
from tests.harness.postgres import Postgres
from tests.harness.proxy import Proxy
from tests.harness.server import Server, children

SECONDS = 12
ON_DISK = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
Fault = Callable[[], None]


def restarted(folder: Path, rounds: int) -> list[Row]:
    postgres = Postgres(**ON_DISK)
    name = f"PostgreSQL restarted (immediate) after {SECONDS} s"
    return _try(name, folder, postgres, postgres.crash, postgres.start_again)


def silent(folder: Path, rounds: int) -> list[Row]:
    postgres = Postgres(**ON_DISK)

    def send(number: signal.Signals) -> None:
        main = postgres.main_process()
        for process in [main, *children(main)]:
            os.kill(process, number)

    return _try(
        f"PostgreSQL silent for {SECONDS} s (SIGSTOP)",
        folder,
        postgres,
        lambda: send(signal.SIGSTOP),
        lambda: send(signal.SIGCONT),
    )


def slow(folder: Path, rounds: int) -> list[Row]:
    postgres = Postgres(**ON_DISK)
    proxy = Proxy("127.0.0.1", postgres.port)

    def delay(seconds: float) -> None:
        proxy.answer_delay = seconds

    try:
        name = f"PostgreSQL slow by 500 ms an answer for {SECONDS} s"
        return _try(name, folder, postgres, lambda: delay(0.5), lambda: delay(0), proxy)
    finally:
        proxy.close()


def _try(
    fault: str, folder: Path, postgres: Postgres, begin: Fault, end: Fault, proxy: Proxy | None = None
) -> list[Row]:
    """Let visitors act, begin the fault, end it after SECONDS, and see how long the blog takes to be well again."""
    url = postgres.url
    try:
        make_blog(folder, url)
        seen = url.replace(f":{postgres.port}/", f":{proxy.port}/") if proxy else url
        server = Server(folder, workers=2, DATABASE_URL=seen)
        with Visitors(server.port, readers=2) as writers:
            time.sleep(3)
            first, before = len(writers.writes), len(writers.reads)
            begin()
            time.sleep(SECONDS)
            during = writers.reads[before:]
            end()
            seconds = seconds_until(lambda: post_comment(server.port, "Again", 9).status in ACKNOWLEDGED)
        kept = check(writers.acknowledged, folder, url)
        server.stop()
    finally:
        postgres.stop()
    writes = writers.writes[first:]
    measured = f"{len(writers.acknowledged)} acknowledged: {kept.lost} lost, {kept.doubled} doubled"
    is_whole = kept.lost + kept.doubled == 0 and kept.is_whole
    only_503 = {answer.status for answer in writes} <= {*ACKNOWLEDGED, 503}
    slowest = max(answer.seconds for answer in during)
    reads = (
        f"{statuses(during)}; p95 {milliseconds(p95([answer.seconds for answer in during]))}, longest {slowest:.1f} s"
    )
    return [
        Row(fault, "0 acknowledged lost or doubled", measured, is_whole),
        Row(fault, "writes: only 503s", statuses(writes), only_503),
        Row(fault, "cached pages are served", reads, {answer.status for answer in during} == {200}),
        Row(fault, "well again in 10 s", f"{seconds:.1f} s", seconds <= 10),
    ]
