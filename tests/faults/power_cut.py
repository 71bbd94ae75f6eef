"""A power cut loses nothing that was acknowledged, because a comment is synced to the disk before its response."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.faults.report import Row, not_tried
from tests.faults.visitors import ACKNOWLEDGED, make_blog, post_comment
from tests.harness.programs import installed
from tests.harness.server import Server

FAULT = "power cut"
COMMENTS = 40
SYNC = re.compile(r"(\d+\.\d+) (?:f(?:data)?sync\(.*|<\.\.\. f(?:data)?sync resumed>.*)= 0")


def power_cut(folder: Path, rounds: int) -> list[Row]:
    strace = installed("strace")
    if strace is None:
        return not_tried(FAULT, "needs strace: apt install strace")
    make_blog(folder)
    server, log = Server(folder), folder / "strace"
    server.stop()
    server.command = [strace, "-f", "-ttt", "-e", "trace=fsync,fdatasync", "-o", str(log), *server.command]
    server.start()
    times = list[tuple[float, float]]()
    for number in range(COMMENTS):
        sent = time.time()
        if post_comment(server.port, f"Text {number}").status in ACKNOWLEDGED:
            times.append((sent, time.time()))
    server.kill()  # strace ignores SIGTERM
    syncs = [float(found[1]) for found in SYNC.finditer(log.read_text())]
    synced = sum(any(sent < moment < answered for moment in syncs) for sent, answered in times)
    measured = f"{synced} of {COMMENTS} comments, {len(syncs)} syncs in all"
    return [Row(FAULT, "an fsync before each acknowledgement", measured, synced == COMMENTS)]
