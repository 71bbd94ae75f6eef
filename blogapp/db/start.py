"""Open the database at start: an invalid DATABASE_URL stops the program with a message, an outage does not."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.backup import delete_old_backups
from blogapp.db.base import db
from blogapp.db.change_marker import ChangeMarker
from blogapp.db.faults import fault_of, original_of
from blogapp.db.schema import BEHIND, CURRENT, NEWER, create_schema, file_lock, schema_state
from blogapp.settings import SettingsError

log = logging.getLogger(__name__)

# Parts of PostgreSQL's messages when it refuses a connection temporarily, not because DATABASE_URL is invalid.
TEMPORARY = ("starting up", "shutting down", "recovery", "too many", "connection slots", "not yet accepting")
# What libpq says if the connection would not be as secure as `sslmode` in DATABASE_URL demands.
INSECURE = re.compile(
    r'SSL error: (?!unexpected eof)[\w ]+|server certificate for .* does not match host name "[^"]*"|'
    r'root certificate file "[^"]*" does not exist|server does not support SSL, but SSL was required'
)
# What libpq and psycopg say about the options of an address, before they ask the server.
INVALID_OPTION = re.compile(
    r'invalid (?:URI query parameter:|connection option|integer value|"?\w+"? value:) .*|bad value for \w+: .*|'
    r'definition of service "[^"]*" not found|could not parse network address "[^"]*"'
)
HOST_UNKNOWN = "[Errno -2]"  # EAI_NONAME; an unreachable name server is another error


def open_database(
    app: Flask, database_file: Path | None, marker: ChangeMarker, note_missing: Callable[[], None]
) -> None:
    """Migrate an SQLite database; on PostgreSQL, migrating is left to `flask db upgrade`.

    `note_missing` is called after an SQLite database was created in the place of one that is missing: `marker` still
    exists, which is written beside each database.

    Raises SettingsError or MigrationError if the database is not usable. An unreachable PostgreSQL server is only
    logged: the site starts, and works as soon as the server can be reached.
    """
    app.extensions["database_was_reached"] = False
    with app.app_context():
        try:
            if database_file is not None:
                _migrate_sqlite(database_file, marker, note_missing)
            if schema_state() == NEWER:
                raise SettingsError(
                    "the database's schema is newer than this version of blogapp. Install the newer version again."
                )
            app.extensions["database_was_reached"] = True
        except SQLAlchemyError as error:
            if database_file is not None:
                raise SettingsError(_sqlite_sentence(database_file, error)) from None
            _explain_connection(error)
        finally:
            db.session.remove()
            db.engine.dispose()  # a server that forks after this must not share a connection


def refuse_missing_database(database: Path) -> None:
    """Raise SettingsError if there is no SQLite database `database`."""
    if not database.exists():
        raise SettingsError(
            f"there is no database {database}. Set DATA_DIR or DATABASE_URL as they are set for the server."
        )


def describe_database(database_url: str) -> str:
    """Where the data is, without user name and password."""
    url = make_url(database_url)
    if url.drivername == "sqlite":
        return f"Database: SQLite, {url.database}"
    return f"Database: PostgreSQL, {url.database} at {url.host or 'a local socket'}"


def _migrate_sqlite(database: Path, marker: ChangeMarker, note_missing: Callable[[], None]) -> None:
    """Create the schema of the SQLite database `database`, or migrate it if it is not current."""
    with file_lock(database):  # two processes must not create the file at the same time
        _check_fts5()
        state = schema_state()
        if state == BEHIND and create_schema():
            state = CURRENT
            if marker.exists():
                log.warning(
                    "the database %s was missing, although a blog has been here before; an empty one was created",
                    database,
                )
                note_missing()
    if state == BEHIND:
        from blogapp.db.migrate import alembic  # takes a third of the time of a start

        alembic.upgrade()
    delete_old_backups(database, clock.now())


def _check_fts5() -> None:
    """Raise SettingsError if Python's SQLite cannot search: its FTS5 is optional, but nearly all builds have it."""
    with db.engine.connect() as connection:
        if not connection.exec_driver_sql("SELECT sqlite_compileoption_used('ENABLE_FTS5')").scalar():
            raise SettingsError(
                "Python's SQLite was built without FTS5, its full-text search. Use another build of Python, or "
                "PostgreSQL (DATABASE_URL)."
            )


def _sqlite_sentence(database_file: Path, error: SQLAlchemyError) -> str:
    original, fault = original_of(error), fault_of(error)
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return f"DATABASE_URL names {database_file}, which is not an SQLite database."
    if code == sqlite3.SQLITE_CORRUPT:
        return (
            f"the SQLite database {database_file} is damaged. Move it away, with the files whose names end in -wal and "
            "-shm, and put a daily backup in its place, or run: flask restore FILE.zip"
        )
    if fault is None:
        raise error
    return f"DATABASE_URL names {database_file}: {fault.cause}."


def _explain_connection(error: SQLAlchemyError) -> None:
    sentence = connection_sentence(error, db.engine.url.host)
    if sentence is None:
        raise error
    if is_lasting(str(original_of(error))):
        raise SettingsError(sentence)
    log.error("%s The site starts without it.", sentence)


def is_lasting(message: str) -> bool:
    """Whether this message of libpq means that DATABASE_URL is invalid, so that waiting does not help."""
    is_refused = "FATAL:" in message and not any(each in message for each in TEMPORARY)
    is_wrong = INVALID_OPTION.search(message) or INSECURE.search(message)
    return is_refused or "invalid" in message or HOST_UNKNOWN in message or is_wrong is not None


def connection_sentence(error: SQLAlchemyError, host: str | None, name: str = "DATABASE_URL") -> str | None:
    """Why PostgreSQL cannot be reached at `host`, from the message of the server or the driver (neither contains the
    password); None for any other error. `name` is where the address is from."""
    original = original_of(error)
    message = " ".join(str(original).split())
    if HOST_UNKNOWN in message:
        return f"{name} names the host {host}, which is not known."
    if invalid := INVALID_OPTION.search(message):
        return f"{name} has an option that PostgreSQL does not accept: {invalid[0]}."
    if insecure := INSECURE.search(message):
        return f"{name} demands a secure connection (sslmode), which failed: {insecure[0]}."
    if "FATAL:" in message:
        return f"{name}: PostgreSQL reports: {message.rpartition('FATAL:')[2].strip(' .')}."
    fault = fault_of(error)
    return f"{name}: {fault.cause} ({host or 'local socket'})." if fault else None


def explain_faults(command: click.Command) -> None:
    """Make a command, or all commands of a group, exit with a message if the database is unreachable, locked, read-only
    or outdated."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            explain_faults(each)
    else:
        _explain_faults_of(command)


def _explain_faults_of(command: click.Command) -> None:
    callback = command.callback
    if callback is None or command in _explained:
        return

    @with_appcontext
    def explaining(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except SQLAlchemyError as error:
            fault = fault_of(error)
            if fault is not None:
                raise click.ClickException(f"The database cannot be used now: {fault.cause}.") from None
            if schema_state() == BEHIND:
                raise click.ClickException("The database's schema is not current. Run: flask db upgrade") from None
            raise

    command.callback = explaining
    _explained.add(command)


# Commands are shared by all applications of a process; each is wrapped once.
_explained: WeakSet[click.Command] = WeakSet()
