"""`flask doctor` and the owner's page "Health of this blog": what is wrong with the installation, and what to do.

Both show the same findings: the command in English, the page (doctor_routes.py) in the language of the site.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import date, datetime, timedelta
from pathlib import Path

import click
from flask import Flask, current_app
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
from blogapp.hosts import host_in
from blogapp.settings import SECRET_KEY_FILE, Settings
from blogapp.site.daily_backups import State, current_state
from blogapp.site.storage import LOST_KEY, Storage, current_storage, loss_message
from blogapp.text.i18n import N_
from blogapp.values import frozen
from blogapp.web.proxy import Arrival

# A clock may differ by this much.
MOST_CLOCK_ERROR = timedelta(minutes=5)
# What keeps a database from being written (db/faults.py), for translators: a value of the message about it.
CAUSES = (
    N_("the database file or its folder is read-only"),
    N_("the disk is full"),
    N_("the disk reports an error when writing"),
    N_(
        "the SQLite file was removed or replaced while it was in use. Stop the server, put the file or a backup back, "
        "and start the server again"
    ),
    N_("PostgreSQL is read-only (a standby, or default_transaction_read_only)"),
)
SET_PROXIES = N_("Set TRUSTED_PROXIES to the number of proxies, usually 1.")

Value = str | int | date


def in_english(value: Value) -> str:
    """A number, a date or a time (UTC) as the command prints it; text as it is."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value)


@frozen
class Finding:
    """A line of the report: what was checked, whether it is fine, and two messages: what is the case, and what to do,
    which may be empty. `values` are those of both."""

    name: str
    is_fine: bool
    message: str
    advice: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def text(self, translate: Callable[[str], str] = str, show: Callable[[Value], str] = in_english) -> str:
        """What is the case and what to do."""
        values = {name: show(value) for name, value in self.values.items()}
        return " ".join(translate(each) % values for each in (self.message, self.advice) if each)


def init_app(app: Flask, settings: Settings) -> None:
    """Warn in the log of a starting server if its proxy is not trusted."""
    app.extensions["start_notices"].append(lambda address: start_notice(settings, os.environ))


def start_notice(settings: Settings, environ: Mapping[str, str]) -> str:
    """The line for the log; empty if nothing is wrong with the proxies, as far as can be seen."""
    finding = _proxies(settings, environ)
    return "" if finding.is_fine else f"WARNING: {finding.text()}"


@click.command("doctor", short_help="Check what the blog needs from its host.")
@with_appcontext
def doctor() -> None:
    """Check the database, the schema, the disk, the clock, the proxies, the secret key and the rights of files.

    The exit code is 1 if anything is wrong.
    """
    settings: Settings = current_app.extensions["storage_settings"]
    findings = list(examine(db.session(), settings, current_storage(), os.environ, clock.now()))
    for finding in findings:
        click.echo(f"{'ok   ' if finding.is_fine else 'WRONG'}  {finding.name}: {finding.text()}")
    click.echo(f"To see what arrives through proxies, sign in and open {settings.site_url}/owner/doctor.")
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
    name, kind = N_("Database"), f"SQLite ({settings.database_file})" if settings.database_file else "PostgreSQL"
    try:
        fault = write_fault()
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None:
            raise
    if fault is None:
        return Finding(name, True, N_("%(database)s can be read and written."), values={"database": kind})
    return Finding(
        name,
        False,
        N_("%(database)s cannot be used: %(cause)s."),
        N_("See DATABASE_URL and DATA_DIR."),
        {"database": kind, "cause": fault.cause},
    )


def _schema() -> Finding:
    name, state = N_("Schema"), schema_state()
    if state == CURRENT:
        return Finding(name, True, N_("The tables of the database are those of this version."))
    if state == BEHIND:
        return Finding(
            name, False, N_("The tables of the database are older than this version."), N_("Run: flask db upgrade")
        )
    return Finding(
        name,
        False,
        N_("The tables of the database are newer than this version of blogapp."),
        N_("Install the newer version again."),
    )


def _clock(session: Session, now: datetime) -> Finding:
    """Compare the clock with the server's, or with the latest comment."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        last_id = select(func.max(Comment.id)).scalar_subquery()
        latest = session.scalar(select(Comment.created_at).where(Comment.id == last_id))
        error = max(timedelta(), latest - now) if latest else timedelta()
        message = N_("The clock is %(minutes)s min behind the latest comment.")
    else:
        error = abs(session.execute(select(func.now())).scalar_one() - now)
        message = N_("The clock is %(minutes)s min from that of the database server.")
    name = N_("Clock")
    if error <= MOST_CLOCK_ERROR:
        return Finding(name, True, N_("It is %(now)s."), values={"now": now})
    minutes = int(error.total_seconds() // 60)
    return Finding(name, False, message, N_("Set the clock, and start a time service (NTP)."), {"minutes": minutes})


def _storage(storage: Storage) -> Iterator[Finding]:
    name = N_("Storage")
    if not storage.is_kept:
        advice = N_("Set DATABASE_URL to a PostgreSQL database, or DATA_DIR to a mounted volume.")
        yield Finding(name, False, loss_message(storage), advice, {"host": storage.host})
    elif storage.folder is None:
        yield Finding(name, True, N_("Your data is kept in a PostgreSQL database."))
    else:
        yield Finding(name, True, N_("As far as can be seen, this host keeps your data."))
    if storage.free is not None:
        advice = N_("Make some room.") if storage.is_full else ""
        values = {"free": storage.free // 1_000_000}
        yield Finding(N_("Free space"), not storage.is_full, N_("%(free)s MB are free."), advice, values)


def _backups(state: State, now: datetime) -> Finding:
    name = N_("Backups")
    if not state.are_made:
        return Finding(name, True, N_("None are made automatically: use those of your host, or flask backup."))
    if state.latest is None:
        return Finding(name, True, N_("None yet: the blog makes one each day, a minute after its first request."))
    is_old = state.is_old(now.date())
    return Finding(
        name,
        not is_old,
        N_("The latest backup in %(folder)s is of %(day)s (%(size)s MB)."),
        N_("If the server runs, its log has the reason.") if is_old else "",
        {"folder": str(state.folder), "day": state.latest.day, "size": -(-state.latest.size // 1_000_000)},
    )


def _proxies(settings: Settings, environ: Mapping[str, str]) -> Finding:
    """Behind a proxy that is not trusted, all visitors have one address, and share one limit."""
    name, number = N_("Proxies"), settings.trusted_proxies
    host = host_in(environ)
    if number or not (host or settings.site_url.startswith("https://")):
        return Finding(name, True, N_("TRUSTED_PROXIES is %(number)s."), values={"number": number})
    if host:
        message = N_("%(host)s has a proxy, but TRUSTED_PROXIES is 0: all visitors seem to have the same address.")
    else:
        message = N_(
            "SITE_URL begins with https, so a proxy is in front, but TRUSTED_PROXIES is 0: all visitors seem to have "
            "the same address."
        )
    return Finding(name, False, message, SET_PROXIES, {"host": host})


def examine_arrival(settings: Settings, arrival: Arrival) -> Iterator[Finding]:
    """What a request shows about the proxies: whether TRUSTED_PROXIES and SITE_URL fit what arrived with it."""
    number, is_fine = settings.trusted_proxies, True
    address, scheme = N_("Your address"), N_("Scheme")
    if not number and arrival.field:
        is_fine = False
        message = N_("A proxy has sent %(field)s, but TRUSTED_PROXIES is 0: all visitors seem to have its address.")
        yield Finding(address, False, message, SET_PROXIES, {"field": arrival.field})
    elif arrival.entries < number:
        is_fine = False
        yield Finding(
            address,
            False,
            N_("TRUSTED_PROXIES is %(number)s, but the number of addresses in X-Forwarded-For is %(entries)s."),
            N_("Lower TRUSTED_PROXIES, or let each proxy add an address to X-Forwarded-For."),
            {"number": number, "entries": arrival.entries},
        )
    elif number and (arrival.is_local or not arrival.address):
        is_fine = False
        yield Finding(
            address,
            False,
            N_("This is not a public address; it may be that of a proxy."),
            N_("Unless you are on the same network as the server, TRUSTED_PROXIES is wrong."),
        )
    if arrival.scheme == "http" and settings.site_url.startswith("https://"):
        is_fine = False
        yield Finding(
            scheme,
            False,
            N_("The request arrived with http, but SITE_URL begins with https."),
            N_("Let the proxy send X-Forwarded-Proto, and set TRUSTED_PROXIES."),
        )
    if is_fine:
        yield Finding(N_("Proxies"), True, N_("TRUSTED_PROXIES fits what arrived with this request."))


def _secret_key(settings: Settings, storage: Storage) -> Finding:
    name, source = N_("Secret key"), settings.sources["SECRET_KEY"]
    if storage.loses_key:
        return Finding(name, False, LOST_KEY)
    if source == "environment":
        return Finding(name, True, N_("It is set in the environment."))
    if source == "database":
        return Finding(name, True, N_("It is kept in the database."))
    return Finding(name, True, N_("It is kept in the file %(file)s."), values={"file": source})


def _file_rights(settings: Settings) -> Finding:
    """Others must not read the secret key, nor write the database."""
    checks: list[tuple[Path | None, int, str]] = [
        (settings.data_dir / SECRET_KEY_FILE, stat.S_IRWXG | stat.S_IRWXO, "600"),
        (settings.database_file, stat.S_IWOTH, "o-w"),
        (settings.database_file.parent if settings.database_file else None, stat.S_IWOTH, "o-w"),
    ]
    name = N_("File rights")
    wrong = [f"chmod {rights} {path}" for path, mask, rights in checks if path is not None and _has_rights(path, mask)]
    if wrong:
        message = N_("Others can read or change files of the blog.")
        return Finding(name, False, message, N_("Run: %(commands)s"), {"commands": "; ".join(wrong)})
    return Finding(name, True, N_("Others can neither read the secret key nor change the database."))


def _has_rights(path: Path, mask: int) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & mask) and not (path.is_dir() and mode & stat.S_ISVTX)
