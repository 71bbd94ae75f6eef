"""Write transactions, and the state that they share."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, has_request_context
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp.db.base import db
from blogapp.db.change_marker import ChangeMarker
from blogapp.db.content_versions import Changes, raise_versions
from blogapp.db.faults import UNWRITABLE, Fault, describe, fault_of
from blogapp.db.sqlite import READ_LOCK_TIMEOUT_MS, WRITE_LOCK_TIMEOUT_MS, sync_log
from blogapp.db.write_queue import WriteQueue

# How long a checkpoint of SQLite's write-ahead log waits for readers before it gives up.
CHECKPOINT_TIMEOUT_MS = 200
# PostgreSQL writes in parallel, but not all threads of a process may wait there for the same lock.
POSTGRESQL_SLOTS = 3
# Seconds for which a failed write counts as a current fault.
FAULT_SECONDS = 60.0

# The settings of a transaction on PostgreSQL, in one round trip.
DURABLE = text("SELECT set_config('lock_timeout', :lock_timeout, true)")
QUICK = text("SELECT set_config('lock_timeout', :lock_timeout, true), set_config('synchronous_commit', 'off', true)")

log = logging.getLogger(__name__)


@dataclass
class WriteState:
    """The state that the write transactions of an application share. `fault` is the reason why the last write failed,
    if the database could not be written, and `failed_at` the time (`time.monotonic()`)."""

    queue: WriteQueue
    marker: ChangeMarker
    fault: Fault | None = None
    failed_at: float = 0.0


def init_app(app: Flask, marker: ChangeMarker) -> None:
    with app.app_context():
        slots = 1 if db.engine.dialect.name == "sqlite" else POSTGRESQL_SLOTS
    app.extensions["writing"] = WriteState(WriteQueue(slots), marker)


@contextmanager
def write_transaction(
    changes: Changes | int = Changes.EVERYTHING,
    *,
    only_adds: bool = False,
    durable: bool = True,
    lock_timeout_ms: int = WRITE_LOCK_TIMEOUT_MS,
) -> Iterator[Session]:
    """Write in one transaction: commits at the end, rolls back on any error.

    `changes` is what changes for readers: one article (its id) with its comments, everything, rules that no page
    shows, or nothing. The commit invalidates the cached pages that show it, in all processes (`content_versions`). If
    it `only_adds` (a comment, a like), those pages may still be served while the database is unavailable; no text may
    become invisible then.

    A `durable` transaction is on disk when this ends: on PostgreSQL when it is committed, on SQLite after a sync of the
    write-ahead log, for which the lock is released first. If the sync fails, DiskFailed is raised although the
    transaction is committed. One that is not durable, as for view counts, may be lost in a power failure (but not if
    the process is killed), and invalidates no cached page, regardless of `changes`.

    On SQLite the write lock is taken at the start (`BEGIN IMMEDIATE`): a transaction that reads first and writes later
    fails if another one wrote in between. Raises Busy if the transaction cannot begin: after `lock_timeout_ms`, or in a
    request immediately if too many other requests are waiting for the same lock.
    """
    writing: WriteState = current_app.extensions["writing"]
    session = db.session
    session.commit()  # ends the reading transaction, which cannot become a writing one
    try:
        with _slot(writing.queue, lock_timeout_ms) as left_ms:
            yield from _write(writing, changes, only_adds, durable, left_ms)
        if durable:
            wait_for_disk()
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is not None and fault.kind == UNWRITABLE:
            writing.fault, writing.failed_at = fault, time.monotonic()
        raise
    writing.fault = None


@contextmanager
def _slot(queue: WriteQueue, lock_timeout_ms: int) -> Iterator[int]:
    """Wait for a slot in the write queue; yields the milliseconds of the timeout that remain."""
    if db.engine.dialect.name == "postgresql" and not has_request_context():
        yield lock_timeout_ms  # a background thread or a command does not block a request thread
        return
    with queue.slot(lock_timeout_ms / 1000, may_refuse=has_request_context()) as seconds:
        yield int(seconds * 1000)


def _write(
    writing: WriteState, changes: Changes | int, only_adds: bool, durable: bool, lock_timeout_ms: int
) -> Iterator[Session]:
    session = db.session
    connection = session.connection(execution_options={"writer": "quick", "lock_timeout_ms": lock_timeout_ms})
    writing.queue.progress()
    try:
        if connection.dialect.name == "postgresql":
            connection.execute(DURABLE if durable else QUICK, {"lock_timeout": str(max(1, lock_timeout_ms))})
        yield session()
        if durable:
            raise_versions(session(), changes)
        if changes in {Changes.NOTHING, Changes.RULES} or not durable:
            session.commit()
            return
        removal = b"" if only_adds else writing.marker.begin_removal()
        try:
            session.commit()
        finally:  # after an error too: the commit may have succeeded
            if only_adds:
                writing.marker.add()
            else:
                writing.marker.finish_removal(removal)
    except BaseException:
        session.rollback()
        raise


def wait_for_disk() -> None:
    """Wait until everything that was committed is on the disk, also by other requests: a durable transaction of theirs
    can be read a moment before. Called before a response acknowledges what another request has stored. Raises
    DiskFailed."""
    if db.engine.dialect.name == "sqlite":
        sync_log(db.engine)


def recent_write_fault() -> Fault | None:
    """Why the database could not be written, if the last write of this process failed within a minute."""
    writing: WriteState = current_app.extensions["writing"]
    return writing.fault if time.monotonic() - writing.failed_at < FAULT_SECONDS else None


def insert_for(session: Session, table: Any) -> Any:
    """An INSERT that supports ON CONFLICT, in the dialect of the session's database."""
    return insert_in(session.get_bind().dialect.name, table)


def insert_in(dialect: str, table: Any) -> Any:
    """Like `insert_for`, for a dialect's name: `postgresql` or `sqlite`."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # not needed on SQLite

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def wipe(table: str) -> bool:
    """Remove deleted rows of `table` from the disk, as far as the database can; returns whether that was possible.
    No transaction may be open."""
    try:
        connection = db.engine.raw_connection()
    except (SQLAlchemyError, db.engine.dialect.loaded_dbapi.Error) as error:
        log.error("deleted rows of %s cannot be removed from the disk: %s", table, describe(error))
        return False
    driver_connection: Any = connection.driver_connection
    try:
        if db.engine.dialect.name == "sqlite":
            # The write-ahead log still holds the old pages. A reader of older pages may block the checkpoint, and a
            # checkpoint that waits blocks all writers.
            driver_connection.execute(f"PRAGMA busy_timeout = {CHECKPOINT_TIMEOUT_MS}")
            (is_busy, *_) = driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            driver_connection.execute(f"PRAGMA busy_timeout = {READ_LOCK_TIMEOUT_MS}")
            return not is_busy
        driver_connection.autocommit = True
        driver_connection.execute(f"VACUUM {table}")
        driver_connection.autocommit = False
        return True
    except db.engine.dialect.loaded_dbapi.Error as error:
        log.error("deleted rows of %s cannot be removed from the disk: %s", table, describe(error))
        connection.invalidate()
        return False
    finally:
        connection.close()
