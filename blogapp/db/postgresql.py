"""PostgreSQL: one snapshot for each reading request, and timeouts for a server that does not answer."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import Any

import psycopg
from flask import has_request_context
from psycopg import IsolationLevel
from sqlalchemy import Connection, Dialect, Engine, event

from blogapp.db.sqlite import READING_PATIENCE_MS

# Timeout in seconds for one answer of the server, in addition to the lock timeout; and seconds without new connections
# after a timeout.
SILENCE = 5.0
PAUSE = 5.0


def configure(engine: Engine) -> None:
    silence = Silence()

    @event.listens_for(engine, "do_connect")
    def do_connect(dialect: Dialect, record: Any, arguments: Any, options: dict[str, Any]) -> PatientConnection:
        silence.refuse_while_it_lasts()
        try:
            connection = PatientConnection.connect(*arguments, **options)
        except psycopg.errors.ConnectionTimeout:
            silence.begin()
            raise
        silence.end()
        connection.silence = silence
        return connection

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {READING_PATIENCE_MS}")
        connection.commit()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        driver_connection: Any = connection.connection.driver_connection
        # Writers lock the rows that they change, and must see what others committed while they waited. What a page
        # shows comes from several tables, read at one moment; a transaction that only reads cannot fail for that.
        level = IsolationLevel.READ_COMMITTED if "writer" in options else IsolationLevel.REPEATABLE_READ
        if driver_connection.isolation_level != level:
            driver_connection.isolation_level = level
        patience: float | None = None  # a migration may take any time
        if "patience_ms" in options:
            patience = options["patience_ms"] / 1000 + SILENCE
        elif has_request_context():
            patience = SILENCE
        driver_connection.patience = patience

    @event.listens_for(engine, "checkin")
    def on_checkin(connection: PatientConnection | None, record: Any) -> None:
        if connection is not None:
            connection.patience = SILENCE  # for the test on checkout that it still works


class Silence:
    """Whether the server has just failed to answer. No request connects for PAUSE seconds. After that, one request at a
    time tries to connect until the server answers, so that a dead server does not block every thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: float | None = None

    def begin(self) -> None:
        with self._lock:
            self._until = monotonic() + PAUSE

    def doubt(self) -> None:
        """One query timed out; perhaps because of the query. Let one request test the server before others."""
        with self._lock:
            self._until = self._until or monotonic()

    def end(self) -> None:
        with self._lock:
            self._until = None

    def refuse_while_it_lasts(self) -> None:
        """Raise psycopg.OperationalError during the pause; after it, let one request through to try again."""
        with self._lock:
            if self._until is None:
                return
            if monotonic() < self._until:
                raise psycopg.OperationalError("the server did not answer a moment ago")
            self._until = monotonic() + SILENCE + PAUSE


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that accepts a query and never answers (a stopped process, a pulled
    cable): `patience` in seconds for each answer, None for no limit. The server's own timeouts do not help there."""

    patience: float | None = SILENCE
    silence: Silence | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is None:
                self.close()
                if self.silence is not None:
                    self.silence.doubt()
            raise

    def rollback(self) -> None:
        """Roll back. Where the server has ended the connection, it has rolled back as well, so there is no error: at
        the end of a request it would replace an answer that is ready."""
        try:
            super().rollback()
        except psycopg.OperationalError:
            self.close()
