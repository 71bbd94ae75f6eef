"""The production server: `python -m blogapp.web.server [module:app]`, used by the Procfile and, through
`blogapp.pages.serve`, by `make serve`.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import itertools
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from blogapp.settings import VERSION, SettingsError, environment, parse_settings, read_setting
from blogapp.text import i18n
from blogapp.web import templates
from blogapp.web.access_log import access_log
from blogapp.web.metrics import share_counters
from blogapp.web.open_files import FEW_DESCRIPTORS, RESERVED_DESCRIPTORS, open_file_limit, raise_open_file_limit
from blogapp.web.rsgi import Front

# Seconds that a client may take to send the header fields of a request (an idle connection too).
HEADER_SECONDS = 30
FEW_HEADER_SECONDS = 1  # in a process that may open few files
# Bytes of header fields in one request, and connections of one worker.
LARGEST_HEADER = 32 * 1024
CONNECTIONS = 2048
# Seconds after which free memory is again returned to the system.
TRIM_SECONDS = 5
# Seconds that a worker has to end. Hosts kill it after ten.
KILL_AFTER = 8
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# The C library, for functions that only glibc has, and the numbers of two parameters of mallopt(3).
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8


class Wakeup:
    """What granian's main process waits for, in place of a `threading.Event`.

    The handler of a signal calls set(). An Event's set() waits forever if the signal interrupted wait() or another
    set(), which hold its lock. A second SIGTERM does, and `make` passes one on if a host stops its process group."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[None] = SimpleQueue()  # the only queue that a handler of a signal may use

    def set(self) -> None:
        self._calls.put(None)

    def wait(self) -> None:
        """Return once for each set(). The caller looks at its flags then, so one time too many does no harm."""
        self._calls.get()

    def clear(self) -> None:
        pass


class Server(MPServer):
    """granian's server, except that signals in quick succession cannot block it, and that it always replaces a worker
    that ends unexpectedly."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.main_loop_interrupt = Wakeup()  # type: ignore[assignment]

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
        prepare_workers()
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
            for preload in app.extensions.get("preloads", ()):
                preload()
        _loaded[target] = Front(app, access_log(read_setting(environment(), "ACCESS_LOG")))
    return _loaded[target]


def application(target: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name or "app")


def prepare_workers() -> None:
    """Let SIGTERM and SIGINT stop each new worker immediately until it serves, and stop it when the main process ends.

    A worker inherits the main process's signal handlers, which do nothing in a worker. So a signal that arrives between
    the fork and their removal is held back until then. A worker that outlived a killed main process would share the
    port with the next server.
    """
    hold = functools.partial(signal.pthread_sigmask, signal.SIG_BLOCK, STOP_SIGNALS)
    release = functools.partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOP_SIGNALS)
    main_process = os.getpid()

    def prepare_worker() -> None:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        release()
        threading.Thread(target=end_with, args=[main_process], name="end_with", daemon=True).start()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=prepare_worker)


def save_memory() -> None:
    """Let all threads share glibc's first memory arena, and return large blocks to the system as soon as they are free.

    With an arena for each thread, every thread keeps the most memory that any request has needed; and glibc keeps
    large blocks (the 19 MiB of a password's hash) after the first one was freed. Call this before threads start: an
    arena that exists already stays in use.
    """
    if LIBC and hasattr(LIBC, "mallopt"):
        LIBC.mallopt(M_ARENA_MAX, 1)
        LIBC.mallopt(M_MMAP_THRESHOLD, 1024 * 1024)


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
