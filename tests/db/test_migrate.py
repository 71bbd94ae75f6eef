"""Migrations: every released schema is upgraded and downgraded with all its rows, and a failed one changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Column, MetaData, Table, func, inspect, select, table, types
from werkzeug.test import TestResponse

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.comments.spam import digest_of
from blogapp.db.base import db
from blogapp.db.migrate import Migrations, alembic
from blogapp.db.schema import MigrationError
from blogapp.db.search_index import FTS_PREFIX
from blogapp.db.transactions import write_transaction
from blogapp.settings import SettingsError
from tests.conftest import SECRET_KEY, dispose
from tests.harness.databases import on_server, url_of

Publish = Callable[..., Article]

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "blogapp" / "migrations"
RELEASED = ScriptDirectory(str(SCRIPTS), version_locations=[str(SCRIPTS)])
REVISIONS = sorted(script.revision for script in RELEASED.walk_revisions())
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_migrated_schema_matches_the_models(app: Flask) -> None:
    with app.app_context():
        assert alembic.compare_metadata() == []


def test_every_migration_can_be_undone(app: Flask) -> None:
    with app.app_context():
        alembic.downgrade("base")
        assert tables(app) == {"alembic_version": 0}
        alembic.upgrade()
        assert alembic.compare_metadata() == []


# The rows that a migration adds to an older table.
ADDED = {"0014": {"site_settings": 1}}


def test_upgrades_and_downgrades_keep_the_rows_of_every_released_schema(app: Flask) -> None:
    """At each revision every table gets two rows, so a migration finds rows that were written with each earlier schema.
    Undoing the migrations one by one keeps all of them."""
    with app.app_context():
        alembic.downgrade("base")
        written: dict[str, dict[str, int]] = {}
        before: dict[str, int] = {}
        for revision in REVISIONS:
            alembic.upgrade(revision)
            migrated, added = tables(app), ADDED.get(revision, {})
            kept = {name: count + added.get(name, 0) for name, count in before.items() if name in migrated}
            assert {name: migrated[name] for name in kept} == kept, revision
            fill_every_table(2 * len(written) + 1, 2 * len(written) + 2)
            before = written[revision] = tables(app)
            filled = {name: count + 2 for name, count in migrated.items()}
            assert before == {**filled, "alembic_version": 1}, revision

        for revision, undone in reversed(list(pairwise(REVISIONS))):
            alembic.downgrade(revision)
            added, after = ADDED.get(undone, {}), tables(app)
            kept = {name: count - added.get(name, 0) for name, count in before.items()}
            assert after == {name: kept.get(name, count) for name, count in written[revision].items()}, undone
            before = after


def tables(app: Flask) -> dict[str, int]:
    """The number of rows of each table. Fails if a foreign key is broken."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        return {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in inspect(connection).get_table_names()
            if not name.startswith(FTS_PREFIX)
        }


def is_not_of_fts5(name: str, metadata: MetaData) -> bool:
    return not name.startswith(FTS_PREFIX)


def fill_every_table(*numbers: int) -> None:
    """Insert a row into each table for each number, with valid foreign keys."""
    metadata = MetaData()
    with db.engine.begin() as connection:
        metadata.reflect(connection, only=is_not_of_fts5)
        for each in metadata.sorted_tables:
            if each.name != "alembic_version":
                for number in numbers:
                    connection.execute(each.insert().values(row_for(each, number)))


def row_for(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value_for(table, column, number) for column in table.columns if column.computed is None}


def value_for(table: Table, column: Column[Any], number: int) -> Any:
    # Every table has a row with this number, so each foreign key refers to it.
    if column.name == "status":
        return "published"
    if column.name == "lang":
        return "en"
    if any(key.column.table is table for key in column.foreign_keys):
        return None if number % 2 else number - 1
    if column.foreign_keys:
        return value_for(next(iter(column.foreign_keys)).column.table, next(iter(column.foreign_keys)).column, number)
    return value_of_type(column.type, number)


def value_of_type(kind: types.TypeEngine[Any], number: int) -> Any:
    if isinstance(kind, types.Boolean):
        return False
    if isinstance(kind, types.DateTime):
        return NOW + timedelta(days=number)
    if isinstance(kind, types.Date):
        return NOW.date() + timedelta(days=number)
    if isinstance(kind, types.LargeBinary):
        return bytes([number]) * 16
    if isinstance(kind, types.JSON):
        return []
    if isinstance(kind, types.Integer) or kind.python_type in (int, float):
        return number
    return str(number)


def add_migration(app: Flask, folder: Path, body: str) -> Migrations:
    """The released migrations and one more whose `upgrade` has this body. Call it before the app's first request."""
    shutil.copytree(SCRIPTS, folder)
    (head,) = RELEASED.get_heads()
    (folder / "9999_more.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '9999'\ndown_revision = {head!r}\n"
        f"def upgrade():\n    {body}\ndef downgrade():\n    pass\n"
    )
    app.config["ALEMBIC"]["script_location"] = str(folder)
    more = Migrations(run_mkdir=False, command_name="")
    more.init_app(app)
    return more


# Batch mode rebuilds the table on SQLite.
REBUILD = """
    with op.batch_alter_table("articles") as batch:
        batch.alter_column("title", type_=sa.String(400))"""


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(
    app: Flask, publish_article: Publish, post: Callable[..., TestResponse], tmp_path: Path
) -> None:
    rebuilding = add_migration(app, tmp_path / "migrations", REBUILD)
    publish_article(slug="birds", views=3)
    post("birds")
    with app.app_context():
        before = tables(app)
        rebuilding.upgrade()
        assert tables(app) == before
        title = next(column for column in inspect(db.engine).get_columns("articles") if column["name"] == "title")
        assert str(title["type"]) == "VARCHAR(400)"
        with write_transaction() as session:  # foreign keys are on again
            session.delete(session.get_one(Article, 1))
        assert tables(app)["comments"] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_migration_that_breaks_a_foreign_key_is_rolled_back(
    app: Flask, publish_article: Publish, post: Callable[..., TestResponse], tmp_path: Path
) -> None:
    breaking = add_migration(app, tmp_path / "migrations", "op.execute('DELETE FROM articles')")
    publish_article(slug="birds")
    post("birds")
    with app.app_context():
        before = tables(app)
        with pytest.raises(MigrationError, match="would refer to rows that do not exist"):
            breaking.upgrade()
        assert tables(app) == before


def test_failed_migration_is_rolled_back(
    app: Flask,
    publish_article: Publish,
    post: Callable[..., TestResponse],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = add_migration(
        app, tmp_path / "migrations", "op.execute('DELETE FROM comments'); op.execute('SELECT nothing FROM articles')"
    )
    publish_article(slug="birds")
    post("birds")
    with app.app_context():
        before = tables(app)
        with pytest.raises(MigrationError, match="The migration failed and the database was not changed"):
            failing.upgrade()
        assert tables(app) == before
    assert "9999_more.py" in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_is_backed_up_before_a_migration(
    app: Flask,
    publish_article: Publish,
    post: Callable[..., TestResponse],
    tmp_path: Path,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deleting = add_migration(
        app, tmp_path / "migrations", "op.execute('DELETE FROM search_comments'); op.execute('DELETE FROM comments')"
    )
    publish_article(slug="birds")
    post("birds", body="Kept in the copy")
    with app.app_context():
        deleting.upgrade()
        assert db.session.scalar(select(func.count()).select_from(Comment)) == 0
    database = Path(database_url.removeprefix("sqlite:///"))
    (copy,) = database.parent.glob(f"{database.name}.backup-{REVISIONS[-1]}-*")
    assert str(copy) in caplog.text
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT body_source FROM comments").fetchall() == [("Kept in the copy",)]
        assert connection.execute("SELECT count(*) FROM visitor_keys").fetchone() == (0,)
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.sqlite3'}"
    else:
        name = f"bare_{worker_id}"
        on_server(f"CREATE DATABASE {name}")
        yield url_of(name)
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_concurrent_upgrades_wait_for_each_other(bare_url: str, tmp_path: Path) -> None:
    environ = {**os.environ, "DATABASE_URL": bare_url, "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "Traceback" not in "".join(outputs)
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": bare_url}, tmp_path / "data")
    assert app.test_client().get("/readyz").status_code == 200
    dispose(app)


@pytest.mark.parametrize("bare_url", ["postgresql"], indirect=True)
def test_database_without_tables_is_not_ready_until_it_is_migrated(bare_url: str, tmp_path: Path) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": bare_url}, tmp_path)
    client = app.test_client()
    assert client.get("/readyz").text == "the schema is not current: flask db upgrade\n"
    assert client.get("/").status_code == 503
    assert "flask db upgrade" in app.test_cli_runner().invoke(args=["comments", "list"]).output
    with app.app_context():
        assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert client.get("/readyz").status_code == 200
    assert client.get("/").location == "/owner/setup"  # the blog is empty
    dispose(app)


def test_old_schema_is_not_ready_and_sqlite_is_migrated_at_start(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "blog.sqlite3").close()
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
    assert app.test_client().get("/readyz").status_code == 200
    with app.app_context():
        alembic.downgrade("base")
    assert app.test_client().get("/readyz").status_code == 503
    dispose(app)


def test_newer_schema_is_refused_at_start_but_served_by_a_running_server(
    app: Flask, database_url: str, tmp_path: Path
) -> None:
    with app.app_context(), write_transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert app.test_client().get("/readyz").status_code == 200
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}
    with pytest.raises(SettingsError, match="the database's schema is newer than this version of blogapp"):
        create_app(environ, tmp_path / "instance")
    with app.app_context(), pytest.raises(MigrationError, match="newer"):
        alembic.upgrade()


def test_comment_decisions_migration_keeps_withdrawn_edited_pending_and_liked_comments(
    app: Flask,
) -> None:
    with app.app_context():
        alembic.downgrade("0004")
        fill_every_table(1, 2)  # comment 2 is a reply to comment 1, and each has a revision and a like
        metadata = MetaData()
        with db.engine.begin() as connection:
            metadata.reflect(connection)
            comments = metadata.tables["comments"]
            row = dict(connection.execute(select(comments).where(comments.c.id == 1)).mappings().one())
            gone = {"status": "withdrawn", "author_name": "", "body_source": "", "body_html": "", "body_digest": b""}
            edited = {"revision": 1, "body_source": "Changed  Text", "body_digest": b"old", "digest": b"edited"}
            pending = {"status": "pending", "shown": False, "revision": 0, "digest": b"pending"}
            removed = {"status": "removed", "revision": 0, "digest": b"removed"}
            for number, values in ((3, gone), (4, edited), (5, pending), (6, removed)):
                unique = {"id": number, "number": number, "digest": None, "like_count": number}
                connection.execute(comments.insert().values({**row, **unique, **values}))
        counts = tables(app)
        before = stored_comments()

        alembic.upgrade("0005")
        after = stored_comments()
        statuses = {number: row["status"] for number, row in after.items() if number > 2}
        assert statuses == {3: "erased", 4: "published", 5: "pending", 6: "removed"}
        assert after[4]["body_digest"] == digest_of("changed text")
        assert [after[number]["digest"] for number in (4, 5, 6)] == [None, b"pending", None]
        assert [after[number]["edited_by"] for number in (3, 4, 5, 6)] == ["", "", "", ""]
        assert {name: count for name, count in tables(app).items() if name in counts} == counts
        for column in ("author_name", "body_source", "body_html", "like_count", "revision", "path", "shown"):
            assert column_of(after, column) == column_of(before, column), column

        alembic.downgrade("0004")
        assert tables(app) == counts
        assert column_of(stored_comments(), "status") == column_of(before, "status")
        assert column_of(stored_comments(), "body_source") == column_of(before, "body_source")


def stored_comments() -> dict[int, dict[str, Any]]:
    """The rows of the comments by id, as the present schema has them."""
    metadata = MetaData()
    with db.engine.connect() as connection:
        metadata.reflect(connection, only=["comments"])
        rows = connection.execute(select(metadata.tables["comments"])).mappings()
        return {
            row["id"]: {**row, "digest": _bytes(row["digest"]), "body_digest": _bytes(row["body_digest"])}
            for row in rows
        }


def column_of(rows: dict[int, dict[str, Any]], name: str) -> dict[int, Any]:
    return {number: row[name] for number, row in rows.items()}


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def test_last_migration_is_undone_after_a_backup(app: Flask, publish_article: Publish, tmp_path: Path) -> None:
    publish_article(slug="birds")
    runner = app.test_cli_runner()
    done = runner.invoke(args=["db", "downgrade"])
    assert done.exit_code == 0, done.output
    assert f"The migration {REVISIONS[-1]} was undone." in done.output
    is_sqlite = app.extensions["database_file"] is not None
    assert list(tmp_path.rglob(f"*.backup-{REVISIONS[-1]}-*" if is_sqlite else "before-downgrade-*.zip"))
    refused = runner.invoke(args=["db", "downgrade"])
    assert (refused.exit_code, "Only the last migration can be undone." in refused.output) == (1, True)
    assert runner.invoke(args=["db", "upgrade"]).exit_code == 0
    assert app.test_client().get("/articles/birds").status_code == 200
