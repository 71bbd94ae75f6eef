"""The pragmas of SQLite connections."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from blogapp.db.base import db
from blogapp.db.transactions import write_transaction


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_connections_have_the_expected_pragmas(app: Flask) -> None:
    with app.app_context():
        with write_transaction() as session:
            pragmas = {
                name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            }
        with write_transaction(durable=False) as session:
            assert session.execute(text("PRAGMA synchronous")).scalar_one() == 1
        assert db.session.execute(text("PRAGMA busy_timeout")).scalar_one() == 2_000
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
