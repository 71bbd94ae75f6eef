"""`flask doctor`: check the installation, and say what is wrong and what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.faults import fault_of
from blogapp.db.schema import BEHIND, CURRENT, schema_state
from blogapp.db.writable import write_fault
from blogapp.settings import SECRET_KEY_FILE, Settings
from blogapp.site.daily_backups import State, current_state
from blogapp.site.storage import HOSTS, Storage, current_storage, start_notice

# A clock may differ by this much.
MOST_CLOCK_ERROR = timedelta(minutes=5)


@dataclass(frozen=True)
class Finding:
    """A line of the report: what was checked, whether it is fine, and what is the case, or what to do."""

    name: str
    is_fine: bool
    sentence: str


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check the database, the schema, the disk, the clock, the proxies, the secret key and the rights of files.

    The exit code is 1 if anything is wrong.
    """
    settings: Settings = current_app.extensions["storage_settings"]
    findings = list(examine(db.session(), settings, current_storage(), os.environ, clock.now()))
    for finding in findings:
        click.echo(f"{'ok   ' if finding.is_fine else 'WRONG'}  {finding.name}: {finding.sentence}")
    if not all(finding.is_fine for finding in findings):
        raise click.exceptions.Exit(1)


def examine(
    session: Session, settings: Settings, storage: Storage, environ: Mapping[str, str], now: datetime
) -> Iterator[Finding]:
    """All findings. What needs the database is left out if it cannot be used."""
    database = _database(settings)
    yield database
    if database.is_fine:
        yield _schema()
        yield _clock(session, now)
    yield from _storage(storage)
    yield _backups(current_state(), now)
    yield _proxies(settings, environ)
    yield _secret_key(settings, storage)
    yield _file_rights(settings)


def _database(settings: Settings) -> Finding:
    kind = f"SQLite in {settings.database_file}" if settings.database_file else "PostgreSQL"
    try:
        fault = write_fault()
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None:
            raise
    if fault is None:
        return Finding("database", True, f"{kind} can be read and written.")
    return Finding("database", False, f"{kind} cannot be used: {fault.cause}. See DATABASE_URL and DATA_DIR.")


def _schema() -> Finding:
    state = schema_state()
    if state == CURRENT:
        return Finding("schema", True, "current.")
    if state == BEHIND:
        return Finding("schema", False, "older than this version. Run: flask db upgrade")
    return Finding("schema", False, "newer than this version of blogapp. Install the newer version again.")


def _clock(session: Session, now: datetime) -> Finding:
    """Compare the clock with the server's, or with the latest comment."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        latest = session.scalar(select(Comment.created_at).order_by(Comment.id.desc()).limit(1))
        error = max(timedelta(), latest - now) if latest else timedelta()
        other = "the latest comment"
    else:
        error = abs(session.execute(select(func.now())).scalar_one() - now)
        other = "the clock of the database server"
    if error <= MOST_CLOCK_ERROR:
        return Finding("clock", True, f"{now:%Y-%m-%d %H:%M} UTC.")
    minutes = int(error.total_seconds() // 60)
    return Finding("clock", False, f"{minutes} minutes from {other}. Set the clock, and start a time service (NTP).")


def _storage(storage: Storage) -> Iterator[Finding]:
    if not storage.is_kept:
        yield Finding("storage", False, start_notice(storage).removeprefix("WARNING: "))
    elif storage.folder is None:
        yield Finding("storage", True, "the data is in a database server.")
    else:
        yield Finding("storage", True, f"as far as can be seen, this host keeps {storage.folder}.")
    if storage.free is not None:
        free = f"{storage.free // 1_000_000:,} MB are free"
        yield Finding("free space", not storage.is_full, f"{free}. Make some room." if storage.is_full else f"{free}.")


def _backups(state: State, now: datetime) -> Finding:
    if not state.are_made:
        return Finding("backups", True, "none are made automatically: use those of the host, or flask backup.")
    if state.latest is None:
        return Finding("backups", True, "none yet: the server makes one each day, a minute after its first request.")
    size = -(-state.latest.size // 1_000_000)
    latest = f"the latest of {len(state.backups)} in {state.folder} is of {state.latest.day} ({size:,} MB)"
    if state.is_old(now.date()):
        return Finding("backups", False, f"{latest}. If the server runs, its log has the reason.")
    return Finding("backups", True, f"{latest}.")


def _proxies(settings: Settings, environ: Mapping[str, str]) -> Finding:
    """Behind a proxy that is not trusted, all visitors have one address, and share one limit."""
    host = next((name for variable, name in HOSTS.items() if environ.get(variable)), "")
    if settings.trusted_proxies or not (host or settings.site_url.startswith("https://")):
        return Finding("proxies", True, f"TRUSTED_PROXIES is {settings.trusted_proxies}.")
    why = f"{host} has a proxy" if host else "SITE_URL begins with https, so a proxy is in front"
    return Finding(
        "proxies",
        False,
        f"{why}, but TRUSTED_PROXIES is 0: all visitors seem to have the same address. Set it to the number of "
        "proxies, mostly 1.",
    )


def _secret_key(settings: Settings, storage: Storage) -> Finding:
    source = settings.sources["SECRET_KEY"]
    if storage.loses_key:
        return Finding("secret key", False, start_notice(storage))
    return Finding("secret key", True, f"from {source}.")


def _file_rights(settings: Settings) -> Finding:
    """Others must not read the secret key, nor write the database."""
    checks: list[tuple[Path | None, int, str]] = [
        (settings.data_dir / SECRET_KEY_FILE, stat.S_IRWXG | stat.S_IRWXO, "600"),
        (settings.database_file, stat.S_IWOTH, "o-w"),
        (settings.database_file.parent if settings.database_file else None, stat.S_IWOTH, "o-w"),
    ]
    wrong = [f"chmod {rights} {path}" for path, mask, rights in checks if path is not None and _has_rights(path, mask)]
    if wrong:
        return Finding("file rights", False, f"others can read or change files of the blog. Run: {'; '.join(wrong)}")
    return Finding("file rights", True, "others can neither read the secret key nor change the database.")


def _has_rights(path: Path, mask: int) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & mask) and not (path.is_dir() and mode & stat.S_ISVTX)
