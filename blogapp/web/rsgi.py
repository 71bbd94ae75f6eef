"""An adapter from granian's RSGI interface to WSGI.

granian's own WSGI interface reads a request's body in the thread that serves it, so a few clients that send a byte a
second would occupy every thread. Here the event loop reads bodies, within a total time and size, and a thread gets a
request only when its body is complete. Responses are passed to the event loop as a whole, so a client that reads
slowly occupies no thread either. Requests that do not need Flask (`Immediate`: health check, assets, cached pages, most
page views) are answered in the event loop, even while all threads are busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar
from wsgiref.types import WSGIApplication

from flask import Flask

from blogapp.web.access_log import Write
from blogapp.web.headers import HEADERS, MARK
from blogapp.web.immediate import Answer, Environ, Immediate, answer_of
from blogapp.web.metrics import metrics_of
from blogapp.web.open_files import FEW_DESCRIPTORS, open_file_limit
from blogapp.web.request_bodies import BODY_SECONDS, REFUSAL, limits_of

log = logging.getLogger(__name__)
T = TypeVar("T")

# Threads that run Flask, in each worker process; and in one that may open few files.
THREADS = 8
FEW_THREADS = 2
# A request gets a thread when the one before it has ended or has taken this long, because it waits for a lock or
# another server, or is slow. Requests that run at the same time take more processor time each, since Python's threads
# take turns at every statement for the database: without this, a worker accepts 0.8 times as many comments on SQLite,
# and 0.7 times as many on a PostgreSQL on the same machine.
TURN_SECONDS = 0.05
# Requests of one worker that may wait for a thread; the next one gets 503.
MOST_WAITING = 400
# Bytes of bodies that one worker keeps in memory; and of a refused body that it reads and drops, so that the client can
# read the response instead of getting a broken connection.
MOST_BODIES = 32 * 1024 * 1024
MOST_DROPPED = 16 * 1024 * 1024

FIELDS = [
    *HEADERS.items(),
    MARK,
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
]
TOO_BUSY = Answer(
    503,
    [*FIELDS, ("Retry-After", "5")],
    b"The site is busy. Please try again in a moment.\n",
)
BROKEN = Answer(
    500,
    FIELDS,
    b"Something went wrong.\n",
)
CLOSE = ("Connection", "close")
ConnectionLost = RuntimeError  # the base class of granian's RSGIProtocolClosed and RSGIProtocolError


class Front:
    """An RSGI application that calls a WSGI application."""

    def __init__(self, app: WSGIApplication, log_request: Write | None = None) -> None:
        self._log_request = log_request
        self._limits = functools.partial(limits_of, app)
        self.flask_app = app if isinstance(app, Flask) else None
        self._metrics = metrics_of(app) if isinstance(app, Flask) else None
        outermost = getattr(app, "wsgi_app", app)
        self._immediate = outermost if isinstance(outermost, Immediate) else None
        self._app = self._immediate.app if self._immediate else app
        self._waiting = 0
        self._held = 0  # bytes of bodies
        threads = THREADS if open_file_limit() >= FEW_DESCRIPTORS else FEW_THREADS
        self._turn = asyncio.Semaphore()
        extensions = self.flask_app.extensions if self.flask_app is not None else {}
        self._database_has_low_latency: Callable[[], bool] = extensions.get("database_has_low_latency", lambda: True)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        environ, refusal = environ_of(scope)
        if self._log_request is None and self._metrics is None:
            await self._respond(environ, refusal, protocol)
            return
        start = time.perf_counter()
        # 499, as in nginx: the client has gone before there was an answer.
        answer = Answer(499, [], b"")
        try:
            answer = await self._respond(environ, refusal, protocol)
        finally:
            seconds = time.perf_counter() - start
            if self._metrics is not None:
                self._metrics.observe(environ, answer.status, seconds)
            if self._log_request is not None:
                request_id = environ.get("HTTP_X_REQUEST_ID", "")
                self._log_request(scope.method, scope.path, answer.status, seconds, len(answer.body), request_id)

    async def _respond(self, environ: dict[str, Any], refusal: int, protocol: Any) -> Answer:
        if self._immediate and (immediate := call(self._immediate.answer, environ)):
            send(protocol, immediate)
            return immediate
        if self._waiting >= MOST_WAITING:
            send(protocol, TOO_BUSY, close=True)
            return TOO_BUSY
        body: bytes | IO[bytes] = b""
        if not refusal and has_body(environ):
            body, refusal = await self._read_body(protocol, environ)
        if refusal:
            environ[REFUSAL] = refusal
            environ["CONTENT_LENGTH"] = "0"
        environ["wsgi.input"] = io.BytesIO(body) if isinstance(body, bytes) else body
        self._waiting += 1
        try:
            answer = await self._respond_later(environ)
            if answer is None:
                answer = await self._respond_in_thread(environ)
        finally:
            self._waiting -= 1
            if isinstance(body, bytes):
                self._held -= len(body)
            else:
                body.close()
        send(protocol, answer, close=bool(refusal))
        if refusal:
            await drop_rest(protocol)
        return answer

    async def _respond_later(self, environ: dict[str, Any]) -> Answer | None:
        if self._immediate is None or self._immediate.respond_later is None:
            return None
        try:
            return await self._immediate.respond_later(environ)
        except Exception:
            return log_failure(environ)

    async def _respond_in_thread(self, environ: dict[str, Any]) -> Answer:
        respond = functools.partial(answer_of, self._app)
        run = functools.partial(asyncio.get_running_loop().run_in_executor, self._threads, call, respond, environ)
        if not self._database_has_low_latency():  # most of a request's time is waiting, and other requests can use it
            return await run()
        async with self._turn:
            answer = run()
            await asyncio.wait([answer], timeout=TURN_SECONDS)
        return await answer

    def __rsgi_del__(self, loop: Any) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _read_body(self, protocol: Any, environ: dict[str, Any]) -> tuple[bytes | IO[bytes], int]:
        """A request's whole body, and 0; or nothing, and the HTTP status to refuse it with."""
        # A truncated chunked body looks like a complete one here, so half a comment could be stored.
        if "CONTENT_LENGTH" not in environ:
            return b"", 411
        if not environ["CONTENT_LENGTH"].isdecimal():
            return b"", 400
        length = int(environ["CONTENT_LENGTH"])
        largest, seconds = self._limits(environ)
        if length > largest:
            return b"", 413
        if length > MOST_BODIES:
            return await self._read_large_body(protocol, length, seconds)
        received = bytearray()
        refusal = 408
        with contextlib.suppress(TimeoutError, ConnectionLost):
            async with asyncio.timeout(seconds):
                async for chunk in protocol:
                    received += chunk
                    self._held += len(chunk)
                    if self._held > MOST_BODIES:
                        refusal = 503
                        break
        if len(received) == length:
            return bytes(received), 0
        self._held -= len(received)
        return b"", refusal

    async def _read_large_body(self, protocol: Any, length: int, seconds: float) -> tuple[bytes | IO[bytes], int]:
        """A body that is larger than the memory for all of them, in a temporary file: an owner's import."""
        try:
            file, size, refusal = tempfile.TemporaryFile(), 0, 408  # noqa: SIM115 - the request closes it
        except OSError:  # there is no folder for temporary files
            return b"", 503
        try:
            async with asyncio.timeout(seconds):
                async for chunk in protocol:
                    size += len(chunk)
                    file.write(chunk)
        except (TimeoutError, ConnectionLost):
            pass
        except OSError:  # the disk is full
            refusal = 503
        if size == length:
            file.seek(0)
            return file, 0
        file.close()
        return b"", refusal


def environ_of(scope: Any) -> tuple[dict[str, Any], int]:
    """The WSGI environment of a request (PEP 3333), and the HTTP status to refuse it with, or 0."""
    server, _, port = scope.server.rpartition(":")
    client, _, _ = scope.client.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    hosts = 0
    for name, value in scope.headers.items():
        # Both `X-Forwarded-For` and `X_Forwarded_For` would become HTTP_X_FORWARDED_FOR, and a proxy only checks one.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        hosts += key == "HTTP_HOST"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ, 400 if hosts > 1 else 0


def has_body(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


def call(respond: Callable[[Environ], T], environ: Environ) -> T | Answer:
    """The response of `respond`. An exception that reaches the server is logged and becomes a 500."""
    try:
        return respond(environ)
    except Exception:
        return log_failure(environ)


def log_failure(environ: Environ) -> Answer:
    log.exception("the application failed at %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
    return BROKEN


def send(protocol: Any, answer: Answer, close: bool = False) -> None:
    fields = [*answer.fields, CLOSE] if close else answer.fields
    if answer.body:
        protocol.response_bytes(answer.status, fields, answer.body)
    else:
        protocol.response_empty(answer.status, fields)


async def drop_rest(protocol: Any) -> None:
    """Read and drop what a refused client still sends, up to a limit: many clients read the response only then."""
    dropped = 0
    with contextlib.suppress(TimeoutError, ConnectionLost):
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in protocol:
                dropped += len(chunk)
                if dropped > MOST_DROPPED:
                    return
