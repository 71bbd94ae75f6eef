"""Run the production server in a separate process."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from pathlib import Path

from tests.harness.supervised_process import SupervisedProcess, supervise

ROOT = Path(__file__).parent.parent.parent


class Server:
    """The server on a free port; its data and its log are in `folder`. `environ` has settings of the blog.
    `app` is the application, `module` the program that serves it, `code` the folder of the code. It has started when
    `ready` is answered with 200."""

    def __init__(
        self,
        folder: Path,
        workers: int = 1,
        app: str = "tests.harness.wsgi:app",
        module: str = "blogapp.web.server",
        code: str | Path = ROOT,
        ready: str = "/readyz",
        **environ: str,
    ) -> None:
        self.folder = folder
        self.code = code
        self.ready = ready
        self.command = [sys.executable, "-m", module, app]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
            "BLOGAPP_TEST_FOLDER": str(folder),
            "FLASK_SKIP_DOTENV": "1",
            "SECRET_KEY": "a key for tests, and for nothing else",
            "RATELIMIT_ENABLED": "off",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
            **environ,
        }
        self.process: SupervisedProcess | None = None
        self.start()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = supervise(self.command, self.folder / "server.log", "TERM", env=self.environ, cwd=self.code)
        for _ in range(600):
            if self.answers(self.ready):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self.log()}")

    def stop(self) -> int:
        """End the server as a host does (SIGTERM); returns its exit status."""
        assert self.process is not None
        self.process.end()
        return self.process.wait(timeout=30)

    def kill(self) -> int:
        """End all processes of the server as a crash does (SIGKILL)."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.stop()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def main_process(self) -> int:
        """The process id of the server's main process."""
        assert self.process is not None
        return next(child for child in children(self.process.pid) if children(child))

    def workers(self) -> list[int]:
        """The process ids of the worker processes."""
        return children(self.main_process())

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def answers(self, path: str) -> bool:
        """Whether `path` is answered with 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in found.split()]
