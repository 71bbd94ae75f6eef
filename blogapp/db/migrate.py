"""Migrate the schema, with Alembic through Flask-Alembic; the revisions are in `migrations/`.

All migrations of one run are one transaction, so a failed run changes nothing. One process migrates at a time; others
wait for it and then have nothing left to do.
"""

from __future__ import annotations

import fcntl
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from flask import Flask, current_app
from flask_alembic import Alembic
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.backup import back_up, delete_old_backups
from blogapp.db.base import db
from blogapp.db.faults import describe, fault_of, trace
from blogapp.db.sqlite import WRITE_LOCK_TIMEOUT_MS

log = logging.getLogger(__name__)

# The key of PostgreSQL's advisory lock; any number that no other program uses on the same database.
LOCK_KEY = 0x626C6F67

CURRENT = "current"
BEHIND = "behind"
NEWER = "newer"


class MigrationError(SystemExit):
    """A migration failed and changed nothing. A SystemExit, so that a command or a starting server ends with its
    message and not with a traceback."""


class Migrations(Alembic):
    """Flask-Alembic with another `run_migrations`, which `upgrade`, `downgrade` and `stamp` call."""

    def run_migrations(self, fn: Callable[..., Any], **kwargs: Any) -> None:
        self._get_cache().clear()  # ends the transaction of an earlier schema check
        database: Path | None = current_app.extensions["database_file"]

        def steps(heads: Any, context: MigrationContext) -> Any:
            found = list(fn(heads, context))
            if found and database is not None:
                _back_up(database, "-".join(heads) or "base")
            return found

        with _migrating(database) as connection:
            if self.state(connection) == NEWER:
                raise MigrationError(
                    "The database's schema is newer than this version of blogapp: install the newer one."
                )
            environment = EnvironmentContext(self.config, self.script_directory, fn=steps)
            environment.configure(
                connection=connection, target_metadata=db.metadata, **current_app.config["ALEMBIC_CONTEXT"]
            )
            environment.run_migrations(**kwargs)

    def state(self, connection: Connection) -> str:
        heads = set(MigrationContext.configure(connection).get_current_heads())
        if heads == set(self.script_directory.get_heads()):
            return CURRENT
        known = {script.revision for script in self.script_directory.walk_revisions()}
        return BEHIND if heads <= known else NEWER


alembic = Migrations(run_mkdir=False)


def init_app(app: Flask, database_file: Path | None) -> None:
    """`database_file` is the file of an SQLite database, None on PostgreSQL."""
    app.config["ALEMBIC"] = {"script_location": "migrations"}
    # SQLite can change little of a table in place; batch mode copies it.
    app.config["ALEMBIC_CONTEXT"] = {"render_as_batch": True, "compare_type": True}
    app.extensions["database_file"] = database_file
    alembic.init_app(app)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def schema_state() -> str:
    """CURRENT if the database has the schema of this code, BEHIND if it has an older one or none, NEWER if it has one
    that this code does not know."""
    with db.engine.connect() as connection:
        return alembic.state(connection)


def migrate_sqlite(database: Path) -> None:
    """Migrate the SQLite database `database` if its schema is not current; called at start. Raises MigrationError."""
    with _file_lock(database):
        state = schema_state()  # two processes must not create the file at the same time either
    if state == BEHIND:
        alembic.upgrade()
    delete_old_backups(database, clock.now())


@contextmanager
def _migrating(database: Path | None) -> Iterator[Connection]:
    """Yield a connection in a transaction for migrations, while no other process migrates."""
    try:
        with _sqlite_migration(database) if database is not None else _postgresql_migration() as connection:
            yield connection
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None:
            log.error("the migration failed\n%s", trace(error))
        reason = fault.cause if fault else f"{describe(error)}; the log has the traceback"
        raise MigrationError(f"The migration failed and the database was not changed: {reason}.") from None


@contextmanager
def _sqlite_migration(database: Path) -> Iterator[Connection]:
    with _file_lock(database), db.engine.connect() as connection:
        # Rebuilding a table drops the old one. With foreign keys on, that deletes every row that refers to it. They can
        # only be switched off outside a transaction (https://www.sqlite.org/lang_altertable.html, section 7).
        driver_connection: Any = connection.connection.driver_connection
        driver_connection.execute("PRAGMA foreign_keys = OFF")
        try:
            connection = connection.execution_options(writer="durable", lock_timeout_ms=WRITE_LOCK_TIMEOUT_MS)
            with connection.begin():
                yield connection
                _check_foreign_keys(connection)
        finally:
            driver_connection.execute("PRAGMA foreign_keys = ON")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise MigrationError(
            f"The migration was undone: {len(broken)} rows would refer to rows that do not exist (in {tables}). "
            "The database was not changed."
        )


@contextmanager
def _postgresql_migration() -> Iterator[Connection]:
    with db.engine.connect() as connection:
        connection = connection.execution_options(writer="durable")
        with connection.begin():
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            yield connection


@contextmanager
def _file_lock(database: Path) -> Iterator[None]:
    path = database.with_name(f"{database.name}.lock")
    try:
        file = path.open("w")
    except OSError as error:
        raise MigrationError(
            f"blogapp cannot use the SQLite database {database}: {path} cannot be written ({error.strerror}). "
            "SQLite needs a folder that can be written."
        ) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _back_up(database: Path, revision: str) -> None:
    try:
        back_up(database, revision, clock.now())
        delete_old_backups(database, clock.now())
    except (sqlite3.Error, OSError) as error:
        raise MigrationError(
            f"The migration was not started: the database could not be backed up first ({error}). It was not changed."
        ) from None
