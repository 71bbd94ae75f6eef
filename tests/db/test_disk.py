"""SQLite on a full or read-only disk, made with real mounts if the tests run as root, else with file modes."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.faults import MOVED_BEFORE_OPENING, MOVED_CAUSE, DatabaseMoved, fault_of
from blogapp.db.schema import MigrationError
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, dispose

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = "A text to keep. " * 250


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Make a file or a folder read-only. Root ignores file modes, so it gets a read-only mount."""
    with ExitStack() as undo:
        if os.geteuid() == 0:
            mount("--bind", str(path), str(path))
            undo.callback(subprocess.run, ["umount", "--lazy", str(path)], check=True)
            mount("-o", "remount,bind,ro", str(path))
        else:
            undo.callback(path.chmod, path.stat().st_mode)
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield


@pytest.fixture
def disk(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """A folder with a database that has the current schema."""
    folder = tmp_path / "disk"
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "blog.sqlite3")
    return folder


@pytest.fixture
def small_disk(disk: Path) -> Iterator[Path]:
    """The same database on a file system of 4 MB."""
    content = (disk / "blog.sqlite3").read_bytes()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk))
    (disk / "blog.sqlite3").write_bytes(content)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def site(folder: Path) -> Iterator[Flask]:
    url = f"sqlite:///{folder / 'blog.sqlite3'}"
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url, "RATELIMIT_ENABLED": "off"}, folder)
    yield app
    dispose(app)


def publish_birds(app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("birds", "en", "Birds", "", [], False, NOW, "They sing."), NOW)


def post(client: FlaskClient, number: int = 0) -> int:
    form = {"author_name": "Ada", "body": f"{TEXT} {number}"}
    answer = client.post("/articles/birds/comments", data=form)
    if answer.status_code == 503:
        assert "Nothing can be saved at the moment." in answer.text
        assert f"{TEXT} {number}</textarea>" in answer.text
        assert answer.headers["Retry-After"] == "60"
    return answer.status_code


def assert_only_readable(client: FlaskClient, cause: str) -> None:
    ready = client.get("/readyz")
    assert (ready.status_code, ready.text) == (503, f"the database cannot be written: {cause}\n")
    assert client.get("/articles/birds").status_code == 200
    assert client.post("/articles/birds/views").status_code == 204


def test_full_disk_is_reported_and_pages_are_still_served(small_disk: Path) -> None:
    with site(small_disk) as app:
        publish_birds(app)
        client = app.test_client()
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            file.writelines(itertools.repeat(bytes(4096)))
        # The write-ahead log may have some room left.
        statuses = [post(client, number) for number in range(20)]
        assert statuses[-1] == 503
        assert_only_readable(client, "the disk is full")
        filler.unlink()
        assert post(client, 19) == 303
        assert client.get("/readyz").status_code == 200


def test_file_size_limit_is_reported_and_pages_are_still_served(disk: Path) -> None:
    """Like a disk quota, or a limit of the host on file sizes."""
    with site(disk) as app:
        publish_birds(app)
        client = app.test_client()
        assert client.get("/articles/birds").status_code == 200
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, limits[1]))
        try:
            assert [post(client, number) for number in range(20)][-1] == 503
            assert client.get("/readyz").status_code == 503
            assert client.get("/articles/birds").status_code == 200
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert post(client, 19) == 303
        assert client.get("/readyz").status_code == 200


def test_comment_that_could_not_be_synced_is_not_acknowledged(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with site(disk) as app:
        publish_birds(app)
        client = app.test_client()
        with monkeypatch.context() as failing:
            failing.setattr(os, "fdatasync", fail)
            assert post(client) == 503
        assert post(client) == 303
        with monkeypatch.context() as failing:
            failing.setattr(os, "fdatasync", fail)
            assert post(client, 1) == 503
            assert post(client, 1) == 503  # the first copy can be read, but may not be on the disk
        assert post(client, 1) == 303
        assert client.get("/articles/birds").text.count('class="comment-body"') == 2


def test_site_with_a_read_only_database_file_starts_and_serves_pages(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with site(disk) as app:
        publish_birds(app)
    with read_only(disk / "blog.sqlite3"), site(disk) as app:
        client = app.test_client()
        assert post(client) == 503
        assert_only_readable(client, "the database file or its folder is read-only")
        assert "the database file or its folder is read-only" in caplog.text
        done = app.test_cli_runner().invoke(args=["articles", "remove", "birds", "--yes"])
        assert (done.exit_code, done.output) == (
            1,
            "Error: The database cannot be used now: the database file or its folder is read-only.\n",
        )
    with site(disk) as app:
        assert post(app.test_client()) == 303


def test_read_only_folder_stops_the_start_with_a_message(disk: Path) -> None:
    with read_only(disk), pytest.raises(MigrationError) as error, site(disk):
        pass
    assert str(disk) in str(error.value)
    assert "SQLite needs a folder that can be written." in str(error.value)
    with site(disk) as app:
        assert app.test_client().get("/readyz").status_code == 200


def test_comment_is_not_acknowledged_once_the_database_file_is_removed(
    disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with site(disk) as app:
        publish_birds(app)
        client = app.test_client()
        assert post(client, 1) == 303
        moved = (disk / "blog.sqlite3").rename(tmp_path / "moved.sqlite3")
        assert post(client, 2) == 503
        assert_only_readable(client, MOVED_CAUSE)
        assert caplog.text.count(f"{MOVED_CAUSE}: DatabaseMoved") == 1
        assert not (disk / "blog.sqlite3").exists()
        moved.rename(disk / "blog.sqlite3")
        assert post(client, 2) == 303
        assert client.get("/readyz").status_code == 200


def test_comment_is_not_acknowledged_once_the_database_file_is_replaced(disk: Path, migrated_sqlite: Path) -> None:
    with site(disk) as app:
        publish_birds(app)
        client = app.test_client()
        assert post(client, 1) == 303
        shutil.copy(migrated_sqlite, disk / "other.sqlite3")
        (disk / "other.sqlite3").replace(disk / "blog.sqlite3")
        before = (disk / "blog.sqlite3").read_bytes()
        assert post(client, 2) == 503
        assert_only_readable(client, MOVED_CAUSE)
        assert (disk / "blog.sqlite3").read_bytes() == before


def use_connections(number: int) -> None:
    """Use more connections at once than the pool has open."""
    with ExitStack() as connections:
        for _ in range(number):
            connections.enter_context(db.engine.connect())


def test_new_connections_do_not_create_the_removed_database_file_again(disk: Path) -> None:
    with site(disk) as app:
        publish_birds(app)
        (disk / "blog.sqlite3").unlink()
        with app.app_context(), pytest.raises(DatabaseMoved) as error:
            use_connections(10)
        assert fault_of(error.value) == MOVED_BEFORE_OPENING
        assert not (disk / "blog.sqlite3").exists()
