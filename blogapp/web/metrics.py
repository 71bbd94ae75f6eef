"""`/metrics` for Prometheus, if METRICS_TOKEN is set: requests by route and status, their duration, queries a request,
hits of the page cache, database connections, and numbers that features add.

Requests are counted by the production server (`server.py`), also those that do not reach Flask. All workers count in
files of one folder, which the library reads together. No label has anything of a visitor in it.
"""

from __future__ import annotations

import atexit
import hmac
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from blogapp.db.base import db
from blogapp.settings import SettingsError
from blogapp.web.immediate import Environ

# The library reads this variable when it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ROUTE, QUERIES = "blogapp.route", "blogapp.queries"
CACHED, STATIC, HEALTH = "page cache", "/static/<path>", "/healthz"
# Not passed on to Flask: the server is too busy, or the body is too large or too slow.
REFUSED = "(refused)"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
Load = Callable[[Session], Mapping[str, float]]


def share_counters() -> None:
    """Let all processes that this one starts count together. Call this before the application is created. Raises
    SettingsError."""
    try:
        folder = tempfile.mkdtemp(prefix="blogapp-metrics-")
    except OSError:
        raise SettingsError(
            "METRICS_TOKEN needs a folder for temporary files. Set TMPDIR to one that can be written."
        ) from None
    os.environ[FOLDER] = folder
    main_process = os.getpid()

    def delete() -> None:
        if os.getpid() == main_process:  # and not in a worker
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(delete)


class Metrics:
    """The counters of one process."""

    def __init__(self, token: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram  # only where it is used

        self._token = token
        self._loads: list[tuple[str, str, str, Load]] = []
        self.registry = CollectorRegistry()
        self._requests = Counter("blogapp_requests", "Requests.", ["method", "route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "blogapp_request_seconds", "Seconds until the answer was complete.", ["route"], registry=self.registry
        )
        self._queries = Histogram(
            "blogapp_request_queries",
            "Statements sent to the database in a request that reached Flask.",
            registry=self.registry,
            buckets=(0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 50),
        )
        self._hits = Counter("blogapp_page_cache_hits", "Requests answered by the page cache.", registry=self.registry)

    def observe(self, environ: Environ, status: int, seconds: float) -> None:
        """Count an answered request."""
        route = route_of(environ)
        method = environ["REQUEST_METHOD"]
        self._requests.labels(method if method in METHODS else "other", route, status).inc()
        self._seconds.labels(route).observe(seconds)
        if route == CACHED:
            self._hits.inc()
        if QUERIES in environ:
            self._queries.observe(environ[QUERIES])

    def add(self, name: str, meaning: str, label: str, load: Load) -> None:
        """Add a gauge that is read from the database when `/metrics` is requested: `load` returns its value for each
        value of `label`."""
        self._loads.append((name, meaning, label, load))

    def is_token(self, field: str) -> bool:
        """Whether this is the value of an `Authorization` field with the token."""
        return hmac.compare_digest(field.encode(errors="replace"), f"Bearer {self._token}".encode())

    def page(self, session: Session) -> bytes:
        """All numbers in Prometheus's text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self.registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        read = CollectorRegistry()
        read.register(_Read(self._values(session)))
        return generate_latest(registry) + generate_latest(read)

    def _values(self, session: Session) -> Iterator[tuple[str, str, str, Mapping[str, float]]]:
        for name, meaning, label, load in self._loads:
            yield name, meaning, label, load(session)
        pool: Any = db.engine.pool
        if hasattr(pool, "checkedout"):
            yield (
                "blogapp_connections",
                "Database connections of this worker.",
                "state",
                {
                    "in use": pool.checkedout(),
                    "idle": pool.checkedin(),
                },
            )


class _Read:
    """A collector of values that were read from the database."""

    def __init__(self, values: Iterable[tuple[str, str, str, Mapping[str, float]]]) -> None:
        self._values = list(values)

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        for name, meaning, label, numbers in self._values:
            family = GaugeMetricFamily(name, meaning, labels=[label])
            for value, number in numbers.items():
                family.add_metric([value], number)
            yield family


def init_app(app: Flask, token: str) -> None:
    """Serve `/metrics` to whoever has the token; without a token there is no such page."""
    if not token:
        return
    metrics = app.extensions["metrics"] = Metrics(token)

    @app.get("/metrics")
    def show_metrics() -> Response:
        fields = {"Cache-Control": "no-store", "Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        if metrics.is_token(request.headers.get("Authorization", "")):
            return Response(metrics.page(db.session()), headers=fields)
        fields["WWW-Authenticate"] = "Bearer"
        return Response("The token of METRICS_TOKEN is needed.\n", 401, fields)

    @app.before_request
    def note_route() -> None:
        request.environ[ROUTE] = request.url_rule.rule if request.url_rule else "(not found)"
        request.environ[QUERIES] = 0

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", _count_query)


def metrics_of(app: Flask) -> Metrics | None:
    found: Metrics | None = app.extensions.get("metrics")
    return found


def add(app: Flask, name: str, meaning: str, label: str, load: Load) -> None:
    """Like `Metrics.add`, if there are metrics."""
    if metrics := metrics_of(app):
        metrics.add(name, meaning, label, load)


def route_of(environ: Environ) -> str:
    if ROUTE in environ:
        return str(environ[ROUTE])
    path = environ["PATH_INFO"]
    return HEALTH if path == HEALTH else STATIC if path.startswith("/static/") else REFUSED


def _count_query(*args: Any) -> None:
    if has_request_context():
        environ = request.environ
        environ[QUERIES] = environ.get(QUERIES, 0) + 1
