"""`flask db copy`: a blog moves from SQLite to PostgreSQL and back with all its rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import Engine, delete, func, insert, select, update

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.pages import database_copy
from blogapp.pages.archive import LEFT_OUT
from blogapp.pages.database_copy import connect, copied_tables
from blogapp.site.models import SiteSetting
from tests.conftest import SECRET_KEY, dispose
from tests.db.test_migrate import fill_every_table
from tests.harness.databases import on_server, url_of

pytestmark = pytest.mark.own_app
NOW = datetime(2026, 1, 2, tzinfo=UTC)
numbers = itertools.count(1)


@pytest.fixture
def target_url(database_url: str, tmp_path: Path, worker_id: str) -> Iterator[str]:
    """The URL of an empty database of the other kind."""
    if database_url.startswith("postgresql"):
        yield f"sqlite:///{tmp_path / 'target.sqlite3'}"
        return
    name = f"copy_{worker_id}_{next(numbers)}"
    on_server(f"CREATE DATABASE {name}")
    yield url_of(name)
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def target(target_url: str, tmp_path: Path) -> Iterator[Engine]:
    engine = connect(target_url, tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def filled(app: Flask) -> Flask:
    with app.app_context():
        with db.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(delete(table))
        fill_every_table(1, 2)
    return app


def rows_in(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in db.metadata.sorted_tables
        }


def test_every_row_is_copied_but_those_of_sessions_and_of_the_day(
    filled: Flask, runner: FlaskCliRunner, target: Engine, target_url: str
) -> None:
    done = runner.invoke(args=["db", "copy", "--to", target_url])
    assert done.exit_code == 0, done.output
    assert "Both databases have the same rows." in done.output
    found = rows_in(target)
    assert {name for name, number in found.items() if number == 0} == LEFT_OUT - {"content_versions"}
    assert set(found.values()) == {0, 2}


def test_copy_is_a_blog_that_can_be_used(app: Flask, runner: FlaskCliRunner, target_url: str, tmp_path: Path) -> None:
    def write(slug: str) -> int:
        with write_transaction() as session:
            article = publish(session, Manuscript(slug, "en", "Birds", "", [], False, NOW, "They sing."), NOW).article
            session.flush()
            return article.id

    with app.app_context():
        first = write("birds")
    assert runner.invoke(args=["db", "copy", "--to", target_url]).exit_code == 0
    moved = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": target_url}, tmp_path / "moved")
    with moved.app_context():
        assert write("more-birds") > first
    assert "They sing." in moved.test_client().get("/articles/birds").text
    dispose(moved)


# The schema of a new SQLite database is tested in tests/db.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tables_on_postgresql_are_those_of_the_migrations(
    runner: FlaskCliRunner, target_url: str, tmp_path: Path
) -> None:
    assert runner.invoke(args=["db", "copy", "--to", target_url]).exit_code == 0
    moved = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": target_url}, tmp_path / "moved")
    with moved.app_context():
        assert alembic.compare_metadata() == []
    dispose(moved)


def test_interrupted_copy_is_continued(
    filled: Flask, runner: FlaskCliRunner, target: Engine, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_copy, "ROWS", 1)
    monkeypatch.setattr(database_copy, "FILES_AT_ONCE", 1)
    # In the order of most languages, and of many PostgreSQL servers, these names are sorted in another way.
    with filled.app_context(), write_transaction() as session:
        session.execute(insert(SiteSetting), [{"name": name, "value": name} for name in ("a", "B", "_c", "é", "Z")])

    def interrupt(number: int) -> None:
        raise KeyboardInterrupt

    with filled.app_context():
        database_copy.prepare(db.engine, target, force=False)
        for table in copied_tables():
            with db.engine.connect() as source, pytest.raises(KeyboardInterrupt):
                database_copy.copy_table(source, target, table, interrupt)
    assert set(rows_in(target).values()) == {0, 1}
    done = runner.invoke(args=["db", "copy", "--to", target_url])
    assert done.exit_code == 0, done.output
    assert rows_in(target)["site_settings"] == 7


def test_copy_again_changes_nothing(filled: Flask, runner: FlaskCliRunner, target: Engine, target_url: str) -> None:
    assert runner.invoke(args=["db", "copy", "--to", target_url]).exit_code == 0
    before = rows_in(target)
    assert runner.invoke(args=["db", "copy", "--to", target_url]).exit_code == 0
    assert rows_in(target) == before


def test_other_content_is_replaced_only_with_force(
    filled: Flask, runner: FlaskCliRunner, target: Engine, target_url: str
) -> None:
    assert runner.invoke(args=["db", "copy", "--to", target_url]).exit_code == 0
    with target.execution_options(writer="durable", lock_timeout_ms=1000).begin() as connection:
        connection.execute(update(Article).where(Article.id == 1).values(title="Another blog"))
    refused = runner.invoke(args=["db", "copy", "--to", target_url])
    assert refused.exit_code == 1
    assert "The other database has other content (in articles). Nothing was copied." in refused.output
    done = runner.invoke(args=["db", "copy", "--force", "--to", target_url])
    assert done.exit_code == 0, done.output
    with target.connect() as connection:
        assert connection.execute(select(Article.title).where(Article.id == 1)).scalar_one() != "Another blog"


def test_row_that_changes_meanwhile_is_found(filled: Flask, target: Engine) -> None:
    with filled.app_context():
        database_copy.prepare(db.engine, target, force=False)
        with db.engine.connect() as source:
            for table in copied_tables():
                database_copy.copy_table(source, target, table, lambda number: None)
        with write_transaction() as session:
            session.execute(update(Article).where(Article.id == 1).values(title="Newer"))
            session.execute(delete(SiteSetting).where(SiteSetting.name == "1"))
        assert sorted(database_copy._compare_all(db.engine, target)) == [
            "articles (2 rows here, 2 there)",
            "content_versions (4 rows here, 2 there)",
            "site_settings (1 rows here, 2 there)",
        ]


def test_database_of_the_blog_itself_is_refused(runner: FlaskCliRunner, database_url: str) -> None:
    refused = runner.invoke(args=["db", "copy", "--force", "--to", database_url])
    assert (refused.exit_code, "This is the database of the blog itself." in refused.output) == (1, True)


def test_database_of_another_program_is_refused(
    app: Flask, runner: FlaskCliRunner, target: Engine, target_url: str
) -> None:
    with target.execution_options(writer="durable", lock_timeout_ms=1000).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (id INTEGER PRIMARY KEY)")
    refused = runner.invoke(args=["db", "copy", "--force", "--to", target_url])
    assert refused.exit_code == 1
    assert "The other database has tables of another program" in refused.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("mysql://blog", "--to must begin with postgresql:// or sqlite:///."),
        ("sqlite:////nowhere/blog.sqlite3", "--to names a folder that does not exist."),
        ("", "--to must be the address of a database: postgresql://"),
        (" ", "--to must be the address of a database: postgresql://"),
        ("sqlite:////\udce9.sqlite3", "--to must be text in UTF-8."),
        *(
            (
                f"postgresql://127.0.0.1:1/blog?{option}",
                f"--to has an option that PostgreSQL does not accept: {message}.",
            )
            for option, message in (
                ("nothing=1", 'invalid connection option "nothing"'),
                ("connect_timeout=soon", "bad value for connect_timeout: 'soon'"),
                ("keepalives=x", 'invalid integer value "x" for connection option "keepalives"'),
                ("sslmode=x", 'invalid sslmode value: "x"'),
                ("ssl_min_protocol_version=x", 'invalid "ssl_min_protocol_version" value: "x"'),
                ("service=x", 'definition of service "x" not found'),
            )
        ),
    ],
)
def test_wrong_address_is_explained(runner: FlaskCliRunner, address: str, sentence: str) -> None:
    refused = runner.invoke(args=["db", "copy", "--to", address])
    assert (refused.exit_code, sentence in refused.output) == (1, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_database_that_does_not_exist_is_no_outage(runner: FlaskCliRunner) -> None:
    """To run the command again, as after an outage, is no advice if the name or the password is wrong."""
    refused = runner.invoke(args=["db", "copy", "--to", url_of("nowhere")])
    assert refused.exit_code == 1
    assert refused.output.strip() == 'Error: --to: PostgreSQL reports: database "nowhere" does not exist.'


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_relative_path_of_the_copy_is_the_same_file_as_in_database_url(
    filled: Flask, runner: FlaskCliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    Path(filled.instance_path).mkdir(exist_ok=True)
    url = "sqlite:///copied.sqlite3"
    done = runner.invoke(args=["db", "copy", "--to", url])
    assert done.exit_code == 0, done.output
    assert list(elsewhere.iterdir()) == []
    moved = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, Path(filled.instance_path))
    with moved.app_context():
        assert db.session.scalar(select(func.count()).select_from(Article)) == 2
    dispose(moved)
