"""SQLite: pragmas and explicit transactions."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from blogapp.db.faults import (
    DISK_FULL,
    MOVED,
    MOVED_BEFORE_OPENING,
    WRITE_FAILED,
    DatabaseMoved,
    DiskFailed,
)

# How long a writer, and so a visitor's request, waits for the write lock. The response should come within 10 seconds.
WRITE_LOCK_TIMEOUT_MS = 9_000
# How long a reader waits for a lock. That is rare: writers do not block readers on either database.
READ_LOCK_TIMEOUT_MS = 2_000
# The page cache of each connection, in KiB.
CACHE_KIB = 125
# The interval between two attempts to get the write lock. SQLite's own busy handler waits up to 100 ms, so a process
# that writes all the time would starve the others. Only one thread per process waits here.
RETRY_SECONDS = 0.002
# The keys of a connection's `info`: the device and the inode of the file that it has opened, its present value of
# `PRAGMA synchronous`, and whether it has a write-ahead log, for which SQLite needs shared memory.
FILE = "file"
SYNCHRONOUS = "synchronous"
WAL = "wal"


def configure(engine: Engine) -> None:
    """Set the pragmas of each connection and begin each transaction explicitly.

    The sqlite3 module would begin a transaction only at the first write, so a value that was read before could be out
    of date.

    If the file is removed or replaced meanwhile, connections go on with the file that they have opened, and what they
    write is lost. So no write is committed then, and no new connection is opened: it would create an empty file, or
    apply the write-ahead log of the old file to the new one.
    """
    path = engine.url.database or ""
    opened: tuple[int, int] | None = None

    @event.listens_for(engine, "do_connect")
    def on_do_connect(*_: Any) -> None:
        if opened is not None and file_at(path) != opened:
            raise DatabaseMoved(MOVED_BEFORE_OPENING)

    @event.listens_for(engine, "engine_disposed")
    def on_dispose(*_: Any) -> None:
        nonlocal opened
        opened = None

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {WRITE_LOCK_TIMEOUT_MS}")
        record.info[WAL] = cursor.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        cursor.execute(f"PRAGMA busy_timeout = {READ_LOCK_TIMEOUT_MS}")
        cursor.execute("PRAGMA synchronous = FULL")
        record.info[SYNCHRONOUS] = "FULL"
        cursor.execute("PRAGMA foreign_keys = ON")
        # Each thread has a connection with a cache of its own. SQLite's default of 2 MB each adds 20 MB to a worker;
        # the operating system caches the file anyway.
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # Overwrite deleted data: the key of a past day, a comment that its author deleted.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()
        nonlocal opened
        record.info[FILE] = opened = opened or file_at(path)

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        driver_connection: Any = connection.connection.driver_connection
        if "writer" not in options:
            # A reader keeps one snapshot from its first query on. Without SQLAlchemy, which takes ten times as long for
            # a statement that cannot fail: SQLite reads nothing yet.
            driver_connection.execute("BEGIN")
            return
        # This pragma can only be changed outside a transaction and applies to the connection from then on. With a
        # write-ahead log, NORMAL only means that COMMIT does not wait for the disk.
        wanted = "NORMAL" if options["writer"] == "quick" and connection.info[WAL] else "FULL"
        if connection.info[SYNCHRONOUS] != wanted:
            driver_connection.execute(f"PRAGMA synchronous = {wanted}")
            connection.info[SYNCHRONOUS] = wanted
        _begin_immediate(connection, options["lock_timeout_ms"] / 1000)

    @event.listens_for(engine, "commit")
    def on_commit(connection: Connection) -> None:
        if "writer" in connection.get_execution_options() and is_moved(connection):
            raise DatabaseMoved(MOVED)


def sync_log(engine: Engine) -> None:
    """Wait until the transactions that were committed by a `quick` writer are on the disk. Raises DiskFailed.

    A COMMIT that waits itself holds the write lock meanwhile, a third of the time of a comment's transaction. Waiting
    after it lets other processes write, and one sync stores what several have committed.
    """
    try:
        file = os.open(f"{engine.url.database}-wal", os.O_RDONLY)
    except FileNotFoundError:
        return  # without a write-ahead log, COMMIT has waited
    try:
        getattr(os, "fdatasync", os.fsync)(file)  # macOS has only fsync
    except OSError as error:
        raise DiskFailed(DISK_FULL if error.errno in {errno.ENOSPC, errno.EDQUOT} else WRITE_FAILED) from error
    finally:
        os.close(file)


def is_moved(connection: Connection) -> bool:
    """Whether the file that `connection` has opened was removed, or replaced by another one."""
    return bool(file_at(connection.engine.url.database or "") != connection.info[FILE])


def file_at(path: str) -> tuple[int, int] | None:
    """The device and the inode of the file at `path`; None if there is none, or for a database in memory."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_immediate(connection: Connection, seconds: float) -> None:
    driver_connection: Any = connection.connection.driver_connection
    until = time.monotonic() + seconds
    driver_connection.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < until:
            try:
                driver_connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(RETRY_SECONDS)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the last attempt raises an error of SQLAlchemy
    finally:
        driver_connection.execute(f"PRAGMA busy_timeout = {READ_LOCK_TIMEOUT_MS}")
