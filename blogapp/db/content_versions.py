"""Content versions, which the page cache compares before it serves a page.

Each article has a version, and so has the whole site. A transaction that changes what readers can see increments both
(`write_transaction(changes=article_id)`), or those of all articles. Pages that show one article depend on its version;
lists of articles depend on the site's. A third one, EVERYTHING, is incremented with those of all articles, and alone by
a change to rules that no page shows (`query_cache`). A row is never deleted, so a version is never used again, not even
for a new article that gets the id of a deleted one.
"""

import sqlite3
import threading
import time
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from flask import Flask
from sqlalchemy import BigInteger, Engine, bindparam, literal_column, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.db.base import Model, RowId, db
from blogapp.db.circuit_breaker import CircuitBreaker

# The id of the site's own version, and of the one of changes to everything. Articles count from 1.
SITE = 0
EVERYTHING = -1
# Seconds for which a version read from PostgreSQL counts as current.
POSTGRESQL_MAX_AGE = 0.2
# Seconds that a reader waits for a lock in SQLite. In normal operation, readers are not blocked.
SQLITE_TIMEOUT = 0.05
MOST_REMEMBERED = 10_000
# Seconds after a failed or slow lookup in which the database is not asked again.
OPEN_SECONDS = 1.0
# Seconds of a slow lookup, which takes two round trips to PostgreSQL. Until the database is faster, readers get cached
# pages as in an outage, because rendering one takes several times as long.
SLOW_SECONDS = 0.8


class Changes(Enum):
    """What a write transaction changes for readers; a change to one article is given as its id instead."""

    EVERYTHING = "everything"
    # What no page shows but requests cache: the list against spam, the bans.
    RULES = "rules"
    NOTHING = "nothing"


class ContentVersion(Model):
    """The number of an article's changes that readers can see; the row SITE counts those of all articles."""

    __tablename__ = "content_versions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


VERSION = select(ContentVersion.version).where(ContentVersion.id == bindparam("id"))
VERSIONS = select(ContentVersion.id, ContentVersion.version).where(
    ContentVersion.id.in_((literal_column(str(EVERYTHING)), bindparam("id")))
)
# The key of a session's `info`: its transaction, and the versions that were read in it.
READ = "content_versions"


def version_of(session: Session, version_id: int) -> int | None:
    """The version in the session's snapshot; None for an article that has none yet, and in a write transaction, which
    raises it only at its end. EVERYTHING is read together with any other one."""
    versions = _versions_read(session)
    if version_id not in versions:
        connection = session.connection()
        if "writer" in connection.get_execution_options():
            return None
        found = dict(connection.execute(VERSIONS, {"id": version_id}).all())
        versions |= {EVERYTHING: found.get(EVERYTHING), version_id: found.get(version_id)}
        session.info[READ] = (session.get_transaction(), versions)
    return versions[version_id]


def version_column(version_id: Any) -> Any:
    """A column with the version of `version_id`, an id or a column of ids, for a query of `remember_versions`."""
    return select(ContentVersion.version).where(ContentVersion.id == version_id).scalar_subquery()


def remember_versions(session: Session, read: dict[int, int | None]) -> None:
    """Let `version_of` return versions that another query has read in the session's present transaction."""
    if "writer" not in session.connection().get_execution_options():
        session.info[READ] = (session.get_transaction(), _versions_read(session) | read)


def _versions_read(session: Session) -> dict[int, int | None]:
    """The versions that were read in the session's present transaction."""
    versions: dict[int, int | None]
    transaction, versions = session.info.get(READ, (None, {}))
    return versions if transaction is not None and transaction is session.get_transaction() else {}


# The rows EVERYTHING and SITE come first, so that two transactions cannot deadlock.
RAISE_ONE = text(
    "INSERT INTO content_versions (id, version) VALUES (0, 1), (:id, 1) "
    "ON CONFLICT (id) DO UPDATE SET version = content_versions.version + 1"
)
RAISE_CACHED = text(
    "INSERT INTO content_versions (id, version) VALUES (-1, 1) "
    "ON CONFLICT (id) DO UPDATE SET version = content_versions.version + 1"
)
RAISE_ALL = text(
    "INSERT INTO content_versions (id, version) "
    "SELECT id, 1 FROM (SELECT -1 AS id UNION SELECT 0 UNION SELECT id FROM articles UNION "
    "SELECT id FROM content_versions) AS ids WHERE true ORDER BY id "
    "ON CONFLICT (id) DO UPDATE SET version = content_versions.version + 1"
)


def raise_versions(session: Session, changes: Changes | int) -> None:
    """Increment the versions of the changed content. Call this last, because it blocks other writers."""
    session.flush()
    connection = session.connection()
    if changes is Changes.EVERYTHING:
        connection.execute(RAISE_ALL)
    elif changes is Changes.RULES:
        connection.execute(RAISE_CACHED)
    elif changes is not Changes.NOTHING:
        connection.execute(RAISE_ONE, {"id": changes})


class Unavailable(Exception):
    """The database cannot say which version is current."""


class VersionReader(Protocol):
    """Reads versions outside of requests, thousands of times per second."""

    @property
    def is_slow(self) -> bool:
        """Whether the last lookup took longer than SLOW_SECONDS."""

    def read(self, version_id: int, marker: bytes | None, may_wait: bool) -> int | None:
        """The current version; None if there is none, or if it would have to be read over the network and `may_wait`
        is false. `marker` is the present change marker. Raises Unavailable, and during an outage without waiting."""


class SqliteReader:
    """One read-only connection for each thread, opened by the process that uses it."""

    is_slow = False

    def __init__(self, database_file: Path) -> None:
        self._uri = f"{database_file.absolute().as_uri()}?mode=ro"
        self._local = threading.local()
        self._breaker = CircuitBreaker(OPEN_SECONDS, OPEN_SECONDS)

    def read(self, version_id: int, marker: bytes | None, may_wait: bool) -> int | None:
        if self._breaker.is_open:
            raise Unavailable
        # SQLite may wait longer than its timeout for the locks of the WAL, so the event loop makes no second attempt.
        if not may_wait and not self._breaker.is_closed:
            return None
        if not self._breaker.allows():
            raise Unavailable
        try:
            row = self._connection().execute("SELECT version FROM content_versions WHERE id = ?", (version_id,))
            found: tuple[int] | None = row.fetchone()
        except sqlite3.Error:
            self._local.connection = None
            self._breaker.open()
            raise Unavailable from None
        self._breaker.close()
        return found[0] if found else None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, timeout=SQLITE_TIMEOUT)
            self._local.connection = connection
        return connection


class PostgresqlReader:
    """Remembers a version until the change marker changes, but at most POSTGRESQL_MAX_AGE seconds: a round trip to the
    server would take most of the time of a cache hit. Only changes by other machines are seen with that delay."""

    def __init__(self, engine: Engine, response_timeout: float) -> None:
        # Without a writer's option, 0 ms for locks limits the whole wait to the timeout for one response.
        # Autocommit saves the round trips of BEGIN and ROLLBACK.
        self._engine = engine.execution_options(lock_timeout_ms=0, isolation_level="AUTOCOMMIT")
        self._remembered: dict[int, tuple[int | None, bytes | None, float]] = {}
        self._breaker = CircuitBreaker(OPEN_SECONDS, response_timeout + OPEN_SECONDS)

    @property
    def is_slow(self) -> bool:
        return not self._breaker.is_closed

    def read(self, version_id: int, marker: bytes | None, may_wait: bool) -> int | None:
        now = time.monotonic()
        version, marked, read_at = self._remembered.get(version_id, (None, None, 0.0))
        if marked == marker and now - read_at < POSTGRESQL_MAX_AGE:
            return version
        if self._breaker.is_open:
            raise Unavailable
        if not may_wait:
            return None
        if not self._breaker.allows():
            raise Unavailable
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.clear()
        try:
            with self._engine.connect() as connection:
                version = connection.scalar(VERSION, {"id": version_id})
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            self._remembered.pop(version_id, None)
            self._breaker.open()
            raise Unavailable from None
        if time.monotonic() - now > SLOW_SECONDS:
            self._breaker.open()
        else:
            self._breaker.close()
        self._remembered[version_id] = (version, marker, now)
        return version


def reader_for(app: Flask, database_file: Path | None) -> VersionReader:
    """The reader for the application's database. Does not open it. `database_file` is None on PostgreSQL."""
    if database_file is not None:
        return SqliteReader(database_file)
    from blogapp.db.postgresql import RESPONSE_TIMEOUT  # imports psycopg

    with app.app_context():
        return PostgresqlReader(db.engine, RESPONSE_TIMEOUT)
