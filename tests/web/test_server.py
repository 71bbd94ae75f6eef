"""The production server over real sockets: slow, invalid and hostile clients."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from blogapp.web.headers import HEADERS
from blogapp.web.request_bodies import LARGEST_BODY
from tests.harness.server import Server
from tests.web.connections import GET, clients, connect, post


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with two workers. A request's body may take BODY_SECONDS of tests/web/short_deadline.py."""
    server = Server(tmp_path_factory.mktemp("server"), workers=2, module="tests.web.short_deadline")
    yield server
    server.kill()


def test_slow_senders_get_408_and_do_not_delay_readers(server: Server) -> None:
    slow = post("/owner/sign-in", b"name=", length=1000)
    with clients(server, *[slow] * 40) as senders, connect(server) as reader:
        waiting = {sender.socket for sender in senders}
        readers = 0
        # Single bytes do not extend the deadline, which is for the whole body.
        while not select.select(waiting, [], [], 0.2)[0]:
            assert reader.send(GET).answer()[0] == 200
            readers += 1
            assert readers < 500, "the server waits for slow senders without end"
            for sender in senders:
                sender.send(b"x")
        assert readers > 1
        for sender in senders:
            status, fields, _ = sender.answer()
            assert status == 408
            assert fields["connection"] == "close"
            assert sender.is_closed()


def test_slow_header_fields_and_idle_connections_occupy_no_thread(server: Server) -> None:
    with clients(server, *[b"GET / HTTP/1.1\r\nHost: "] * 100, *[b""] * 100), connect(server, GET) as reader:
        assert reader.answer()[0] == 200


def test_few_open_files_suffice_for_readers_among_idle_connections(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.stop()
    server.command = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *server.command]
    server.start()
    with clients(server, *[b""] * 64), connect(server, GET) as reader:
        assert reader.answer()[0] == 200
    server.stop()


def test_limit_of_open_files_is_raised_as_far_as_it_may(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.stop()
    server.command = ["sh", "-c", 'ulimit -Sn 300; ulimit -Hn 3000; exec "$@"', "sh", *server.command]
    server.start()
    assert resource.prlimit(server.workers()[0], resource.RLIMIT_NOFILE) == (3000, 3000)
    server.stop()


def test_slow_readers_occupy_no_thread(server: Server) -> None:
    address = next(part for part in _front_page(server).split('"') if part.endswith(".js"))
    request = f"GET {address} HTTP/1.1\r\nHost: blog.example\r\n\r\n".encode()
    with clients(server, *[request * 60] * 40), connect(server, GET) as reader:
        assert reader.answer()[0] == 200


def test_busy_server_answers_health_checks_and_refuses_excess_requests(tmp_path: Path) -> None:
    server = Server(tmp_path, app="tests.web.sleeping:app")
    with clients(server, *[b"GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n"] * 410) as waiting, connect(server) as host:
        status, fields, _ = waiting[-1].answer()
        assert status == 503
        assert fields["retry-after"]
        assert fields["cache-control"] == "no-store"
        assert fields["blogapp-response"] == "1"
        assert {name.lower() for name in HEADERS} <= fields.keys()
        assert host.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").answer()[2] == "ok\n"
    server.kill()


@pytest.mark.parametrize("path", ["/none", "/privacy", "/articles/none/comments"])
def test_connection_is_usable_after_an_error_to_a_post(server: Server, path: str) -> None:
    with connect(server) as client:
        for _ in range(3):
            status, fields, _ = client.send(post(path, b"x" * 30_000)).answer()
            assert status in {404, 405}
            assert "connection" not in fields
        status, _, _ = client.send(post(path, b"a=b", "Sec-Fetch-Site: cross-site")).answer()
        assert status in {403, 404, 405}
        assert client.send(GET).answer()[0] == 200


@pytest.mark.parametrize("length", [LARGEST_BODY + 1, 12_000_000])
def test_large_body_gets_the_page_for_413(server: Server, length: int) -> None:
    with connect(server, post("/owner/sign-in", b"x" * length)) as client:
        status, fields, page = client.answer()
        assert status == 413
        assert fields["connection"] == "close"
        assert '<html lang="en"' in page
        assert client.is_closed()


def test_huge_content_length_is_refused_before_the_body_is_sent(server: Server) -> None:
    request = post("/owner/sign-in", b"", "Expect: 100-continue", length=10**15)
    with connect(server, request) as client:
        assert client.answer()[0] == 413


def test_server_requests_the_body_with_100_continue(server: Server) -> None:
    body = b"name=a&password=b"
    with connect(server, post("/owner/sign-in", b"", "Expect: 100-continue", length=len(body))) as client:
        assert client.socket.recv(100).startswith(b"HTTP/1.1 100 Continue")
        assert client.send(body).answer()[0] == 422


def test_chunked_body_is_refused_with_411(server: Server) -> None:
    request = b"POST /owner/sign-in HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    with connect(server, request) as client:
        status, fields, page = client.answer()
        assert status == 411
        assert fields["connection"] == "close"
        assert '<html lang="en"' in page


def test_incomplete_body_is_not_used(server: Server) -> None:
    with connect(server, post("/owner/sign-in", b"name=a&password=b", length=30)) as client:
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed() or client.answer()[0] == 408
    with connect(server, GET) as reader:
        assert reader.answer()[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b'GET / HTTP/1.1\r\nHost: "><script>\r\n\r\n',
        b"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
    ],
)
def test_invalid_host_field_gets_the_page_for_400(server: Server, request_: bytes) -> None:
    with connect(server, request_) as client:
        status, _, page = client.answer()
        assert status == 400
        assert '<html lang="en"' in page


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /%ff%00%2F.. HTTP/1.1\r\nHost: a\r\n\r\n", {404}),
        (b"GET /?before=%ff&x=%00 HTTP/1.1\r\nHost: a\r\n\r\n", {400, 404}),
        ("GET /?sort=\u20ac HTTP/1.1\r\nHost: a\r\n\r\n".encode(), {200}),
        ("GET /?x=\U0001f600&lang=\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n".encode(), {200}),
        ("POST /comments/preview?\u20ac HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode(), {200, 422}),
        (b"GET /?sort=\xff HTTP/1.1\r\nHost: a\r\n\r\n", {200, 400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: \xe9\xff\r\n\r\n", {200, 400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nCookie: visitor=\xff\r\n\r\n", {200, 400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: \xc3\xa9\r\nUser-Agent: \xe9\r\n\r\n", {200, 400}),
        (b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", {405}),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", {200, 400, 404}),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", {400, 404, 405}),
        (b"GET http://other.example/ HTTP/1.1\r\nHost: a\r\n\r\n", {200}),
        (b"GET / HTTP/1.0\r\n\r\n", {200}),
        (b"POST /owner/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"POST /owner/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400}),
        (b"POST /owner/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", {400, 422}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", {200, 400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", {200}),
    ],
)
def test_unusual_requests_cause_no_server_error(server: Server, request_: bytes, expected: set[int]) -> None:
    with connect(server, request_) as client:
        assert client.answer()[0] in expected
    assert "Traceback" not in server.log()


def test_large_header_fields_are_refused(server: Server) -> None:
    with connect(server, b"GET / HTTP/1.1\r\nHost: a\r\n") as client:
        with contextlib.suppress(ConnectionError):
            for _ in range(50):
                client.send(b"X-Name: " + b"x" * 4000 + b"\r\n")
            client.send(b"\r\n")
        with contextlib.suppress(ConnectionError, IndexError):
            assert client.answer()[0] in {400, 431}
    with connect(server, GET) as reader:
        assert reader.answer()[0] == 200


def test_head_has_the_length_and_no_body(server: Server) -> None:
    with connect(server) as client:
        for path in ("/", "/favicon.ico", "/none", "/healthz"):
            request = f" {path} HTTP/1.1\r\nHost: blog.example\r\n\r\n".encode()
            _, head, _ = client.send(b"HEAD" + request).answer(has_body=False)
            _, get, _ = client.send(b"GET" + request).answer()
            assert head["content-length"] == get["content-length"]


def test_date_header_is_sent_once(server: Server) -> None:
    with connect(server) as client:
        for path in ("/", "/none", "/healthz", "/favicon.ico"):
            client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).answer()
            assert client.names.count("date") == 1


def test_wsgi_environment_matches_the_request(tmp_path: Path) -> None:
    server = Server(tmp_path, app="tests.web.sleeping:app")
    request = post(
        "/environ/a%20b/%C3%A9?x=%C3%A9&y",
        b"a=b",
        "X-Name: 1",
        "X-Name: 2",
        "Cookie: a=1",
        "Cookie: b=2",
        "X_Forwarded_For: 203.0.113.9",
    )
    with connect(server, request) as client:
        environ = dict(line.split("=", 1) for line in client.answer()[2].splitlines())
        assert client.send(GET.replace(b"/ ", b"/fails ")).answer()[0] == 500
        assert client.send(GET.replace(b"/ ", b"/closes ")).answer()[2] == "12"
        assert client.send(GET.replace(b"/ ", b"/closed ")).answer()[2] == "1"
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/environ/a b/é"
    assert environ["QUERY_STRING"] == "x=%C3%A9&y"
    assert environ["CONTENT_LENGTH"] == "3"
    assert environ["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert environ["HTTP_X_NAME"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_HOST"] == "blog.example"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["body"] == "a=b"
    server.kill()


def _front_page(server: Server) -> str:
    with connect(server, GET) as reader:
        return reader.answer()[2]
