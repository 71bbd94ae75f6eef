"""Restoring an archive: its rows replace the content of the blog, in one transaction, and are rendered afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from sqlalchemy import Column, Connection, Table, delete, exists, false, func, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError
from sqlalchemy.orm import Session

from blogapp.articles import publishing
from blogapp.comments import rendering
from blogapp.db.base import Model, db
from blogapp.owners.accounts import find_owner
from blogapp.pages.archive import (
    FILES,
    FILES_AT_ONCE,
    ROWS,
    ArchiveError,
    Manifest,
    open_archive,
    read_manifest,
    read_rows,
    tables,
)
from blogapp.pages.occupancy import BIN, content_in_use
from blogapp.search import indexing
from blogapp.site.settings import SETUP_DONE_AT, unusable_settings

UNFIT = (IntegrityError, DataError, ProgrammingError)
OWNERS = "owners.id"
AUTHORS = {("articles", "owner_id"), ("article_revisions", "author_id")}


def restore_archive(session: Session, file: IO[bytes]) -> Manifest:
    """Replace the content of the blog with that of an archive, and its accounts if the archive has any.

    A write transaction with `Changes.EVERYTHING` must be open: if anything fails, nothing has changed. Afterwards,
    articles and comments have no HTML until they are rendered again. Raises ArchiveError.
    """
    with open_archive(file) as archive:
        manifest = read_manifest(archive)
        wanted = tables(manifest.has_accounts)
        # Without accounts, whether the blog is set up stays as it is.
        kept = () if manifest.has_accounts else (SETUP_DONE_AT,)
        owners = {} if manifest.has_accounts else _same_owners(session, manifest)
        for table in reversed(wanted):
            is_kept = table.columns["name"].in_(kept) if table.name == "site_settings" else false()
            session.execute(delete(table).where(~is_kept))
        for table in wanted:
            rows = read_rows(archive, table)
            if table.name == "site_settings":
                rows = (row for row in rows if row["name"] not in kept)
            if not manifest.has_accounts:
                rows = (_with_owners(table, row, owners, manifest.owners) for row in rows)
            for batch in _batches(rows, FILES_AT_ONCE if table.name == FILES[0] else ROWS):
                try:
                    session.execute(table.insert(), batch)
                except StatementError as error:
                    # Others, such as a full disk, are no fault of the archive.
                    if isinstance(error, DBAPIError) and not isinstance(error, UNFIT):
                        raise
                    raise ArchiveError(f"Rows of {table.name} do not fit the other rows of the archive.") from error
            set_sequence(session.connection(), table)
        if names := ", ".join(unusable_settings(session)):
            raise ArchiveError(f"The archive has settings that cannot be used: {names}.", "values", place=names)
    return manifest


def complete_restore() -> None:
    """Render and index what `restore_archive` has stored, after its transaction."""
    db.session.expunge_all()
    session = db.session()
    for batches in (
        publishing.render_outdated(),
        rendering.render_outdated(session),
        indexing.index_articles(session),
        indexing.index_comments(session),
    ):
        for _ in batches:
            pass


def in_use(session: Session, with_accounts: bool) -> str:
    """What the blog has that `restore_archive` would delete, in English: articles, articles in the bin, pictures, or
    accounts if the archive has any. Empty for an empty blog."""
    if found := content_in_use(session):
        return "articles in the bin" if found == BIN else found
    owners = Model.metadata.tables["owners"]
    return "accounts" if with_accounts and session.scalar(select(exists(select(*owners.primary_key)))) else ""


def _same_owners(session: Session, manifest: Manifest) -> dict[Any, int]:
    """The ids of this blog's owners, by the ids of owners of the same names in the archive."""
    try:
        found = {int(number): find_owner(session, name) for number, name in manifest.owners.items()}
    except (AttributeError, TypeError, ValueError):
        raise ArchiveError("The owners in this archive cannot be read.") from None
    return {number: owner.id for number, owner in found.items() if owner}


def _with_owners(table: Table, row: dict[str, Any], owners: dict[Any, int], names: dict[str, str]) -> dict[str, Any]:
    """The row with this blog's owners. An author without an account here stays the author by name."""
    for column in filter(_refers_to_owners, table.columns):
        number = row.get(column.name)
        row[column.name] = owners.get(number) if isinstance(number, int) else None
        if (table.name, column.name) in AUTHORS and row[column.name] is None and not row.get("author_name"):
            row["author_name"] = names.get(str(number), "")
    return row


def _refers_to_owners(column: Column[Any]) -> bool:
    return any(key.target_fullname == OWNERS for key in column.foreign_keys)


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def set_sequence(connection: Connection, table: Table) -> None:
    """Let PostgreSQL generate ids after the restored ones."""
    key = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(key) != 1:
        return
    sequence = connection.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": key[0].name}
    )
    if sequence is not None:
        highest = connection.scalar(select(func.max(key[0])))
        connection.execute(
            text("SELECT setval(CAST(:sequence AS regclass), :value, :is_used)"),
            {"sequence": sequence, "value": highest or 1, "is_used": highest is not None},
        )
