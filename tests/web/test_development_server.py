"""`flask run`, over real sockets: bodies that are too large, too slow or chunked, and its log."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blogapp.web.request_bodies import LARGEST_BODY
from tests.conftest import SECRET_KEY
from tests.harness.server import ROOT, free_port
from tests.harness.supervised_process import supervise
from tests.web.connections import GET, connect, post

CHUNKED = b"POST /owner/sign-in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class FlaskRun:
    """A `flask run` process on a free port; `folder` has its data and its log."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "log"
        environ = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            "DATA_DIR": str(folder),
            "SECRET_KEY": SECRET_KEY,
        }
        command = [sys.executable, "-m", "flask", "--app", "tests.web.short_deadline", "run", "--port", str(self.port)]
        self._process = supervise(command, self._log, "TERM", env=environ, cwd=ROOT)
        while "The site is at" not in self.log():
            assert self._process.poll() is None, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        self._process.end()
        self._process.wait(timeout=30)


@pytest.fixture(scope="module")
def flask_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskRun]:
    server = FlaskRun(tmp_path_factory.mktemp("flask-run"))
    yield server
    server.stop()
    assert "Traceback" not in server.log()
    assert "Exception" not in server.log()


@pytest.fixture(autouse=True)
def next_request_works(flask_run: FlaskRun) -> Iterator[None]:
    yield
    with connect(flask_run, GET) as reader:
        assert reader.answer()[0] == 302  # to the setup, because the blog is empty


@pytest.mark.parametrize("length", [LARGEST_BODY + 1, 15_000_000])
def test_large_body_gets_the_page_for_413(flask_run: FlaskRun, length: int) -> None:
    with connect(flask_run, post("/owner/sign-in", b"x" * length)) as client:
        status, fields, page = client.answer()
        assert status == 413
        assert fields["connection"] == "close"
        assert '<html lang="en"' in page
        assert client.is_closed()


def test_large_body_that_never_ends_gets_the_page_for_413(flask_run: FlaskRun) -> None:
    with connect(flask_run, post("/owner/sign-in", b"x" * 1000, length=10**15)) as client:
        assert client.answer()[0] == 413
        assert client.is_closed()


def test_body_that_stops_gets_the_page_for_408(flask_run: FlaskRun) -> None:
    with connect(flask_run, post("/owner/sign-in", b"name=", length=1000)) as client:
        assert client.answer()[0] == 408
        assert client.is_closed()


def test_incomplete_body_is_not_used(flask_run: FlaskRun) -> None:
    with connect(flask_run, post("/owner/sign-in", b"name=a&password=b", length=30)) as client:
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer()[0] == 408


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\na=bcd\r\n0\r\n\r\n",
        b"5\r\na=bcd\r\n",
        (b"10000\r\n" + b"a" * 65_536 + b"\r\n") * 20 + b"0\r\n\r\n",
        b"not a chunk",
    ],
    ids=["complete", "unfinished", "large", "invalid"],
)
def test_chunked_body_gets_the_page_for_411(flask_run: FlaskRun, body: bytes) -> None:
    with connect(flask_run, CHUNKED + body) as client:
        status, _, page = client.answer()
        assert status == 411
        assert '<html lang="en"' in page
        assert client.is_closed()


@pytest.mark.parametrize(
    ("path", "field", "expected"),
    [
        ("/none/none", "X-Name: 1", 404),
        ("/privacy", "X-Name: 1", 405),
        ("/owner/sign-in", "Sec-Fetch-Site: cross-site", 403),
    ],
)
def test_error_to_a_post_with_a_body_is_answered(flask_run: FlaskRun, path: str, field: str, expected: int) -> None:
    for _ in range(3):
        with connect(flask_run, post(path, b"x" * 60_000, field)) as client:
            status, fields, _ = client.answer()
            assert status == expected
            assert fields["connection"] == "close"
            assert client.is_closed()


def test_body_within_the_limit_is_used(flask_run: FlaskRun) -> None:
    with connect(flask_run, post("/owner/sign-in", b"name=a&password=b")) as client:
        assert client.answer()[0] == 422


def test_date_header_is_sent_once(flask_run: FlaskRun) -> None:
    for path in ("/", "/none", "/healthz", "/favicon.ico"):
        with connect(flask_run, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()) as client:
            client.answer()
            assert client.names.count("date") == 1


def test_log_has_the_url_of_the_site_and_no_visitor_address(flask_run: FlaskRun) -> None:
    assert f"The site is at http://127.0.0.1:{flask_run.port} (" in flask_run.log()
    assert "WARNING: This is a development server" not in flask_run.log()
    assert "127.0.0.1 - -" not in flask_run.log()
    assert f"\nSet up the blog at http://127.0.0.1:{flask_run.port}/owner/setup?setup_code=" in flask_run.log()
