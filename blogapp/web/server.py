"""The production server: `python -m blogapp.web.server [module:app]`, used by the Procfile and, through
`blogapp.pages.serve`, by `make serve`.

It uses granian's RSGI interface, with an adapter (`Front`) that calls the WSGI application. granian's own WSGI
interface reads a request's body in the thread that serves it, so a few clients that send a byte a second would occupy
every thread. Here the event loop reads bodies, within a total time and size, and a thread gets a
request only when its body is complete. Responses are passed to the event loop as a whole, so a client that reads
slowly occupies no thread either. Requests that do not need Flask (`Immediate`: health check, assets, cached pages, most
page views) are answered in the event loop, even while all threads are busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import importlib
import io
import itertools
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any, TypeVar
from wsgiref.types import WSGIApplication

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from blogapp.settings import VERSION, SettingsError, environment, parse_settings, read_setting
from blogapp.text import i18n
from blogapp.web import templates
from blogapp.web.access_log import Write, access_log
from blogapp.web.headers import HEADERS, MARK
from blogapp.web.immediate import Answer, Environ, Immediate, answer_of
from blogapp.web.metrics import metrics_of, share_counters
from blogapp.web.request_bodies import BODY_SECONDS, REFUSAL, limits_of

log = logging.getLogger(__name__)
T = TypeVar("T")

# Threads that run Flask, in each worker process.
THREADS = 8
# Requests of one worker that may wait for a thread; the next one gets 503.
MOST_WAITING = 400
# Seconds that a client may take to send the header fields of a request (an idle connection too).
HEADER_SECONDS = 30
# Bytes of bodies that one worker keeps in memory; and of a refused body that it reads and drops, so that the client can
# read the response instead of getting a broken connection.
MOST_BODIES = 32 * 1024 * 1024
MOST_DROPPED = 16 * 1024 * 1024
# Bytes of header fields in one request, and connections of one worker.
LARGEST_HEADER = 32 * 1024
CONNECTIONS = 2048
# A process that may have fewer open files than this gets fewer threads, each of which opens up to six for SQLite, and
# closes silent connections after a second. RESERVED_DESCRIPTORS are those that it needs besides connections.
FEW_DESCRIPTORS = 256
FEW_THREADS = 2
FEW_HEADER_SECONDS = 1
RESERVED_DESCRIPTORS = 46
# More are of no use to the server: its connections are limited anyway.
MOST_DESCRIPTORS = 65_536
# Seconds after which free memory is again returned to the system.
TRIM_SECONDS = 5
# Seconds that a worker has to end. Hosts kill it after ten.
KILL_AFTER = 8

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
# The C library, for functions that only glibc has, and the numbers of two parameters of mallopt(3).
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
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
                respond = functools.partial(answer_of, self._app)
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, call, respond, environ)
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
        file, size, refusal = tempfile.TemporaryFile(), 0, 408  # noqa: SIM115 - the request closes it
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


class Server(MPServer):
    """granian's server, except that it always replaces a worker that ends unexpectedly."""

    def _respawn_workers(self, *args: Any, **options: Any) -> None:
        super()._respawn_workers(*args, **options)
        # granian itself stops when a worker ends twice within 5.5 seconds. Wait a second and continue.
        self.respawned_wrks.clear()
        time.sleep(1)


def main(target: str = "app:app", *, prepare: Callable[[Any], None] | None = None) -> None:
    """Serve the application `module:name`. `prepare` is called with it before workers start."""
    save_memory()
    environ = environment()
    settings = parse_settings(environ)
    host, port, workers = settings["HOST"], settings["PORT"], settings["WEB_CONCURRENCY"]
    refuse_used_port(host, port)
    if read_setting(environ, "METRICS_TOKEN"):
        share_counters()
    raise_open_file_limit()
    if read_setting(environ, "TRUSTED_PROXIES") and not read_setting(environ, "SITE_URL"):
        print("SITE_URL is not set: links use the Host header of each request.", file=sys.stderr)
    if prepare:
        prepare(application(target))
    if sys.platform == "linux":  # elsewhere a worker is a new process and loads the application itself
        multiprocessing.set_start_method("fork", force=True)
        load(target)
        gc.freeze()  # the collector ignores these objects, so workers keep sharing their memory
        os.register_at_fork(after_in_child=functools.partial(prepare_worker, os.getpid()))
    site_url = public_address(environ)
    number = "1 worker process" if workers == 1 else f"{workers} worker processes"
    print(f"blogapp {VERSION}: {site_url}, {number}.", file=sys.stderr, flush=True)
    print_notices(target, site_url)
    descriptors = open_file_limit()
    header_seconds = HEADER_SECONDS if descriptors >= FEW_DESCRIPTORS else FEW_HEADER_SECONDS
    Server(
        target,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        backlog=CONNECTIONS,
        backpressure=max(1, min(CONNECTIONS, descriptors - RESERVED_DESCRIPTORS)),
        http1_settings=HTTP1Settings(header_read_timeout=header_seconds * 1000, max_buffer_size=LARGEST_HEADER),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER,
        log_level=LogLevels.warning,
    ).serve(target_loader=load)


def public_address(environ: Mapping[str, str]) -> str:
    """SITE_URL, or the address at which the server listens."""
    site_url: str = read_setting(environ, "SITE_URL")
    return site_url or listening_address(read_setting(environ, "HOST"), read_setting(environ, "PORT"))


def listening_address(host: str, port: int) -> str:
    """The address of the server, for its messages. Behind a platform's proxy, only its users know the public one."""
    if ip_address(host).is_unspecified:
        return "https://(your address)"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def print_notices(target: str, site_url: str) -> None:
    """Print what the application has to say when its server starts, such as how to set up the blog."""
    app = load(target).flask_app
    for notice in app.extensions.get("start_notices", ()) if app is not None else ():
        if line := notice(site_url):
            print(line, file=sys.stderr, flush=True)


_loaded: dict[str, Front] = {}


def load(target: str) -> Any:
    """The application `module:name`, wrapped in a Front; loaded once, before the workers are forked from this
    process."""
    if target not in _loaded:
        app = application(target)
        if isinstance(app, Flask):
            templates.load_all(app)
            # The language in the environment, or the default: the database must not be opened before the fork.
            i18n.preload(app.config.get("DEFAULT_LOCALE", "en"))
        _loaded[target] = Front(app, access_log(read_setting(environment(), "ACCESS_LOG")))
    return _loaded[target]


def application(target: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name or "app")


def prepare_worker(main_process: int) -> None:
    """Let SIGTERM and SIGINT stop a new worker immediately until it serves, and stop it when the main process ends.

    A worker inherits the main process's signal handlers, which do nothing in a worker. A worker that outlived a killed
    main process would share the port with the next server.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=end_with, args=[main_process], name="end_with", daemon=True).start()


def save_memory() -> None:
    """Let all threads share glibc's first memory arena, and return large blocks to the system as soon as they are free.

    With an arena for each thread, every thread keeps the most memory that any request has needed; and glibc keeps
    large blocks (the 19 MiB of a password's hash) after the first one was freed. Call this before threads start: an
    arena that exists already stays in use.
    """
    if LIBC and hasattr(LIBC, "mallopt"):
        LIBC.mallopt(M_ARENA_MAX, 1)
        LIBC.mallopt(M_MMAP_THRESHOLD, 1024 * 1024)


def raise_open_file_limit() -> None:
    """Raise this process's limit of open files as far as the system lets it. By default, systemd and shells set 1,024,
    and CONNECTIONS are more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has another limit besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_file_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


def return_free_memory() -> None:
    """Return memory that is free inside glibc's arena to the system; glibc itself only returns what is at its end."""
    if LIBC and hasattr(LIBC, "malloc_trim"):
        LIBC.malloc_trim(0)


def end_with(main_process: int) -> None:
    """Wait until the main process has ended, then stop this worker as the main process would have. Until then,
    regularly return free memory to the system."""
    for second in itertools.count(1):
        if os.getppid() != main_process:
            break
        if second % TRIM_SECONDS == 0:
            return_free_memory()
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(KILL_AFTER)
    os._exit(1)


def refuse_used_port(host: str, port: int) -> None:
    """Raise SettingsError if another program is listening on the port, because granian would share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(f"{host}:{port} cannot be used: {error.strerror}. Set PORT or HOST.") from None


if __name__ == "__main__":
    main(*sys.argv[1:2])
