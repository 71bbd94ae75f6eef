"""Views that no browser sends, over a socket to the production server, which parses them in its event loop: each is
answered, none with a server error, and the next reader is answered too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, browser, dispose
from tests.harness.server import Server
from tests.web.connections import connect

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PATH = b"/articles/birds/views"
AGENT = browser("Ada").encode()
HTMX = b"HX-Request: true"
FORM = b"Content-Type: application/x-www-form-urlencoded"
PARTS = b"Content-Type: multipart/form-data; boundary=x"
EMPTY_PART = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    app = create_app({"SECRET_KEY": SECRET_KEY}, folder)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", [], False, NEW_YEAR, "They sing."), NEW_YEAR)
    dispose(app)
    server = Server(folder, module="tests.web.short_deadline")
    yield server
    server.kill()


def view(
    *fields: bytes,
    path: bytes = PATH,
    host: bytes = b"blog.example",
    agent: bytes = AGENT,
    body: bytes = b"",
    length: bytes | None = None,
) -> bytes:
    """A view as the script of a page sends it, with other fields and another body. `length` is the Content-Length; if
    empty, there is none."""
    lines = [b"POST %b HTTP/1.1" % path, b"Host: %b" % host, b"User-Agent: %b" % agent, HTMX, *fields]
    if length is None:
        length = b"%d" % len(body)
    if length:
        lines.append(b"Content-Length: %b" % length)
    return b"\r\n".join([*lines, b"", body])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        # Bodies
        pytest.param(view(body=bytes(range(256))), 200, id="bytes without a type"),
        pytest.param(view(b"Content-Type: ;;=/\xff", body=b"x"), 200, id="broken type"),
        pytest.param(view(b"Content-Type: image/x-unknown", body=b"x"), 200, id="unknown type"),
        pytest.param(view(FORM, b"Content-Type: application/json", body=b"{"), 200, id="two types"),
        pytest.param(view(FORM + b"; charset=none", body=b"referrer=%ff\xff%00"), 200, id="form that is not UTF-8"),
        pytest.param(view(FORM, body=b"referrer=//[::1"), 200, id="referrer that is no host"),
        pytest.param(view(FORM, body=b"a&" * 32_000), 200, id="many fields"),
        pytest.param(view(FORM, body=b"referrer=" + b"x" * 70_000), 413, id="large body"),
        pytest.param(view(b"Content-Type: multipart/form-data", body=b"--x"), 200, id="multipart without a boundary"),
        pytest.param(view(PARTS, body=b"--y\r\n\r\n\r\n--y--\r\n"), 200, id="another boundary"),
        pytest.param(view(PARTS, body=EMPTY_PART), 200, id="multipart without an end"),
        pytest.param(view(PARTS, body=b"--x\r\n\xff: \xff\r\n\r\n\r\n--x--"), 200, id="part with a broken field"),
        pytest.param(view(PARTS, body=EMPTY_PART * 1001 + b"--x--"), 413, id="too many parts"),
        # Lengths
        pytest.param(view(FORM, body=b"referrer=x", length=b"50"), 408, id="body shorter than its length"),
        pytest.param(view(FORM, body=b"referrer=x", length=b"5"), 200, id="body longer than its length"),
        pytest.param(view(FORM, length=b"-1"), 400, id="negative length"),
        pytest.param(view(FORM, length=b"9" * 30), 400, id="length that no number holds"),
        pytest.param(view(FORM, b"Content-Length: 3", body=b"a=b", length=b"4"), 400, id="two lengths"),
        pytest.param(view(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", length=b""), 411, id="chunked"),
        pytest.param(view(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 411, id="chunked with a length"),
        # Hosts, readers and origins
        pytest.param(view(host=b"a b"), 400, id="host with a space"),
        pytest.param(view(host=b"[::1"), 400, id="host that is half of an address"),
        pytest.param(view(host="évil.example".encode()), 200, id="host that is not ASCII"),
        pytest.param(view(agent=b"Mozilla/5.0 \x01\x7f"), 400, id="agent with control characters"),
        pytest.param(view(agent=b"Mozilla/5.0 \xe9\xff"), 200, id="agent in Latin-1"),
        pytest.param(view(agent=b"Mozilla/5.0 " + b"(x; " * 2_000), 200, id="long agent"),
        pytest.param(view(b"Origin: null"), 403, id="no origin"),
        pytest.param(view(b"Origin: https://elsewhere.example"), 403, id="foreign origin"),
        pytest.param(view(b"Origin: http://[x"), 403, id="broken origin"),
        pytest.param(view(b"Referer: http://a:b/"), 403, id="broken referrer"),
        pytest.param(view(b"Sec-Fetch-Site: cross-site"), 403, id="cross-site"),
        pytest.param(view(b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site"), 403, id="two sites"),
        pytest.param(view(b"Cookie: \xff=\xff; ;=;"), 200, id="broken cookie"),
        # Addresses
        pytest.param(view(path=b"/articles/%ff/views"), 404, id="path that is not UTF-8"),
        pytest.param(view(path=b"/articles/birds%00/views"), 404, id="path with NUL"),
        pytest.param(view(path=b"/articles/\xff/views"), 400, id="path with a raw byte"),
        pytest.param(view(path=PATH + b"?%ff=%ff&%00"), 200, id="query that is not UTF-8"),
        pytest.param(view(path=PATH + b"?\xff"), 400, id="query with a raw byte"),
        # The fields of htmx
        pytest.param(view(HTMX), 204, id="htmx twice"),
        pytest.param(view(b"HX-Current-URL: http://[x"), 200, id="htmx at a broken address"),
    ],
)
def test_odd_view_causes_no_server_error(server: Server, request_: bytes, expected: int) -> None:
    before = len(server.log())
    with connect(server, request_) as client:
        assert client.answer()[0] == expected
    with connect(server, view()) as reader:
        status, _, text = reader.answer()
        assert status == 200
        assert 'data-count="' in text
    assert "Traceback" not in server.log()[before:]
