"""The databases of the tests in the PostgreSQL cluster of the test run, and their session for reading."""

from __future__ import annotations

import atexit
import os
from functools import cache
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from blogapp.site.settings import SETUP_DONE_AT

POSTGRES_URL = "BLOGAPP_TEST_POSTGRES"
# Connections to the databases of the tests, for emptying them.
connections: dict[str, psycopg.Connection[Any]] = {}


def on_server(statement: str) -> None:
    """Execute a statement as the administrator of the PostgreSQL cluster, outside the tests' databases."""
    _administrator().execute(statement.encode())


@cache
def _administrator() -> psycopg.Connection[Any]:
    connection = psycopg.connect(os.environ[POSTGRES_URL], autocommit=True)
    atexit.register(connection.close)
    return connection


def schema_of(name: str) -> Any:
    """Return a value that is the same as long as a database has the same columns and the same migration version."""
    return _schema(_connection(name))


def _schema(connection: psycopg.Connection[Any]) -> Any:
    return connection.execute("""
        SELECT md5(string_agg(concat_ws(' ', relname, attname, atttypid, attnum), ',' ORDER BY relname, attnum)),
            (SELECT version_num FROM alembic_version)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped""").fetchone()


def _connection(name: str) -> psycopg.Connection[Any]:
    """A connection to a database of the tests, which is kept: opening one takes longer than emptying the database."""
    if name not in connections or connections[name].closed:
        connections[name] = psycopg.connect(url_of(name), autocommit=True)
        atexit.register(connections[name].close)
    return connections[name]


def empty(name: str, schema: Any, keep_idle: bool) -> bool:
    """End the connections to a database, except idle ones with `keep_idle`, and delete every row in it. False if its
    schema is no longer `schema`."""
    end_others = """
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = %s AND pid != pg_backend_pid() AND NOT (%s AND state = 'idle')"""
    try:
        _connection(name).execute(end_others, [name, keep_idle])
    except psycopg.OperationalError:  # a test has ended all connections
        _connection(name).execute(end_others, [name, keep_idle])
    relations = """
        SELECT relname, relkind, relkind = 'S' AND pg_sequence_last_value(oid) IS NULL, pg_relation_size(oid)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')"""
    connection = _connection(name)
    try:
        if _schema(connection) != schema:
            return False
    except psycopg.errors.UndefinedTable:
        return False
    with connection.transaction():
        # TRUNCATE creates new files for each table, so for a few rows DELETE (without foreign keys) is much faster.
        # A test reads the file of visitor_keys, which must have no rows of earlier tests.
        statements = ["SET LOCAL session_replication_role = replica"]
        for relation, kind, is_unused, size in connection.execute(relations).fetchall():
            if kind == "S" and not is_unused:
                statements.append(f"ALTER SEQUENCE {relation} RESTART")
            elif relation == "site_settings":
                statements.append(f"DELETE FROM {relation} WHERE name != '{SETUP_DONE_AT}'")
                statements.append(f"INSERT INTO {relation} VALUES ('{SETUP_DONE_AT}', '') ON CONFLICT DO NOTHING")
            elif kind == "r" and size > 0 and relation != "alembic_version":
                is_small = size < 500_000 and relation != "visitor_keys"
                statements.append(f"DELETE FROM {relation}" if is_small else f"TRUNCATE {relation} CASCADE")
        connection.execute("; ".join(statements).encode())
    return True


def url_of(name: str) -> str:
    return os.environ[POSTGRES_URL].rsplit("/", 1)[0] + f"/{name}"


class FreshSession(Session):
    """A session that starts a new transaction for each statement."""

    def _before(self) -> None:
        self.rollback()

    def scalar(self, *args: Any, **kwargs: Any) -> Any:
        self._before()
        return super().scalar(*args, **kwargs)

    def scalars(self, *args: Any, **kwargs: Any) -> Any:
        self._before()
        return super().scalars(*args, **kwargs)
