"""The state of the schema. A server checks it at start and for `/readyz`, so this module does not import Alembic, which
takes a third of the time of a start and 10 MB."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select

from blogapp.db.base import db
from blogapp.db.search_index import is_of_one_database
from blogapp.db.sqlite import WRITE_LOCK_TIMEOUT_MS

MIGRATIONS = Path(__file__).parent.parent / "migrations"
# The ids of the revisions, oldest first: each is the beginning of its file's name.
REVISIONS = sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("[0-9]*.py"))

CURRENT = "current"
BEHIND = "behind"
NEWER = "newer"

# Alembic's table, outside of the metadata of the models.
VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
VERSION.primary_key.name = "alembic_version_pkc"


class MigrationError(SystemExit):
    """A migration failed and changed nothing. A SystemExit, so that a command or a starting server ends with its
    message and not with a traceback."""


def init_app(app: Flask, database_file: Path | None) -> None:
    """`database_file` is the file of an SQLite database, None on PostgreSQL."""
    # `path_separator` is not used, but Alembic warns if it is missing.
    app.config["ALEMBIC"] = {"script_location": str(MIGRATIONS), "version_locations": [], "path_separator": "os"}
    # SQLite can change little of a table in place; batch mode copies it.
    app.config["ALEMBIC_CONTEXT"] = {
        "render_as_batch": True,
        "compare_type": True,
        "compare_server_default": True,
        "include_object": lambda object, name, *rest: not is_of_one_database(name),
    }
    app.extensions["database_file"] = database_file


def schema_state() -> str:
    """CURRENT if the database has the schema of this code, BEHIND if it has an older one or none, NEWER if it has one
    that this code does not know."""
    with db.engine.connect() as connection:
        return state_of(connection)


def stored_revision() -> str:
    """The newest migration that the database has; empty if it has none."""
    with db.engine.connect() as connection:
        return max(_revisions_of(connection), default="")


def state_of(connection: Connection) -> str:
    stored = _revisions_of(connection)
    if stored == {REVISIONS[-1]}:
        return CURRENT
    return BEHIND if stored <= set(REVISIONS) else NEWER


def _revisions_of(connection: Connection) -> set[str]:
    if not inspect(connection).has_table(VERSION.name):
        return set()
    return set(connection.scalars(select(VERSION.c.version_num)))


def create_schema(engine: Engine | None = None) -> bool:
    """Create all tables in an empty database (default: that of the application), as all migrations together would;
    returns whether it was empty."""
    with (engine or db.engine).connect() as connection:
        connection = connection.execution_options(writer="durable", lock_timeout_ms=WRITE_LOCK_TIMEOUT_MS)
        with connection.begin():
            if inspect(connection).get_table_names():
                return False
            db.metadata.create_all(connection, checkfirst=False)
            VERSION.create(connection, checkfirst=False)
            connection.execute(VERSION.insert(), {"version_num": REVISIONS[-1]})
    return True


@contextmanager
def file_lock(database: Path) -> Iterator[None]:
    """Let one process at a time create or migrate the SQLite database `database`, and create its folder if that is
    missing. Raises MigrationError."""
    path = database.with_name(f"{database.name}.lock")
    with suppress(OSError):  # opening the file fails then, too
        path.parent.mkdir(parents=True, exist_ok=True)
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
