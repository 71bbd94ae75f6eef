"""The database: models' base, naming convention, SQLite's pragmas, and the one way to write."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, current_app, has_request_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, TypeDecorator, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# How long a writer waits for its turn on SQLite, in milliseconds. Writers queue for a few milliseconds each;
# SQLite's own waiting is unfair, so a crowd of 32 needs far more patience than the sum of its work.
PATIENCE_MS = 30_000
# How long a reader waits for a lock. In the usual course none does: a writer stops no reader, on either database.
READING_PATIENCE_MS = 2_000
# How long the log of SQLite waits for readers before it is emptied some other time.
WIPING_PATIENCE_MS = 200
# How long a PostgreSQL server may take for one answer beyond the wait for a lock; and for how long it is then left
# alone. Both in seconds.
SILENCE = 5.0
PAUSE = 5.0

log = logging.getLogger(__name__)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


# Objects stay readable after a commit: a handler finds its article in a read, then posts to it in a write.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:

    class Model(DeclarativeBase):
        """What db.Model is to the type checker."""

else:
    Model = db.Model


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone of what it stores, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def init_app(app: Flask, url: str) -> None:
    """Connect `app` to the database at `url`. Nothing is opened before the first query."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Values stay out of error messages, and so out of logs.
    options: dict[str, Any] = {"pool_size": 8, "max_overflow": 8, "hide_parameters": True}
    if not url.startswith("sqlite:"):
        # A restarted PostgreSQL leaves dead connections in the pool: ask before use.
        options["pool_pre_ping"] = True
        options["connect_args"] = {"connect_timeout": 5}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _govern_sqlite(db.engine)
            app.extensions["write_turns"] = Turns()
        else:
            _govern_postgresql(db.engine)
            app.extensions["write_turns"] = None


def _govern_sqlite(engine: Engine) -> None:
    """Take transactions out of the sqlite3 module's hands: its own open late and lose updates."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA busy_timeout = {READING_PATIENCE_MS}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten: the key of a day that is over, a comment that was withdrawn.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if "writer" not in options:
            if connection.info.pop("has_written", False):
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {READING_PATIENCE_MS}")
            connection.exec_driver_sql("BEGIN")
            return
        connection.info["has_written"] = True
        # The level of safety can only be changed outside a transaction, and stays with the connection.
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options['writer'] == 'durable' else 'NORMAL'}")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {options['patience_ms']}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _govern_postgresql(engine: Engine) -> None:
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
