"""Distinguish faults of the environment (an outage, a lock, a full disk) from bugs, by the database driver's error."""

from __future__ import annotations

import sqlite3
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from blogapp.values import frozen

if TYPE_CHECKING:
    import psycopg

PACKAGE = Path(__file__).parent.parent

UNREACHABLE = "unreachable"  # the database cannot be reached
BUSY = "busy"  # a lock or a connection was not free in time
UNWRITABLE = "unwritable"  # reading works, writing does not


class Busy(SQLAlchemyError):
    """A write got no slot in time, or was refused immediately because too many others are waiting.

    A SQLAlchemyError, so that code that handles failed writes also handles this.
    """


@frozen
class Fault:
    """A fault of the environment: its kind, and a description of its cause for the owner."""

    kind: str
    cause: str


class FileFault(SQLAlchemyError):
    """A fault of SQLite's files that SQLite does not report itself."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.cause)
        self.fault = fault


class DatabaseMoved(FileFault):
    """The SQLite file that is open is no longer the one at its path. What is written to it would be lost."""


class DiskFailed(FileFault):
    """A transaction was committed, but may not be on the disk."""


LOCKED = Fault(BUSY, "another process holds the database's write lock")
READ_ONLY_FILE = Fault(UNWRITABLE, "the database file or its folder is read-only")
DISK_FULL = Fault(UNWRITABLE, "the disk is full")
WRITE_FAILED = Fault(UNWRITABLE, "the disk reports an error when writing")
MOVED_CAUSE = (
    "the SQLite file was removed or replaced while it was in use. Stop the server, put the file or a backup back, and "
    "start the server again"
)
MOVED = Fault(UNWRITABLE, MOVED_CAUSE)  # for connections that are open, which can still read the file
MOVED_BEFORE_OPENING = Fault(UNREACHABLE, MOVED_CAUSE)
DAMAGED = Fault(UNREACHABLE, "the SQLite database is damaged. Restore a backup")
READ_ONLY_SERVER = Fault(UNWRITABLE, "PostgreSQL is read-only (a standby, or default_transaction_read_only)")
NO_SERVER = Fault(UNREACHABLE, "the PostgreSQL server cannot be reached")

# By SQLite's primary result code (https://www.sqlite.org/rescode.html).
SQLITE_FAULTS = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY_FILE,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_IOERR: Fault(UNREACHABLE, "the disk reports an error"),
    sqlite3.SQLITE_CANTOPEN: Fault(UNREACHABLE, "the database file cannot be opened"),
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
SQLITE_WRITE_ERRORS = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}

# By PostgreSQL's SQLSTATE, or its first two characters (PostgreSQL documentation, appendix A).
POSTGRESQL_FAULTS = {
    "08": NO_SERVER,
    "25006": READ_ONLY_SERVER,
    "28": Fault(UNREACHABLE, "PostgreSQL refuses the user name or the password"),
    "3D000": Fault(UNREACHABLE, "the database does not exist on the PostgreSQL server"),
    "40001": Fault(BUSY, "a transaction conflicted with another one"),
    "40P01": Fault(BUSY, "deadlock: two transactions waited for each other"),
    "53100": DISK_FULL,
    "53": Fault(UNREACHABLE, "the PostgreSQL server has no memory or connections left"),
    "55P03": Fault(BUSY, "another transaction holds a lock"),
    "57014": Fault(BUSY, "PostgreSQL canceled the query: it took too long"),
    "57": Fault(UNREACHABLE, "the PostgreSQL server is shutting down or starting"),
    "58": Fault(UNREACHABLE, "the PostgreSQL server reports a system error"),
}


def fault_of(error: BaseException) -> Fault | None:
    """The fault of the environment that caused `error`; None for a bug or a wrong schema."""
    if isinstance(error, Busy):
        return Fault(BUSY, "too many requests are waiting to write")
    if isinstance(error, FileFault):
        return error.fault
    if isinstance(error, PoolTimeoutError):
        return Fault(BUSY, "all database connections are in use")
    original = original_of(error)
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        if code in SQLITE_WRITE_ERRORS:
            return WRITE_FAILED
        return SQLITE_FAULTS.get(code & 0xFF) if code is not None else None
    if is_psycopg_error(original):
        state = original.sqlstate
        if state is not None:
            return POSTGRESQL_FAULTS.get(state) or POSTGRESQL_FAULTS.get(state[:2])
        # An error that psycopg raises itself, without a response of the server.
        import psycopg

        return NO_SERVER if isinstance(original, psycopg.OperationalError) else None
    return None


def is_psycopg_error(error: BaseException) -> TypeGuard[psycopg.Error]:
    """Whether `error` is from psycopg, which is not imported on SQLite."""
    psycopg = sys.modules.get("psycopg")
    return psycopg is not None and isinstance(error, psycopg.Error)


def original_of(error: BaseException) -> BaseException:
    """The driver's error that SQLAlchemy has wrapped."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def describe(error: BaseException) -> str:
    """The class of `error`, its code and the line of blogapp where it occurred, without values, URLs or secrets."""
    original = original_of(error)
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    return f"{type(original).__name__}{f' {code}' if code else ''}{_where(error)}"


def trace(error: SQLAlchemyError) -> str:
    """The traceback of a bug, without the values that PostgreSQL repeats in its messages."""
    original = original_of(error)
    if is_psycopg_error(original):
        # Messages of class 42 (syntax error, undefined name) contain only names from our code.
        is_safe = (original.sqlstate or "").startswith("42")
        message = (original.diag.message_primary or "") if is_safe else ""
    else:
        message = str(original)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{describe(error)}: {message}"


def _where(error: BaseException) -> str:
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    if not ours:
        return ""
    return f" in {Path(ours[-1].filename).relative_to(PACKAGE.parent)}:{ours[-1].lineno} ({ours[-1].name})"
