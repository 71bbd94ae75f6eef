"""How the processes of the production server start and end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SECRET_KEY, eventually
from tests.harness.server import ROOT, Server, free_port
from tests.web.connections import GET, connect


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with two workers."""
    server = Server(tmp_path_factory.mktemp("server"), workers=2)
    yield server
    server.kill()


def test_killed_workers_are_replaced_every_time(server: Server) -> None:
    assert len(server.workers()) == 2
    for _ in range(3):
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda old=killed: old not in server.workers() and len(server.workers()), 2)  # type: ignore[misc]
        with connect(server, GET) as reader:
            assert reader.answer()[0] == 200


@pytest.mark.parametrize("milliseconds", [0, 500, 1000, 1800])
def test_sigterm_ends_the_server_at_any_moment(tmp_path: Path, milliseconds: int) -> None:
    environ = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
        "BLOGAPP_TEST_FOLDER": str(tmp_path),
        "SECRET_KEY": SECRET_KEY,
        "PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "blogapp.web.server", "tests.harness.wsgi:app"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        time.sleep(milliseconds / 1000)
        process.terminate()
        # Shorter than the timeout after which the main process kills workers. Its log is not evidence: two of granian's
        # threads wait for a worker, and on a busy machine one of them can take an ended worker for a running one.
        assert process.wait(timeout=7) in {0, -signal.SIGTERM}


def test_signals_in_quick_succession_end_the_server(tmp_path: Path) -> None:
    server = Server(tmp_path)
    main = server.main_process()
    with contextlib.suppress(ProcessLookupError):
        for _ in range(400):  # too few to nest their handlers up to Python's limit
            os.kill(main, signal.SIGTERM)
            sum(range(300))  # some microseconds, in which the handler of the signal before is still running
    try:
        eventually(lambda: is_running(main), False)
    finally:
        server.kill()


def test_signal_during_wait_or_set_does_not_block_the_process() -> None:
    program = """
import signal
from blogapp.web.server import Wakeup
wakeup = Wakeup()
signal.signal(signal.SIGALRM, lambda *_: wakeup.set())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(400_000):  # the loop is always in one of these functions when a signal arrives
    wakeup.set()
    wakeup.wait()
    wakeup.clear()
signal.setitimer(signal.ITIMER_REAL, 0)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0


def test_sigterm_between_the_fork_and_the_first_line_of_a_worker_ends_it() -> None:
    program = """
import os, signal
from blogapp.web.server import prepare_workers
signal.signal(signal.SIGTERM, lambda *_: None)  # as in the main process: nothing happens in a worker
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
prepare_workers()
worker = os.fork()
if not worker:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
print(signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [str(-signal.SIGTERM), "False"], done.stderr


def test_workers_end_when_the_main_process_is_killed(server: Server) -> None:
    main = server.main_process()
    workers = server.workers()
    assert len(workers) == 2
    os.kill(main, signal.SIGKILL)
    eventually(lambda: [worker for worker in workers if is_running(worker)], [])
    server.kill()
    server.start()
    with connect(server, GET) as reader:
        assert reader.answer()[0] == 200


def test_worker_with_a_running_request_ends_when_the_main_process_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path, app="tests.web.sleeping:app")
    main = server.main_process()
    [worker] = server.workers()
    with connect(server, b"GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n"):
        os.kill(main, signal.SIGKILL)
        eventually(lambda: is_running(worker), False)
    server.kill()


def is_running(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_port_in_use_is_reported_in_one_sentence(server: Server, tmp_path: Path) -> None:
    environ = {**os.environ, "PORT": str(server.port)}
    command = [sys.executable, "-m", "blogapp.web.server"]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{server.port} cannot be used: Address already in use." in done.stderr
    assert "Traceback" not in done.stderr


def test_makefile_and_procfile_start_the_same_server() -> None:
    assert (ROOT / "Procfile").read_text().endswith("python -m blogapp.pages.serve\n")
    assert "python -m blogapp.pages.serve\n" in (ROOT / "Makefile").read_text()
    # It upgrades the database first, then calls the server's main().
    assert "server.main(" in (ROOT / "blogapp" / "pages" / "serve.py").read_text()
