"""A server that is killed, or stopped by its host, while four visitors comment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from tests.faults.report import Row
from tests.faults.visitors import Visitors, check, make_blog
from tests.harness.server import ROOT, Server
from tests.harness.supervised_process import supervise

KILL, STOP = "kill -9 under four writers", "SIGTERM at any moment, under four writers"


def kill(folder: Path, rounds: int) -> list[Row]:
    make_blog(folder)
    server = Server(folder, workers=2)
    starts, wrong = list[float](), 0
    with Visitors(server.port) as visitors:
        for _ in range(rounds):
            time.sleep(random.uniform(0.05, 0.6))
            server.kill()
            start = time.monotonic()
            server.start()
            starts.append(time.monotonic() - start)
            wrong += not check([], folder).is_whole
    server.stop()
    kept = check(visitors.acknowledged, folder)
    measured = f"{len(visitors.acknowledged)} acknowledged: {kept.lost} lost, {kept.doubled} doubled"
    return [
        Row(f"{KILL}, {rounds} times", "0 acknowledged lost or doubled", measured, kept.lost + kept.doubled == 0),
        Row(KILL, "integrity_check ok, counters right", f"{wrong} times not", wrong == 0 and kept.is_whole),
        Row(KILL, "back in 2 s", f"at most {max(starts):.1f} s", max(starts) <= 2),
    ]


def stop(folder: Path, rounds: int) -> list[Row]:
    make_blog(folder)
    server = Server(folder, workers=2)
    server.stop()
    ends, statuses = list[float](), set[int]()
    with Visitors(server.port) as visitors:
        for number in range(rounds):
            if number % 2:  # while it serves
                server.start()
                process = server.process
            else:  # while it starts
                process = supervise(server.command, folder / "server.log", "TERM", env=server.environ, cwd=ROOT)
            time.sleep(random.uniform(0, 1))
            assert process
            start = time.monotonic()
            process.end()
            try:
                statuses.add(process.wait(timeout=20))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            ends.append(time.monotonic() - start)
        server.start()
        time.sleep(1)
    server.stop()
    kept = check(visitors.acknowledged, folder)
    measured = f"{len(visitors.acknowledged)} acknowledged: {kept.lost} lost, {kept.doubled} doubled"
    return [
        Row(f"{STOP}, {rounds} times", "ends within 8 s", f"at most {max(ends):.1f} s", max(ends) <= 8),
        Row(STOP, "exit status 0, or 143 while it starts", f"{sorted(statuses)}", statuses <= {0, 143}),
        Row(STOP, "0 acknowledged lost or doubled", measured, kept.lost + kept.doubled == 0 and kept.is_whole),
    ]
