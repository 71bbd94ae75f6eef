"""A starting server prints how to set up the blog, once for all its workers, until the setup is done."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from blogapp.web.server import listening_address
from tests.harness.server import Server

FORM = {"name": "Zoé", "password": "a long pass phrase", "site_title": "Blog", "lang": "en", "time_zone": "UTC"}


def test_workers_share_one_code_until_the_setup_is_done(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2, BLOGAPP_TEST_SETUP="1")
    codes = re.findall(rf"^Set up the blog at {server.url}/owner/setup\?setup_code=(\S+)$", server.log(), re.MULTILINE)
    assert len(codes) == 1
    # New connections, so that both workers get some.
    wrong = [status_of(server, setup_code="AAAA-AAAA-AAAA") for _ in range(6)]
    assert wrong == [422] * 6
    short = [status_of(server, setup_code=codes[0], password="short") for _ in range(6)]
    assert short == [422] * 6
    assert status_of(server, setup_code=codes[0]) == 200
    assert [status_of(server, setup_code=codes[0]) for _ in range(6)] == [409] * 6
    server.stop()
    (tmp_path / "server.log").write_text("")
    server.start()
    assert "Set up the blog" not in server.log()
    server.stop()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("0.0.0.0", "https://(your address)"),
        ("::", "https://(your address)"),
    ],
)
def test_address_in_messages(host: str, address: str) -> None:
    assert listening_address(host, 8000) == address


def status_of(server: Server, **fields: str) -> int:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/owner/setup", urlencode({**FORM, **fields}), headers)
    status = connection.getresponse().status
    connection.close()
    return status
