"""Another process holds the write lock of the SQLite database."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from tests.faults.report import Row, milliseconds, p95
from tests.faults.visitors import ACKNOWLEDGED, Visitors, check, make_blog, post_comment, seconds_until, statuses
from tests.harness.server import Server

SECONDS = 15
FAULT = f"database locked for {SECONDS} s"


def locked_database(folder: Path, rounds: int) -> list[Row]:
    make_blog(folder)
    server = Server(folder, workers=2)
    other = sqlite3.connect(folder / "blog.sqlite3", isolation_level=None)
    with Visitors(server.port, readers=2) as visitors:
        time.sleep(1)
        other.execute("BEGIN IMMEDIATE")
        first_read, first_write = len(visitors.reads), len(visitors.writes)
        time.sleep(SECONDS)
        reads = visitors.reads[first_read:]
        other.execute("ROLLBACK")
        seconds = seconds_until(lambda: post_comment(server.port, "Again", 9).status in ACKNOWLEDGED)
    answers = visitors.writes[first_write:]
    writes = [answer.seconds for answer in answers]
    other.close()
    server.stop()
    kept = check(visitors.acknowledged, folder)
    slowest = p95([answer.seconds for answer in reads])
    is_right = {answer.status for answer in answers} <= {*ACKNOWLEDGED, 503}
    return [
        Row(FAULT, "reads p95 under 100 ms", f"{milliseconds(slowest)}; {statuses(reads)}", slowest < 0.1),
        Row(FAULT, "no write hangs over 10 s", f"at most {max(writes):.2f} s", max(writes) <= 10),
        Row(FAULT, "no 500", statuses(answers), is_right),
        Row(FAULT, "0 acknowledged lost", f"{kept.lost} lost, {kept.doubled} doubled", kept.lost + kept.doubled == 0),
        Row(FAULT, "well again in 10 s", f"{seconds:.1f} s", seconds <= 10),
    ]
