"""The schema: its state is found without Alembic, and a new SQLite database gets it without the migrations."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import text

from blogapp import create_app
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.schema import MIGRATIONS, REVISIONS, create_schema
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import ROOT

CREATE = f"""
import sys
from pathlib import Path
from blogapp import create_app
create_app({{"SECRET_KEY": "{SECRET_KEY}"}}, Path(sys.argv[1]))
assert "alembic" not in sys.modules
"""


def test_revisions_are_those_of_alembic_in_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    assert [script.revision for script in scripts.walk_revisions()] == REVISIONS[::-1]
    assert scripts.get_heads() == REVISIONS[-1:]


def test_new_sqlite_database_has_the_schema_of_all_migrations(tmp_path: Path) -> None:
    created, migrated = tmp_path / "created", tmp_path / "migrated"
    # A new process, because tests import modules (and so models) that a server may not import.
    subprocess.run([sys.executable, "-c", CREATE, str(created)], cwd=ROOT, check=True, timeout=120)
    app = create_app({"SECRET_KEY": SECRET_KEY}, migrated)
    with app.app_context():
        alembic.downgrade("base")
        alembic.upgrade()
    dispose(app)
    assert schema_of(created / "blog.sqlite3") == schema_of(migrated / "blog.sqlite3")


def schema_of(database: Path) -> dict[str, Any]:
    """The columns (in any order), indexes, foreign keys and options of each table, and the version."""
    with closing(sqlite3.connect(database)) as connection:

        def rows(statement: str, *arguments: str) -> list[tuple[Any, ...]]:
            return connection.execute(statement, arguments).fetchall()

        found: dict[str, Any] = {"version": rows("SELECT version_num FROM alembic_version")}
        tables = rows(
            "SELECT name, wr, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for table, *options in tables:
            indexes = {
                frozenset(rows("SELECT seqno, name, desc, coll, key FROM pragma_index_xinfo(?) WHERE key", name)): (
                    "automatic" if name.startswith("sqlite_autoindex") else name,
                    unique,
                    origin,
                )
                for name, unique, origin in rows('SELECT name, "unique", origin FROM pragma_index_list(?)', table)
            }
            found[table] = (
                options,
                set(rows('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', table)),
                indexes,
                set(rows('SELECT "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?)', table)),
            )
        return found


def test_schema_is_created_only_in_an_empty_database(tmp_path: Path) -> None:
    tmp_path.joinpath("x").mkdir()
    with closing(sqlite3.connect(tmp_path / "x" / "blog.sqlite3")) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
        connection.commit()
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path / "x")  # migrates it
    with app.app_context():
        assert create_schema() is False
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM other")) == 0
            assert connection.scalar(text("SELECT count(*) FROM articles")) == 0
    dispose(app)
