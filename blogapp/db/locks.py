"""Locks that are not on rows."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def advisory_lock(session: Session, key: int) -> None:
    """Wait for PostgreSQL's lock `key` and hold it until the transaction ends. Does nothing on SQLite, which has only
    one writer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
