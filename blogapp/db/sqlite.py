"""SQLite: its pragmas, and transactions that begin when they should."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

# How long a writer waits for its turn, in milliseconds.
PATIENCE_MS = 30_000
# How long a reader waits for a lock. In the usual course none does: a writer stops no reader, on either database.
READING_PATIENCE_MS = 2_000


def configure(engine: Engine) -> None:
    """Take transactions out of the sqlite3 module's hands: its own open late and lose updates."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA busy_timeout = {READING_PATIENCE_MS}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten: the key of a day that is over, a comment that was withdrawn.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if "writer" not in options:
            if connection.info.pop("has_written", False):
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {READING_PATIENCE_MS}")
            connection.exec_driver_sql("BEGIN")
            return
        connection.info["has_written"] = True
        # The level of safety can only be changed outside a transaction, and stays with the connection.
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options['writer'] == 'durable' else 'NORMAL'}")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {options['patience_ms']}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
