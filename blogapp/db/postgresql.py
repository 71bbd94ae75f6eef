"""PostgreSQL: connections that give up a server which does not answer."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import Any

import psycopg
from flask import has_request_context
from sqlalchemy import Connection, Dialect, Engine, event

from blogapp.db.sqlite import READING_PATIENCE_MS

# How long a PostgreSQL server may take for one answer beyond the wait for a lock; and for how long it is then left
# alone. Both in seconds.
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
        patience: float | None = None  # a migration takes as long as it takes
        if "writer" in options:
            patience = options["patience_ms"] / 1000 + SILENCE
        elif has_request_context():
            patience = SILENCE
        driver_connection: Any = connection.connection.driver_connection
        driver_connection.patience = patience

    @event.listens_for(engine, "checkin")
    def on_checkin(connection: PatientConnection | None, record: Any) -> None:
        if connection is not None:
            connection.patience = SILENCE  # for the question whether it is still alive


class Silence:
    """Whether the server has just kept somebody waiting in vain. Then nobody else asks it for a moment, and after
    that one at a time, until it answers: those who read must not all stand in the same queue."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: float | None = None

    def begin(self) -> None:
        with self._lock:
            self._until = monotonic() + PAUSE

    def doubt(self) -> None:
        """One answer did not come, which may be the question's fault: the next one to ask finds out, alone."""
        with self._lock:
            self._until = self._until or monotonic()

    def end(self) -> None:
        with self._lock:
            self._until = None

    def refuse_while_it_lasts(self) -> None:
        """Raises psycopg.OperationalError while it does, except for one who tries again when it may be over."""
        with self._lock:
            if self._until is None:
                return
            if monotonic() < self._until:
                raise psycopg.OperationalError("the server was silent a moment ago")
            self._until = monotonic() + SILENCE + PAUSE


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up a server that is there and says nothing (one that is stopped, or behind a cable that
    was pulled): `patience` in seconds for each answer, None for ever. No timeout of the server's own helps there."""

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
