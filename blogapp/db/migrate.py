"""Migrate the schema, with Alembic through Flask-Alembic; the revisions are in `migrations/`. A server imports this
module only if there is something to migrate.

All migrations of one run are one transaction, so a failed run changes nothing. One process migrates at a time; others
wait for it and then have nothing left to do.
"""

from __future__ import annotations

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
from flask_alembic.extension import _Cache
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.backup import back_up, delete_old_backups
from blogapp.db.base import db
from blogapp.db.faults import describe, fault_of, trace
from blogapp.db.schema import NEWER, MigrationError, file_lock, state_of
from blogapp.db.sqlite import WRITE_LOCK_TIMEOUT_MS

log = logging.getLogger(__name__)

# The key of PostgreSQL's advisory lock; any number that no other program uses on the same database.
LOCK_KEY = 0x626C6F67


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
            if state_of(connection) == NEWER:
                raise MigrationError(
                    "The database's schema is newer than this version of blogapp: install the newer one."
                )
            environment = EnvironmentContext(self.config, self.script_directory, fn=steps)
            environment.configure(
                connection=connection, target_metadata=db.metadata, **current_app.config["ALEMBIC_CONTEXT"]
            )
            environment.run_migrations(**kwargs)

    def _get_cache(self) -> _Cache:
        """The cache for the current application. It is created here because `init_app()` cannot be called any more when
        the application has served a request."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        if app not in self._cache:
            self._cache[app] = cache = _Cache()
            app.teardown_appcontext_funcs.append(cache.clear)
        return self._cache[app]


alembic = Migrations(run_mkdir=False)
logging.getLogger("alembic").setLevel(logging.WARNING)


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
    with file_lock(database), db.engine.connect() as connection:
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


def _back_up(database: Path, revision: str) -> None:
    try:
        back_up(database, revision, clock.now())
        delete_old_backups(database, clock.now())
    except (sqlite3.Error, OSError) as error:
        raise MigrationError(
            f"The migration was not started: the database could not be backed up first ({error}). It was not changed."
        ) from None
