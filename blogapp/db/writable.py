"""Check whether the database can be written without changing it."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import text

from blogapp.db.base import db
from blogapp.db.faults import BUSY, DISK_FULL, MOVED, READ_ONLY_FILE, READ_ONLY_SERVER, WRITE_FAILED, Fault, fault_of
from blogapp.db.sqlite import READ_LOCK_TIMEOUT_MS, is_moved
from blogapp.db.transactions import recent_write_fault

# A comment with its indexes takes about this much of SQLite's write-ahead log.
PROBE = bytes(64 * 1024)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def write_fault() -> Fault | None:
    """Why the database cannot be written now; None if it can. Raises SQLAlchemyError if it cannot be read either."""
    database: Path | None = current_app.extensions["database_file"]
    fault = _sqlite_fault(database) if database is not None else _postgresql_fault()
    return fault or recent_write_fault()


def _sqlite_fault(database: Path) -> Fault | None:
    with db.engine.connect() as connection:
        if is_moved(connection):
            return MOVED
        driver_connection: Any = connection.connection.driver_connection
        driver_connection.execute("PRAGMA busy_timeout = 0")
        try:
            driver_connection.execute("BEGIN IMMEDIATE")
            driver_connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            fault = fault_of(error)
            if fault is None or fault.kind != BUSY:  # busy means that another process is writing, so it can be written
                return fault or WRITE_FAILED
        finally:
            driver_connection.execute(f"PRAGMA busy_timeout = {READ_LOCK_TIMEOUT_MS}")
    try:
        # An unnamed file in the same folder: it is never synced, and deleted when it is closed.
        with tempfile.TemporaryFile(dir=database.parent) as file:
            file.write(PROBE)
            file.flush()
    except OSError as error:
        return DISK_FULL if error.errno in FULL else READ_ONLY_FILE if error.errno in READ_ONLY else WRITE_FAILED
    return None


def _postgresql_fault() -> Fault | None:
    # Also on for a standby. A full disk is only known from the last write.
    is_read_only = db.session.execute(text("SELECT current_setting('transaction_read_only') = 'on'")).scalar_one()
    return READ_ONLY_SERVER if is_read_only else None
