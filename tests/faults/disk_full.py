"""The disk with the data and the log fills up, and has space again later."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from threading import Thread

from tests.faults.report import Row, not_tried
from tests.faults.visitors import ACKNOWLEDGED, ARTICLE, Answer, ask, make_blog, post_comment, seconds_until, statuses
from tests.harness.server import Server

FAULT = "disk full"
SIZE = "16m"
TEXT = "A text to keep. " * 250


def disk_full(folder: Path, rounds: int) -> list[Row]:
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, timeout=60, check=False).returncode:
        return not_tried(FAULT, "needs to mount a small disk: run as root")
    try:
        return _fill(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _fill(folder: Path) -> list[Row]:
    make_blog(folder)
    server = Server(folder, workers=2)
    for path in ("/", ARTICLE):
        ask(server.port, "GET", path)
    filler = folder / "filler"
    fill(filler)
    writes, reads = list[Answer](), list[Answer]()

    def read() -> None:
        for number in range(60):
            # Cached pages, and pages that are rendered during the fault.
            for path in ("/", ARTICLE, f"{ARTICLE}?sort=newest&notice=liked-{number}", "/privacy", "/search?q=sing"):
                reads.append(ask(server.port, "GET", path))

    reader = Thread(target=read)
    reader.start()
    is_kept, has_field = True, True
    for number in range(60):
        fill(filler)
        answer = post_comment(server.port, f"{TEXT} {number}")
        writes.append(answer)
        if answer.status == 503:
            has_field = has_field and "retry-after" in answer.fields
            is_kept = is_kept and f"{TEXT} {number}</textarea>" in answer.text
        time.sleep(0.05)
    reader.join()
    refused = [answer for answer in writes if answer.status not in ACKNOWLEDGED]
    filler.unlink()
    seconds = seconds_until(lambda: post_comment(server.port, f"Again {TEXT}").status in ACKNOWLEDGED)
    server.stop()
    return [
        Row(FAULT, "every read 200", statuses(reads), {answer.status for answer in reads} == {200}),
        Row(FAULT, "writes 503", statuses(writes), {answer.status for answer in refused} == {503}),
        Row(FAULT, "with Retry-After and the text kept", f"{has_field}, {is_kept}", has_field and is_kept),
        Row(FAULT, "well again in 10 s", f"{seconds:.1f} s", seconds <= 10),
    ]


def fill(path: Path) -> None:
    try:
        with path.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
