"""Additions for `flask run`: read request bodies with a time limit, and simplify log lines.

The rules for bodies are those of the production server (`server.py`). Werkzeug leaves a body to the application, then
reads and drops what is left of it until the client closes the connection, so a client that waits for the server to
close it would wait forever.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Flask

from blogapp.web.request_bodies import REFUSAL, limits_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Seconds that a refused client may go on sending.
REST_SECONDS = 2.0
# Bytes of a refused body that are read and dropped, so that the client can read the response.
MOST_DROPPED = 16 * 1024 * 1024

# How werkzeug's log lines begin with the client's address, and where its start message has the site's.
ADDRESS_FIELD = re.compile(r"^[0-9a-fA-F.:]+ - - ")
RUNNING_ON = re.compile(r"Running on (http\S+)")


def init_app(app: Flask) -> None:
    app.wsgi_app = ReadBody(app.wsgi_app, functools.partial(limits_of, app))  # type: ignore[method-assign]
    logger = logging.getLogger("werkzeug")
    for each in [each for each in logger.filters if isinstance(each, PlainLines)]:
        logger.removeFilter(each)
    logger.addFilter(PlainLines(app))


class ReadBody:
    """WSGI middleware that reads the body before the application is called. Requests of other servers than werkzeug's
    are passed on unchanged: those servers have read the body already."""

    def __init__(self, app: WSGIApplication, limits_of: Callable[[dict[str, Any]], tuple[int, float]]) -> None:
        self._app = app
        self._limits_of = limits_of

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        connection: socket.socket | None = environ.get("werkzeug.socket")
        if connection is None:
            return self._app(environ, start_response)
        body, refusal = read_body(environ, connection, *self._limits_of(environ))
        if refusal:
            environ.setdefault(REFUSAL, refusal)
            environ["CONTENT_LENGTH"] = "0"
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["wsgi.input"] = io.BytesIO(body)
        answer = self._app(environ, start_response)
        return answer_and_close(answer, connection) if refusal else answer


def read_body(environ: WSGIEnvironment, connection: socket.socket, largest: int, seconds: float) -> tuple[bytes, int]:
    """A request's whole body, and 0; or nothing, and the HTTP status to refuse it with. `largest` is in bytes."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return b"", 411
    stated = environ.get("CONTENT_LENGTH", "") or "0"
    if not stated.isdecimal():
        return b"", 400
    if int(stated) > largest:
        return b"", 413
    if stated == "0":
        return b"", 0
    # Not a timeout of the socket: werkzeug would log a traceback when it reads from the connection after one.
    timer = threading.Timer(seconds, stop_reading, [connection])
    timer.start()
    body = environ["wsgi.input"].read(int(stated))
    timer.cancel()
    return (body, 0) if len(body) == int(stated) else (b"", 408)


def stop_reading(connection: socket.socket) -> None:
    """End a `read` that waits for the client, as if the client had sent everything."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def answer_and_close(answer: Iterable[bytes], connection: socket.socket) -> Iterator[bytes]:
    """Yield the response, shut down our side of the connection, then read and drop what the client still sends, up to a
    limit."""
    try:
        yield from answer
    finally:
        if close := getattr(answer, "close", None):
            close()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        dropped, deadline = 0, time.monotonic() + REST_SECONDS
        while dropped < MOST_DROPPED and select.select([connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
            part = connection.recv(65_536)
            if not part:
                break
            dropped += len(part)
    stop_reading(connection)


class PlainLines(logging.Filter):
    """Removes the visitor's address from werkzeug's log lines (no log of ours has one), and replaces its start message,
    with what the application has to say at the start."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def filter(self, record: logging.LogRecord) -> bool:
        """False drops a line."""
        if not isinstance(record.msg, str):
            return True
        record.msg = ADDRESS_FIELD.sub("", record.msg)
        if address := RUNNING_ON.search(record.msg):
            record.msg = (
                f"The site is at {address[1]} (press Ctrl+C to stop). This is a development server; in production, use "
                "`make serve`."
            )
            notices = [notice(address[1]) for notice in self._app.extensions["start_notices"]]
            record.msg = "\n".join([record.msg, *filter(None, notices)])
        return "Press CTRL+C to quit" not in record.msg
