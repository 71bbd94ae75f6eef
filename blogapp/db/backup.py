"""Back up an SQLite database before a migration, and copy it for the daily backups (`site/daily_backups.py`).

A backup before a migration is named `<database>.backup-<revision>-<time>`, in the folder of the database. The newest
three are kept, none for longer than 30 days, because a backup also has the comments that were deleted after it was
made.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blogapp.db.search_index import is_of_one_database

log = logging.getLogger(__name__)

MAX_BACKUPS = 3
MAX_AGE = timedelta(days=30)
# The daily key must not be kept after its day: with it, visitors could be recognized in stored digests.
EXCLUDED_TABLE = "visitor_keys"
TIME_FORMAT = "%Y%m%dT%H%M%SZ"


def back_up(database: Path, revision: str, now: datetime) -> Path | None:
    """Back up `database`, whose schema is `revision`. Returns the path of the backup, or None if there are no rows.

    The backup is consistent while others read and write, and is on disk when this returns. Raises sqlite3.Error or
    OSError, for example on a full disk.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        if not _has_rows(connection):
            return None
    target = database.with_name(f"{database.name}.backup-{revision}-{now:{TIME_FORMAT}}")
    copy_database(database, target)
    log.warning("the database was backed up to %s before the migration", target)
    return target


def copy_database(database: Path, target: Path, verify: bool = False) -> None:
    """Copy an SQLite database, without the key of the day, while others read and write it.

    `target` appears when the copy is complete, with `verify` checked, and on disk. Raises sqlite3.Error or OSError.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)  # never readable by others, not even while it is written
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", [str(part)])
        _delete_visitor_keys(part)
        if verify:
            _verify(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(database.stat().st_mode & 0o777)
        part.replace(target)
        _sync_folder(target.parent)
    except (sqlite3.Error, OSError):
        part.unlink(missing_ok=True)
        raise


def delete_old_backups(database: Path, now: datetime) -> None:
    """Delete backups that are older than 30 days, and all but the newest three."""
    backups = {}
    for path in database.parent.iterdir():
        if path.name.startswith(f"{database.name}.backup-"):
            try:
                made = datetime.strptime(path.name.rpartition("-")[2], TIME_FORMAT).replace(tzinfo=UTC)
            except ValueError:
                continue  # not made by back_up()
            backups[path] = made
    newest = sorted(backups, key=lambda path: backups[path], reverse=True)
    for number, path in enumerate(newest):
        if number >= MAX_BACKUPS or now - backups[path] > MAX_AGE:
            path.unlink(missing_ok=True)
            log.info("deleted the old backup %s", path)


def _has_rows(connection: sqlite3.Connection) -> bool:
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
    ).fetchall()
    # FTS5's own tables have rows without a search index, too.
    own = [name for (name,) in tables if not is_of_one_database(name)]
    return any(connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in own)


def _delete_visitor_keys(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", [EXCLUDED_TABLE]).fetchone():
            connection.execute(f"DELETE FROM {EXCLUDED_TABLE}")


def _verify(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
    if found != ["ok"]:
        raise sqlite3.DatabaseError(f"the copy is damaged: {'; '.join(found)}")


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
