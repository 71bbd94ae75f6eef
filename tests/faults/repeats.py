"""A proxy that repeats a POST, and 20,000 requests of everything."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import func, select

from benchmarks import memory
from blogapp.comments.models import Comment
from blogapp.db.base import db
from tests.faults.report import Row
from tests.faults.visitors import ACKNOWLEDGED, database, make_blog, post_comment, statuses
from tests.harness.server import Server

TIMES = 8
# Before the first measurement the caches fill.
WARM_UP, REQUESTS = 4_000, 20_000


def repeated_post(folder: Path, rounds: int) -> list[Row]:
    """The same request at the same time to two processes, and once more later."""
    make_blog(folder)
    server = Server(folder, workers=2)
    with ThreadPoolExecutor(TIMES) as pool:
        answers = list(pool.map(lambda _: post_comment(server.port, "Only once"), range(TIMES)))
    answers.append(post_comment(server.port, "Only once"))
    server.stop()
    with database(folder):
        stored = db.session.scalar(select(func.count()).select_from(Comment))
    places = {answer.fields.get("location") for answer in answers}
    is_right = stored == 1 and len(places) == 1 and all(answer.status in ACKNOWLEDGED for answer in answers)
    fault = f"a proxy that repeats a POST, {len(answers)} times"
    return [Row(fault, "one comment, the same answer", f"{stored} stored; {statuses(answers)}", is_right)]


def many_requests(folder: Path, rounds: int) -> list[Row]:
    """As many requests as `rounds`."""
    memory.publish_articles(folder)
    server = Server(folder, workers=2, TRUSTED_PROXIES="1", RATELIMIT_ENABLED="on")
    memory.send_all(server, range(WARM_UP))
    before, files = _settled(server)
    answers = memory.send_all(server, range(WARM_UP, WARM_UP + rounds))
    after, files_after = _settled(server)
    server.stop()
    failed = sum(count for status, count in answers.items() if status >= 500)
    fault = f"{rounds:,} requests of everything"
    more = max(end - start for start, end in zip(before, after, strict=True))
    return [
        Row(fault, "at most 5 MB more a worker", f"{more:.1f} MB more ({max(after):.0f} MB)", more <= 5),
        Row(fault, "no descriptor left over", f"{files} before, {files_after} after", files_after <= files),
        Row(fault, "no 5xx", f"{failed}", failed == 0),
    ]


def _settled(server: Server) -> tuple[list[float], int]:
    """The workers' memory in MB, after free memory was returned (every five seconds), and the number of their open
    files. Those of the database do not count: threads open connections, of which the pool keeps a limited number."""
    time.sleep(11)
    files = [file for worker in server.workers() for file in Path(f"/proc/{worker}/fd").iterdir()]
    return memory.memory_of_workers(server), sum("blog.sqlite3" not in str(file.readlink()) for file in files)
