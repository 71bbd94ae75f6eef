"""The one way to write, and what goes with it."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import monotonic
from typing import Any

import psycopg
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp.db.base import db
from blogapp.db.sqlite import PATIENCE_MS, READING_PATIENCE_MS

# How long the log of SQLite waits for readers before it is emptied some other time.
WIPING_PATIENCE_MS = 200

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    with app.app_context():
        app.extensions["write_turns"] = Turns() if db.engine.dialect.name == "sqlite" else None


class Turns:
    """A lock that is handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[Event] = deque()
        self._is_taken = False

    def take(self, seconds: float) -> bool:
        """Wait for one's turn; False when it does not come in time."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = Event()
            self._waiting.append(turn)
        if turn.wait(seconds):
            return True
        with self._lock:
            if turn.is_set():
                return True
            self._waiting.remove(turn)
            return False

    def hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


@contextmanager
def _turn(patience_ms: int) -> Iterator[int]:
    """Wait for this thread's turn to write to SQLite; how much of the patience is left, in milliseconds.

    Those who wait in SQLite itself sleep ever longer and come in any order: of thirty who write at once the last wait
    for seconds. So the threads of a process queue here, and only one of them waits there for the other processes.
    PostgreSQL lets many write at once.
    """
    turns: Turns | None = current_app.extensions["write_turns"]
    if turns is None:
        yield patience_ms
        return
    began = monotonic()
    is_ours = turns.take(patience_ms / 1000)
    try:
        # Who waited in vain asks SQLite all the same, whose answer then is the error that everybody knows.
        yield max(0, patience_ms - int((monotonic() - began) * 1000))
    finally:
        if is_ours:
            turns.hand_on()


@contextmanager
def write_transaction(*, durable: bool = True, patience_ms: int = PATIENCE_MS) -> Iterator[Session]:
    """Write, alone and whole: commits at the end, rolls back on any error.

    `durable` means on disk before the answer (SQLite `synchronous=FULL`, PostgreSQL's own default); without it a
    power cut may lose the last moments, a killed process loses nothing either way. On SQLite the write lock is
    taken at once (`BEGIN IMMEDIATE`): a transaction that reads first and writes later fails when another wrote
    in between.
    """
    session = db.session
    session.commit()  # ends a reader's transaction, which cannot become a writer's
    with _turn(patience_ms) as left_ms:
        yield from _write(durable, left_ms)


def _write(durable: bool, patience_ms: int) -> Iterator[Session]:
    session = db.session
    connection = session.connection(
        execution_options={"writer": "durable" if durable else "quick", "patience_ms": patience_ms}
    )
    try:
        if connection.dialect.name == "postgresql":
            session.execute(text(f"SET LOCAL lock_timeout = {patience_ms}"))
            if not durable:
                session.execute(text("SET LOCAL synchronous_commit = off"))
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise


def insert_for(session: Session, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of the session's database."""
    return insert_in(session.get_bind().dialect.name, table)


def insert_in(dialect: str, table: Any) -> Any:
    """The same for a dialect by its name: `postgresql` or `sqlite`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def wipe(table: str) -> bool:
    """Have rows that were deleted from `table` leave the disk as well, as far as the database itself goes; whether
    that was possible. No transaction may be open."""
    try:
        connection = db.engine.raw_connection()
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        log.error("%s cannot be wiped: %s", table, type(error).__name__)
        return False
    driver_connection: Any = connection.driver_connection
    try:
        if db.engine.dialect.name == "sqlite":
            # The log still holds the pages as they were. Readers of older pages may be in the way, and whoever waits
            # for them keeps all writers waiting.
            driver_connection.execute(f"PRAGMA busy_timeout = {WIPING_PATIENCE_MS}")
            (is_busy, *_) = driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            driver_connection.execute(f"PRAGMA busy_timeout = {READING_PATIENCE_MS}")
            return not is_busy
        driver_connection.autocommit = True
        driver_connection.execute(f"VACUUM {table}")
        driver_connection.autocommit = False
        return True
    except (sqlite3.Error, psycopg.Error) as error:
        log.error("%s cannot be wiped: %s", table, type(error).__name__)
        connection.invalidate()
        return False
    finally:
        connection.close()
