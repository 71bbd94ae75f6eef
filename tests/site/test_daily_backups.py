"""Daily backups of an SQLite database: made once a day, kept for seven days, never half."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import clock, create_app
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.pages.doctor import examine
from blogapp.site import daily_backups, storage
from blogapp.site.daily_backups import backups_in, try_to_back_up
from blogapp.view_counts import batch_writer
from blogapp.visitors.models import VisitorKey
from tests.conftest import SECRET_KEY, dispose, eventually
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY = date(2026, 1, 10)


@pytest.fixture
def database(database_url: str) -> Path:
    return Path(database_url.removeprefix("sqlite:///"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def signed_in(client: FlaskClient) -> None:
    assert sign_in(client).status_code == 303


def days(folder: Path) -> list[int]:
    return [backup.day.day for backup in backups_in(folder)]


def test_backup_is_a_database_that_a_blog_can_be_started_with(
    app: Flask, database: Path, folder: Path, tmp_path: Path, publish_article: Callable[..., Article]
) -> None:
    publish_article(title="Birds of winter")
    key = os.urandom(32)
    with app.app_context(), write_transaction() as session:
        session.add(VisitorKey(day=DAY, key=key))
    assert try_to_back_up(database, folder, DAY)
    backup = folder / "blog-2026-01-10.sqlite3"
    assert key not in backup.read_bytes()
    assert backup.stat().st_mode & 0o777 == database.stat().st_mode & 0o777
    (tmp_path / "restored").mkdir()
    backup.rename(tmp_path / "restored" / "blog.sqlite3")
    restored = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path / "restored")
    assert "Birds of winter" in restored.test_client().get("/articles/birds").text
    dispose(restored)


def test_one_backup_is_made_a_day(database: Path, folder: Path) -> None:
    assert try_to_back_up(database, folder, DAY)
    first = (folder / "blog-2026-01-10.sqlite3").stat().st_mtime_ns
    assert try_to_back_up(database, folder, DAY)
    assert (folder / "blog-2026-01-10.sqlite3").stat().st_mtime_ns == first
    assert try_to_back_up(database, folder, DAY + timedelta(days=1))
    assert days(folder) == [11, 10]


def test_backup_is_left_to_the_process_that_is_making_it(database: Path, folder: Path) -> None:
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert try_to_back_up(database, folder, DAY)
    assert days(folder) == []


def test_backups_are_deleted_after_seven_days(database: Path, folder: Path) -> None:
    folder.mkdir()
    for age in range(1, 10):
        (folder / f"blog-{DAY - timedelta(days=age)}.sqlite3").touch()
    (folder / "blog-by-hand.sqlite3").touch()
    assert try_to_back_up(database, folder, DAY)
    assert days(folder) == [10, 9, 8, 7, 6, 5, 4]
    assert (folder / "blog-by-hand.sqlite3").exists()


@pytest.mark.parametrize("wrong", [date(1970, 1, 1), date(2037, 1, 1)])
def test_wrong_clock_deletes_no_backup(database: Path, folder: Path, wrong: date) -> None:
    for number in range(5):
        assert try_to_back_up(database, folder, DAY + timedelta(number))
    assert try_to_back_up(database, folder, wrong)
    assert {DAY + timedelta(number) for number in range(5)} < {backup.day for backup in backups_in(folder)}


def test_full_disk_is_logged_and_keeps_the_old_backups(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    (folder / "blog-2026-01-01.sqlite3").touch()
    monkeypatch.setattr(daily_backups, "LEAST_FREE", 10**18)
    assert not try_to_back_up(database, folder, DAY)
    assert days(folder) == [1]
    assert "1,000,000,000,000 MB are needed" in caplog.text


def test_damaged_database_makes_no_backup(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = tmp_path / "damaged.sqlite3"
    with closing(sqlite3.connect(damaged, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE visitor_keys (id INTEGER PRIMARY KEY, text)")
        connection.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY, number NOT NULL)")
        connection.execute("INSERT INTO numbers VALUES (1, 2)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ', number', ', number CHECK (number > 5)')")
    assert not try_to_back_up(damaged, folder, DAY)
    assert "the copy is damaged" in caplog.text
    assert [path.name for path in folder.iterdir()] == ["lock"]


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from blogapp.db import backup
from blogapp.site.daily_backups import try_to_back_up
backup._verify = lambda path: os.kill(os.getpid(), signal.SIGKILL)
try_to_back_up(Path(sys.argv[1]), Path(sys.argv[2]), date(2026, 1, 10))
"""


def test_killed_backup_does_not_count_and_is_made_again(database: Path, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(database), str(folder)], check=False, timeout=60)
    assert list(folder.glob("*.part"))
    assert days(folder) == []
    assert try_to_back_up(database, folder, DAY)
    assert days(folder) == [10]
    assert not list(folder.glob("*.part"))


@pytest.mark.own_app
def test_running_site_backs_itself_up_when_a_day_begins(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "mounts", list)  # the tests' folder may be in memory
    monkeypatch.setattr(daily_backups, "LEAST_FREE", 0)
    monkeypatch.setattr(batch_writer, "BEGIN_AFTER", 0)
    folder = tmp_path / "instance" / "backups"
    now = datetime(2026, 1, 10, 23, 59, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    client.get("/")
    eventually(lambda: days(folder), [10])
    now += timedelta(minutes=2)
    eventually(lambda: days(folder), [11, 10])


@pytest.mark.own_app
@pytest.mark.usefixtures("signed_in")
def test_owner_reads_the_age_and_size_of_the_backups(
    app: Flask, client: FlaskClient, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "instance" / "backups"
    monkeypatch.setattr(storage, "mounts", list)
    assert "There is none yet." in client.get("/owner/settings").text
    today = clock.now().date()
    assert try_to_back_up(database, folder, today)
    page = client.get("/owner/settings").text
    assert f'<time datetime="{today}">' in page
    assert "1 MB" in page
    assert "The latest backup is old" not in page
    (backup,) = backups_in(folder)
    backup.path.rename(folder / f"blog-{today - timedelta(days=3)}.sqlite3")
    assert "The latest backup is old" in client.get("/owner/settings").text


@pytest.mark.own_app
@pytest.mark.usefixtures("signed_in")
def test_owner_reads_that_a_host_without_a_disk_makes_no_backups(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "mounts", lambda: [(Path("/"), "overlay")])
    assert "because they would be lost with the data" in client.get("/owner/settings").text


@pytest.mark.own_app
def test_doctor_names_an_old_backup(
    app: Flask, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "mounts", list)
    assert try_to_back_up(database, tmp_path / "instance" / "backups", clock.now().date())

    def finding(days: int) -> tuple[bool, str]:
        with app.app_context():
            settings, now = app.extensions["storage_settings"], clock.now() + timedelta(days=days)
            found = examine(db.session(), settings, storage.current_storage(), {}, now)
            return next((each.is_fine, each.text()) for each in found if each.name == "Backups")

    assert finding(1)[0]
    assert finding(2)[0] is False
    assert "its log has the reason" in finding(2)[1]
