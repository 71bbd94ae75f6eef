"""A failed start prints one line, without a traceback or a password, and ends with an exit status."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from blogapp import create_app
from tests.conftest import SECRET_KEY, eventually
from tests.harness.databases import POSTGRES_URL, url_of
from tests.harness.server import ROOT, free_port

PASSWORD = "swordfish-7"
COMMANDS = {
    "run": [sys.executable, "-m", "flask", "run"],
    "demo": [sys.executable, "-m", "flask", "demo"],
    "server": [sys.executable, "-m", "blogapp.web.server"],
}
URLS = {
    "port that is not a number": f"postgresql://me:{PASSWORD}@127.0.0.1:x/blog",
    "port out of range": f"postgresql://me:{PASSWORD}@127.0.0.1:99999/blog",
    "no database name": f"postgresql://me:{PASSWORD}@127.0.0.1",
    "no database name after a slash": f"postgresql://me:{PASSWORD}@127.0.0.1:5432/",
    "unknown host": f"postgresql://me:{PASSWORD}@nowhere.invalid/blog",
    "raw at sign": f"postgresql://me:{PASSWORD}@x@127.0.0.1/blog",
    "raw percent sign": f"postgresql://me:100%{PASSWORD}@127.0.0.1:x/blog",
    "unclosed bracket": f"postgresql://me:{PASSWORD}@[::1/blog",
    "unknown option": f"postgresql://me:{PASSWORD}@127.0.0.1/blog?colour=red",
    "wrong value of an option": f"postgresql://me:{PASSWORD}@127.0.0.1/blog?sslmode=maybe",
    "number that is a word": f"postgresql://me:{PASSWORD}@127.0.0.1/blog?keepalives=yes",
    "seconds that are a word": f"postgresql://me:{PASSWORD}@127.0.0.1/blog?connect_timeout=soon",
    "another database system": f"mysql://me:{PASSWORD}@127.0.0.1/blog",
    "another driver": f"postgresql+asyncpg://me:{PASSWORD}@127.0.0.1/blog",
    "not an address": PASSWORD,
    "two slashes": "sqlite://blog.sqlite3",
    "memory": "sqlite:///:memory:",
    "no file": "sqlite:///",
    "parameters": "sqlite:///blog.sqlite3?mode=ro",
    "missing folder": "sqlite:////nowhere/at/all/blog.sqlite3",
    "a folder": "sqlite:////tmp",
    "NUL": "sqlite:////tmp/%00",
}  # fmt: skip


def assert_message(output: str) -> str:
    """Check that the output is one line without the password and a traceback."""
    assert PASSWORD not in output
    assert "Traceback" not in output, output
    assert len(output.strip().splitlines()) == 1, output
    assert output.startswith("blogapp cannot start: "), output
    return output


def start(folder: Path, **environ: str) -> str:
    """Create the application, which must raise SystemExit; return its message."""
    with pytest.raises(SystemExit) as error:
        create_app({"SECRET_KEY": SECRET_KEY, **environ}, folder)
    return assert_message(str(error.value))


def run(command: str, folder: Path, **environ: str) -> str:
    """Run a program, which must fail; return its output. This takes seconds, so most tests use start()."""
    done = subprocess.run(
        COMMANDS[command],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
            "SECRET_KEY": SECRET_KEY,
            "DATA_DIR": str(folder),
            "FLASK_RUN_PORT": str(free_port()),
            "PORT": str(free_port()),
            "WEB_CONCURRENCY": "1",
            **environ,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return assert_message(done.stdout)


@pytest.mark.parametrize("kind", URLS)
def test_invalid_database_url_is_reported(tmp_path: Path, kind: str) -> None:
    assert "DATABASE_URL" in start(tmp_path, DATABASE_URL=URLS[kind])


@pytest.mark.parametrize("command", COMMANDS)
def test_invalid_database_url_stops_each_program_with_a_message(tmp_path: Path, command: str) -> None:
    assert "DATABASE_URL" in run(command, tmp_path, DATABASE_URL=URLS["raw at sign"])


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_postgresql_database_is_reported(tmp_path: Path, command: str) -> None:
    output = run(command, tmp_path, DATABASE_URL=url_of("nothing_here"))
    assert 'database "nothing_here" does not exist' in output


def test_unknown_postgresql_user_is_reported(tmp_path: Path) -> None:
    url = os.environ[POSTGRES_URL].replace("blogapp@", f"stranger:{PASSWORD}@")
    assert "stranger" in start(tmp_path, DATABASE_URL=url)


def test_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader,\n" * 100)
    output = start(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'letter.txt'}")
    assert "letter.txt, which is not an SQLite database" in output


def test_damaged_database_is_reported_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "blog.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    with path.open("r+b") as file:
        file.seek(100)  # the header of the first page's B-tree, after the file's own
        file.write(b"\xff" * 12)
    output = start(tmp_path, DATABASE_URL=f"sqlite:///{path}")
    assert f"the SQLite database {path} is damaged. Move it away" in output


def test_newer_schema_is_reported(tmp_path: Path, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
    else:
        with psycopg.connect(database_url) as server:
            server.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer than this version of blogapp" in start(tmp_path, DATABASE_URL=database_url)


@pytest.mark.parametrize("environ", [{}, {"SECRET_KEY": ""}], ids=["key", "no key"])
def test_data_folder_that_cannot_be_created_is_reported(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in start(tmp_path / "file" / "data", **environ)


def test_wrong_password_is_reported_and_not_printed(tmp_path: Path) -> None:
    """The test cluster trusts every user, so this test adds a role that needs a password."""
    server = os.environ[POSTGRES_URL]
    guarded = server.replace("blogapp@", "guarded:%s@")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'correct-horse'")
        (hba_file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(hba_file).read_text()
        Path(hba_file).write_text(f"host all guarded all scram-sha-256\n{rules}")
        connection.execute("SELECT pg_reload_conf()")
        eventually(lambda: can_connect(guarded % PASSWORD), False)
        assert can_connect(guarded % "correct-horse")
        output = start(tmp_path, DATABASE_URL=guarded % PASSWORD)
        assert 'password authentication failed for user "guarded"' in output
        Path(hba_file).write_text(rules)
        connection.execute("DROP ROLE guarded")
        connection.execute("SELECT pg_reload_conf()")


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
