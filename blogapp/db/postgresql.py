"""PostgreSQL: one snapshot per reading request, a response timeout, and a circuit breaker for a dead server.

Imported only if the database is PostgreSQL: psycopg takes 6 MB of memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from flask import has_request_context
from psycopg import IsolationLevel
from sqlalchemy import Connection, Dialect, Engine, event

from blogapp.db.circuit_breaker import CircuitBreaker
from blogapp.db.sqlite import READ_LOCK_TIMEOUT_MS

# Seconds to wait for a response of the server, in addition to the lock timeout.
RESPONSE_TIMEOUT = 5.0
# Seconds for which the circuit breaker stays open after a connection attempt timed out.
OPEN_SECONDS = 5.0
# The longest round trip, in seconds, that counts as low latency. On the same machine one takes 0.1 ms.
LOW_LATENCY_SECONDS = 0.00025
# The connections whose first round trips are compared: the shortest counts, because others also wait for this process.
CONNECTIONS_COMPARED = 8


def configure(engine: Engine) -> Callable[[], bool]:
    """Set up the engine's connections. Returns a function that says whether the server has low latency, so that a
    request spends little of its time waiting for it."""
    round_trips: deque[float] = deque(maxlen=CONNECTIONS_COMPARED)
    breaker = CircuitBreaker(OPEN_SECONDS, RESPONSE_TIMEOUT + OPEN_SECONDS)

    @event.listens_for(engine, "do_connect")
    def do_connect(dialect: Dialect, record: Any, arguments: Any, options: dict[str, Any]) -> TimeoutConnection:
        if not breaker.allows():
            raise psycopg.OperationalError("the server did not answer a moment ago")
        try:
            connection = TimeoutConnection.connect(*arguments, **options)
        except psycopg.errors.ConnectionTimeout:
            breaker.open()
            raise
        breaker.close()
        connection.breaker = breaker
        return connection

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {READ_LOCK_TIMEOUT_MS}")
        start = time.perf_counter()
        connection.commit()
        round_trips.append(time.perf_counter() - start)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        driver_connection: Any = connection.connection.driver_connection
        # A writer locks the rows that it changes, and must see what others committed while it waited. A page is read
        # from several tables in one snapshot; a read-only transaction gets no serialization failures.
        level = IsolationLevel.READ_COMMITTED if "writer" in options else IsolationLevel.REPEATABLE_READ
        if driver_connection.isolation_level != level:
            driver_connection.isolation_level = level
        timeout: float | None = None  # a migration has no time limit
        if "lock_timeout_ms" in options:
            timeout = options["lock_timeout_ms"] / 1000 + RESPONSE_TIMEOUT
        elif has_request_context():
            timeout = RESPONSE_TIMEOUT
        driver_connection.response_timeout = timeout

    @event.listens_for(engine, "checkin")
    def on_checkin(connection: TimeoutConnection | None, record: Any) -> None:
        if connection is not None:
            connection.response_timeout = RESPONSE_TIMEOUT  # for the pool's ping at the next checkout

    return lambda: bool(round_trips) and min(round_trips) < LOW_LATENCY_SECONDS


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection with a response timeout, for a server that accepts a query and never responds (a stopped process, a
    pulled cable). `response_timeout` is in seconds, None for no limit. The server's own timeouts do not help there."""

    response_timeout: float | None = RESPONSE_TIMEOUT
    breaker: CircuitBreaker | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.response_timeout if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is None:
                self.close()
                if self.breaker is not None:
                    self.breaker.half_open()
            raise

    def rollback(self) -> None:
        """Roll back. If the server has closed the connection it has rolled back as well, so no error is raised: at the
        end of a request an error would replace a response that is ready."""
        try:
            super().rollback()
        except psycopg.OperationalError:
            self.close()
