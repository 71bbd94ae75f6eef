"""`flask db copy --to URL`: copy the blog into an empty database, from SQLite to PostgreSQL or back.

Left out are, as in archives, sessions, limits and what belongs to the day (its key, who has viewed and liked what), and
the search index, which `flask db upgrade` makes. Rows are copied table by table in the order of their keys, one batch a
transaction, so that a copy that was interrupted continues after the last row. At the end, all rows are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import (
    Connection,
    Engine,
    Result,
    String,
    Table,
    collate,
    create_engine,
    func,
    literal,
    make_url,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError

from blogapp import setting_values
from blogapp.db import sqlite
from blogapp.db.base import db
from blogapp.db.faults import fault_of, original_of
from blogapp.db.schema import CURRENT, NEWER, create_schema, state_of
from blogapp.db.sqlite import WRITE_LOCK_TIMEOUT_MS
from blogapp.db.start import connection_sentence, is_lasting
from blogapp.pages.archive import EMPTIED, FILES, FILES_AT_ONCE, LEFT_OUT, ROWS, encode_row
from blogapp.pages.restore import set_sequence
from blogapp.values import frozen

# Copied, unlike in archives: with smaller versions, browsers would take changed pages for those that they have.
COPIED = frozenset({"content_versions"})


class CopyRefused(Exception):
    """The databases do not allow a copy. `str()` says why and what to do, in English."""


@frozen
class Summary:
    """The number of rows of a table, and a checksum of all of them in the order of their keys."""

    rows: int
    checksum: str


@click.command("copy", short_help="Copy the blog into another database.")
@click.option(
    "--to", "address", required=True, metavar="URL", envvar="COPY_TO",
    help="The other database: postgresql://... or sqlite:////folder/blog.sqlite3. Also read from COPY_TO, because "
    "others can see the arguments of a command.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="First delete the content of the blog in the other database.")
@with_appcontext
def copy(address: str, force: bool) -> None:
    """Copy the blog into another, empty database, and compare all rows.

    Stop the server meanwhile. An interrupted copy is continued when the command is run again. The database of the blog
    is not changed. Sessions are left out: owners sign in again.
    """
    try:
        engine = connect(address, Path(current_app.instance_path))
    except ValueError as error:
        raise click.ClickException(f"--to {error}.") from None
    try:
        prepare(db.engine, engine, force)
        _copy_all(db.engine, engine)
        differences = _compare_all(db.engine, engine)
    except CopyRefused as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        fault = fault_of(error)
        sentence = connection_sentence(error, engine.url.host, "--to")
        if sentence and is_lasting(str(original_of(error))):  # of the other database: this one was opened before
            raise click.ClickException(sentence) from None
        if fault is None:
            raise
        raise click.ClickException(
            f"The copy stopped: {fault.cause}. Run the command again, and it continues."
        ) from None
    finally:
        engine.dispose()
    if differences:
        raise click.ClickException(
            f"The databases differ in {', '.join(differences)}. Was the blog used meanwhile? Stop the server, and "
            "run the command again with --force."
        )
    click.echo("Both databases have the same rows. Next: set DATABASE_URL, run flask db upgrade, start the server.")


def connect(address: str, data_folder: Path) -> Engine:
    """The path of an SQLite file is relative to `data_folder`, as in DATABASE_URL. Raises ValueError, whose message
    follows the name of the option."""
    try:
        address.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text in UTF-8") from None
    if not address.strip():
        raise ValueError("must be the address of a database: postgresql://... or sqlite:////folder/blog.sqlite3")
    url = make_url(setting_values.database_url(address))
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(data_folder / (url.database or "")))
    engine = create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        if not Path(engine.url.database or "").parent.is_dir():
            raise ValueError("names a folder that does not exist")
        sqlite.configure(engine)
    else:
        from blogapp.db import postgresql  # imports psycopg

        postgresql.configure(engine)
    return engine


def prepare(source: Engine, target: Engine, force: bool) -> None:
    """Create the schema of an empty `target`. Raises CopyRefused if it has rows that are not of an earlier copy, unless
    `force`, which deletes them."""
    with source.connect() as connection:
        if state_of(connection) != CURRENT:
            raise CopyRefused("The schema of this blog is not current. Run: flask db upgrade")
        with target.connect() as other:
            if _identity(connection) == _identity(other):
                raise CopyRefused("This is the database of the blog itself.")
    create_schema(target)
    with target.connect() as connection:
        state = state_of(connection)
    if state == NEWER:
        raise CopyRefused("The other database has the schema of a newer version of blogapp.")
    if state != CURRENT:
        raise CopyRefused(
            "The other database has tables of another program, or of an older version of blogapp. Use an empty one, or "
            "run flask db upgrade with its DATABASE_URL."
        )
    if force:
        with _writing(target) as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(table.delete())
        return
    others = [table.name for table in db.metadata.sorted_tables if not _is_begun(source, target, table)]
    if others:
        raise CopyRefused(
            f"The other database has other content (in {', '.join(others)}). Nothing was copied. Use an empty "
            "database, or add --force to delete what is there."
        )


def copied_tables() -> list[Table]:
    """The tables of a copy, each after those that it refers to."""
    return [table for table in db.metadata.sorted_tables if table.name not in LEFT_OUT - COPIED]


def copy_table(source: Connection, target: Engine, table: Table, done: Callable[[int], object]) -> None:
    """Copy the rows after the last one in `target`. `done` is called with the number of rows of each transaction."""
    with target.connect() as connection:
        last = connection.execute(
            select(*table.primary_key).order_by(*(key.desc() for key in _keys(connection, table))).limit(1)
        ).first()
    with _rows(source, table, last) as rows:
        for batch in rows.partitions():
            values = [_values(table, row) for row in batch]
            with _writing(target) as connection:
                connection.execute(table.insert(), values)
            done(len(values))
    with _writing(target) as connection:
        set_sequence(connection, table)


def summarize(connection: Connection, table: Table, most: int | None = None) -> Summary:
    """The summary of the first `most` rows (default: all)."""
    number, digest = 0, hashlib.sha256()
    with _rows(connection, table, limit=most) as rows:
        for row in rows:
            number += 1
            digest.update(encode_row(table, row).encode() + b"\n")
    return Summary(number, digest.hexdigest())


def _copy_all(source: Engine, target: Engine) -> None:
    with source.connect() as connection:  # one snapshot
        sizes = {table: _count(connection, table) for table in copied_tables()}
        with click.progressbar(length=sum(sizes.values()), label="Copying  ") as bar:
            for table in sizes:
                with target.connect() as other:
                    bar.update(_count(other, table))
                copy_table(connection, target, table, bar.update)


def _compare_all(source: Engine, target: Engine) -> list[str]:
    """Compare all rows in new snapshots, so that rows that were written since the copy began are found as well. Returns
    the tables that differ, with their numbers of rows."""
    differences = []
    with source.connect() as connection, target.connect() as other:
        sizes = {table: _count(connection, table) for table in copied_tables()}
        with click.progressbar(length=sum(sizes.values()), label="Comparing") as bar:
            for table, size in sizes.items():
                here, there = summarize(connection, table), summarize(other, table)
                if here != there:
                    differences.append(f"{table.name} ({here.rows:,} rows here, {there.rows:,} there)")
                bar.update(size)
    click.echo(f"{sum(sizes.values()):,} rows in {len(sizes)} tables were compared.")
    return differences


def _is_begun(source: Engine, target: Engine, table: Table) -> bool:
    """Whether the rows of `table` in the target are the first ones of the source, or there are none."""
    with source.connect() as connection, target.connect() as other:
        if table not in copied_tables():
            return _count(other, table) == 0
        there = summarize(other, table)
        return there == summarize(connection, table, there.rows)


def _rows(connection: Connection, table: Table, last: Any = None, limit: int | None = None) -> Result[Any]:
    """The rows of `table` in the order of its keys, which must be the same in both databases."""
    keys = _keys(connection, table)
    query = select(table).order_by(*keys).limit(limit)
    if last is not None:
        bound = [literal(value, key.type) for key, value in zip(table.primary_key, last, strict=True)]
        query = query.where(tuple_(*keys) > tuple_(*bound))
    at_once = FILES_AT_ONCE if table.name == FILES[0] else ROWS
    return connection.execute(query.execution_options(yield_per=at_once))


def _keys(connection: Connection, table: Table) -> list[Any]:
    # SQLite compares texts by their bytes; PostgreSQL does so with the collation "C" only.
    is_postgresql = connection.dialect.name == "postgresql"
    return [collate(key, "C") if is_postgresql and isinstance(key.type, String) else key for key in table.primary_key]


def _values(table: Table, row: Any) -> dict[str, Any]:
    return {name: None if (table.name, name) in EMPTIED else value for name, value in row._mapping.items()}


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _identity(connection: Connection) -> tuple[Any, ...]:
    if connection.dialect.name == "sqlite":
        return ("sqlite", str(Path(connection.engine.url.database or "").resolve()))
    # The name of the host is not enough: one server has several.
    return tuple(connection.execute(text("SELECT current_database(), pg_postmaster_start_time()")).one())


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection = connection.execution_options(writer="durable", lock_timeout_ms=WRITE_LOCK_TIMEOUT_MS)
        with connection.begin():
            yield connection
