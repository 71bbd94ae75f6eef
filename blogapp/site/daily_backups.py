"""Daily backups of an SQLite database on a disk that lasts, without a scheduler.

When a day begins (UTC), and a minute after the first request of a process, one process copies the database to
`DATA_DIR/backups/blog-<date>.sqlite3`, in a thread of its own. Backups are deleted after seven days, which is also how
long they keep deleted comments. PostgreSQL is backed up by its server.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.db.backup import copy_database
from blogapp.settings import Settings
from blogapp.site.settings import last_site
from blogapp.site.storage import LEAST_FREE, current_storage
from blogapp.values import frozen

log = logging.getLogger(__name__)

FOLDER = "backups"
NAME = "blog-{:%Y-%m-%d}.sqlite3"
KEPT = timedelta(days=7)
# Without a backup in as many days, the clock may be wrong.
JUMP = timedelta(days=10)
# A blog that nobody reads for a day makes no backup that day, but its data has not changed either.
OLD = timedelta(days=2)
RETRY_SECONDS = 3600.0


@frozen
class DailyBackup:
    """A complete backup; `size` is in bytes."""

    path: Path
    day: date
    size: int


@frozen
class State:
    """The backups in `folder`, newest first. `are_made`: the database is SQLite on a disk that lasts, and not an empty
    one in the place of a missing one, whose backups would be deleted after a week."""

    folder: Path
    are_made: bool
    backups: list[DailyBackup]

    @property
    def latest(self) -> DailyBackup | None:
        return self.backups[0] if self.backups else None

    def is_old(self, today: date) -> bool:
        return self.latest is not None and today - self.latest.day >= OLD


def start_backup(app: Flask, *, day: date) -> None:
    """Back the database up in a thread, if it is to be backed up; a failed attempt is repeated every hour of `day`."""
    with app.app_context():
        if not current_state().are_made:
            return
    # If no thread can be started, the server has greater worries than the backup.
    threading.Thread(target=_run, args=[app, day], name="daily_backup", daemon=True).start()


def _run(app: Flask, day: date) -> None:
    settings: Settings = app.extensions["storage_settings"]
    assert settings.database_file is not None
    folder = settings.data_dir / FOLDER
    while not try_to_back_up(settings.database_file, folder, day):
        time.sleep(RETRY_SECONDS)
        if clock.now().date() != day:
            return


def try_to_back_up(database: Path, folder: Path, day: date) -> bool:
    """Make the backup of `day` and delete old ones, unless it exists or another process is making it. Returns whether
    nothing is left to do; a failure is logged and changes nothing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _lock(folder) as is_alone:
            if not is_alone:
                return True
            for part in folder.glob("*.part*"):  # of a process that was killed, and its journal
                part.unlink()
            target = folder / NAME.format(day)
            if not target.exists():
                _check_space(database, folder)
                copy_database(database, target, verify=True)
                log.info("the database was backed up to %s (%s bytes)", target, target.stat().st_size)
            # Only now: while backups fail, the old ones are better than none.
            _delete_old(folder, day)
    except (sqlite3.Error, OSError) as error:
        log.error("the daily backup failed, and is tried again in an hour: %s", error)
        return False
    return True


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Yield whether this process has the lock, which ends with the process."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _check_space(database: Path, folder: Path) -> None:
    """A backup must not take the space that the blog needs to store comments."""
    log_file = database.with_name(f"{database.name}-wal")
    size = database.stat().st_size + (log_file.stat().st_size if log_file.exists() else 0)
    free = shutil.disk_usage(folder).free
    if free < size + LEAST_FREE:
        raise OSError(f"{(size + LEAST_FREE) // 1_000_000:,} MB are needed in {folder}, {free // 1_000_000:,} are free")


def _delete_old(folder: Path, day: date) -> None:
    """Delete backups of KEPT days before `day` and earlier. Without another backup of the last days the clock may have
    jumped, for example to 1970, and nothing is deleted: the old ones may be the newest."""
    others = [backup for backup in backups_in(folder) if backup.day != day]
    if not any(timedelta() < day - backup.day < JUMP for backup in others):
        return
    for backup in others:
        if day - backup.day >= KEPT:
            backup.path.unlink()


def current_state() -> State:
    settings: Settings = current_app.extensions["storage_settings"]
    folder = settings.data_dir / FOLDER
    is_lasting = settings.database_file is not None and current_storage().is_kept
    are_made = is_lasting and not last_site().replaces_missing
    return State(folder, are_made, backups_in(folder))


def backups_in(folder: Path) -> list[DailyBackup]:
    """The complete daily backups in a folder, newest first."""
    found = []
    for path in folder.glob("blog-*.sqlite3"):
        try:
            day = date.fromisoformat(path.stem.removeprefix("blog-"))
            found.append(DailyBackup(path, day, path.stat().st_size))
        except (ValueError, OSError):
            continue  # not made here, or deleted just now
    return sorted(found, key=lambda backup: backup.day, reverse=True)


def panel(session: Session, error: str) -> dict[str, Any]:
    """The variables of the backups in the settings."""
    state, today = current_state(), clock.now().date()
    return {
        "state": state,
        "is_old": state.is_old(today),
        "is_sqlite": current_app.extensions["database_file"] is not None,
        "size": -(-state.latest.size // 1_000_000) if state.latest else 0,  # in megabytes, rounded up
        "kept": KEPT.days,
    }
