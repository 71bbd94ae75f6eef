"""The access log of the production server."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

import pytest

from blogapp.web.access_log import access_log
from tests.harness.server import Server

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z-]+ \S+ \d{3} \d+\.\dms \d+B [A-Za-z0-9._-]+")


def line_of(capfd: pytest.CaptureFixture[str], path: str, style: str = "text", **values: str) -> str:
    write = access_log(style)
    assert write is not None
    write(values.get("method", "GET"), path, 200, 0.0123, 5, values.get("request_id", "abc"))
    return capfd.readouterr().out


def test_line_has_what_an_operator_needs(capfd: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"\S+Z GET /articles/birds 200 12\.3ms 5B abc\n", line_of(capfd, "/articles/birds"))


def test_json_line_has_the_same_values(capfd: pytest.CaptureFixture[str]) -> None:
    line = json.loads(line_of(capfd, "/é", "json"))
    assert line.pop("time").endswith("Z")
    assert line == {
        "method": "GET",
        "path": "/%C3%A9",
        "status": 200,
        "ms": 12.3,
        "bytes": 5,
        "request_id": "abc",
    }


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/a\nb\x1b[31m", "/a%0Ab%1B%5B31m"),
        ("/a b\u2028c", "/a%20b%E2%80%A8c"),
        ("/hello/marie@example.org", "/hello/(e-mail)"),
        ("/hello/marie%40example.org/x", "/hello/(e-mail)/x"),
        ("/drafts/a-secret-address", "/drafts/(secret)"),
        ("/blog/moderate/a-token/approval", "/blog/moderate/(secret)"),
        ("/" + "x" * 9_000, "/" + "x" * 499),
        ("/\ud800", "/%3F"),
    ],
)
def test_path_is_masked_and_has_no_control_characters(
    capfd: pytest.CaptureFixture[str], path: str, logged: str
) -> None:
    assert line_of(capfd, path).split(" ")[2] == logged


def test_forged_method_and_request_id_are_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    line = line_of(capfd, "/", method="GET\nGET", request_id="a b\nc")
    assert LINE.fullmatch(line.rstrip("\n"))
    assert " - / 200" in line


def test_log_is_off_by_default() -> None:
    assert access_log("off") is None


def test_server_logs_each_request_once_without_addresses(tmp_path: Path) -> None:
    server = Server(tmp_path, ACCESS_LOG="text", TRUSTED_PROXIES="1")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    fields = {"X-Forwarded-For": "203.0.113.77", "X-Request-Id": "proxy-7"}
    for path in ("/healthz", "/?q=marie@example.org", "/nothing-here"):
        connection.request("GET", path, headers=fields)
        connection.getresponse().read()
    connection.close()
    server.stop()
    lines = [line for line in server.log().splitlines() if "proxy-7" in line]
    assert all(LINE.fullmatch(line) for line in lines)
    assert [line.split(" ")[1:4] for line in lines] == [
        ["GET", "/healthz", "200"],
        ["GET", "/", "200"],
        ["GET", "/nothing-here", "404"],
    ]
    assert "203.0.113.77" not in server.log()
    assert "example.org" not in server.log()
