"""The shell that ends a server with the test run."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.harness.supervised_process import supervise


def test_no_process_is_left_that_could_end_another_program(tmp_path: Path) -> None:
    """A process that still waited for the end of the run would send its signal to the next owner of the server's id."""
    process = supervise(["sh", "-c", "exit 3"], tmp_path / "log", "TERM")
    assert process.wait(timeout=30) == 3
    for _ in range(500):  # until its parent has noticed that it has ended
        if not is_left(process.pid):
            break
        time.sleep(0.02)
    assert not is_left(process.pid)
    process.end()


def is_left(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
