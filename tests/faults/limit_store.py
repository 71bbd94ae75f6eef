"""The Redis or Valkey with the counters of the rate limits stops or hangs."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

from tests.faults.report import Row, milliseconds, not_tried, p95
from tests.faults.visitors import Answer, ask, make_blog, statuses
from tests.harness.redis import Redis
from tests.harness.server import Server

PREVIEWS_PER_MINUTE = 60


def stopped(folder: Path, rounds: int) -> list[Row]:
    return _try("Valkey stopped", folder, signal.SIGKILL)


def hung(folder: Path, rounds: int) -> list[Row]:
    return _try("Valkey hung (SIGSTOP)", folder, signal.SIGSTOP)


def _try(fault: str, folder: Path, how: signal.Signals) -> list[Row]:
    if importlib.util.find_spec("redis") is None:
        return not_tried(fault, "needs the Python package redis: make setup")
    try:
        redis = Redis()
    except RuntimeError as error:
        return not_tried(fault, str(error))
    make_blog(folder)
    server = Server(folder, RATELIMIT_ENABLED="on", RATELIMIT_STORAGE_URI=redis.url, TRUSTED_PROXIES="1")
    before = [_preview(server, number) for number in range(200)]
    redis.send(how)
    during = [_preview(server, number) for number in range(200)]
    one_network = [_preview(server, 999) for _ in range(PREVIEWS_PER_MINUTE + 20)]
    server.stop()
    redis.stop()
    more = max(answer.seconds for answer in during) - p95([answer.seconds for answer in before])
    allowed = sum(answer.status == 200 for answer in one_network)
    return [
        Row(fault, "no 5xx", statuses(during), {answer.status for answer in during} == {200}),
        # More if a minute ends meanwhile: a window begins with its first action.
        Row(
            fault,
            "limits go on in memory",
            f"{allowed} of {len(one_network)} allowed",
            {answer.status for answer in one_network} == {200, 429} and allowed == PREVIEWS_PER_MINUTE,
        ),
        Row(fault, "at most 100 ms more a request", f"at most {milliseconds(more)} more", more <= 0.1),
    ]


def _preview(server: Server, number: int) -> Answer:
    """The preview of a comment, sent from network `number`."""
    network = f"10.{number // 250}.{number % 250}.1"
    return ask(server.port, "POST", "/comments/preview", {"body": "Hello"}, X_Forwarded_For=network)
