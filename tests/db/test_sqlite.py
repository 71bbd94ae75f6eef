"""The pragmas of SQLite connections, and when a transaction is on the disk."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text, update
from sqlalchemy.orm import Session

from blogapp.db.base import db
from blogapp.db.sqlite import configure, sync_log
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import Owner


@pytest.fixture
def synced(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes of the files that were synced by Python."""
    files: list[int] = []
    sync = os.fdatasync

    def record(file: int) -> None:
        files.append(os.fstat(file).st_ino)
        sync(file)

    monkeypatch.setattr(os, "fdatasync", record)
    return files


def write(session: Session) -> None:
    session.execute(update(Owner).values(name="Ada"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_connections_have_the_expected_pragmas(app: Flask) -> None:
    with app.app_context():
        with write_transaction() as session:
            pragmas = {
                name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            }
        assert db.session.execute(text("PRAGMA busy_timeout")).scalar_one() == 2_000
        with db.engine.connect().execution_options(writer="durable", lock_timeout_ms=100) as connection:
            assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "secure_delete": 1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_durable_transaction_syncs_the_log_once(app: Flask, synced: list[int]) -> None:
    with app.app_context():
        with write_transaction() as session:
            write(session)
            assert synced == []
        assert synced == [Path(f"{db.engine.url.database}-wal").stat().st_ino]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_transactions_do_not_wait_for_the_disk(app: Flask, synced: list[int]) -> None:
    with app.app_context():
        with write_transaction(durable=False) as session:
            write(session)
        with suppress(ZeroDivisionError), write_transaction() as session:
            write(session)
            raise ZeroDivisionError
    assert synced == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_others_can_write_while_a_transaction_waits_for_the_disk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write_meanwhile(_: int) -> None:
        with closing(sqlite3.connect(str(db.engine.url.database), timeout=0)) as other:
            written.extend(other.execute("UPDATE owners SET name = 'Grace' RETURNING name").fetchall() or ["nobody"])
            other.commit()
        assert app.extensions["writing"].queue._free == 1

    monkeypatch.setattr(os, "fdatasync", write_meanwhile)
    with app.app_context(), write_transaction() as session:
        write(session)
    assert written


def test_commit_waits_for_the_disk_without_a_write_ahead_log(tmp_path: Path) -> None:
    # As on a network file system: this VFS of SQLite has no shared memory.
    engine = create_engine(f"sqlite:///file:{tmp_path}/blog.sqlite3?vfs=unix-none&uri=true")
    configure(engine)
    with engine.connect().execution_options(writer="quick", lock_timeout_ms=100) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "delete"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    sync_log(engine)  # there is nothing to sync
    engine.dispose()
