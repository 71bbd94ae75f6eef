"""Backups of an SQLite database, made before a migration."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete

from blogapp.articles.models import Article
from blogapp.db.backup import back_up, delete_old_backups
from blogapp.db.content_versions import Changes, ContentVersion
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.site.models import SiteSetting
from blogapp.visitors.models import VisitorKey

Publish = Callable[..., Article]

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_daily_key_is_not_in_the_backup(app: Flask, publish_article: Publish, database_url: str) -> None:
    publish_article()
    key = os.urandom(32)
    with app.app_context(), write_transaction() as session:
        session.add(VisitorKey(day=NOW.date(), key=key))
    copy = back_up(Path(database_url.removeprefix("sqlite:///")), "0001", NOW)
    assert copy is not None
    assert key not in copy.read_bytes()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_empty_database_is_not_backed_up(app: Flask, database_url: str) -> None:
    database = Path(database_url.removeprefix("sqlite:///"))
    with app.app_context():
        with write_transaction(Changes.NOTHING) as session:
            session.execute(delete(SiteSetting))
            session.execute(delete(ContentVersion))
        alembic.downgrade("base")
        alembic.upgrade()
    assert list(database.parent.glob("*.backup-*")) == []


def test_newest_three_backups_are_kept_for_thirty_days(tmp_path: Path) -> None:
    database = tmp_path / "blog.sqlite3"
    for age in (0, 1, 2, 3, 31):
        (tmp_path / f"blog.sqlite3.backup-0001-{NOW - timedelta(days=age):%Y%m%dT%H%M%SZ}").touch()
    (tmp_path / "blog.sqlite3.backup-by-hand").touch()
    delete_old_backups(database, NOW)
    assert len(list(tmp_path.iterdir())) == 4
    delete_old_backups(database, NOW + timedelta(days=29))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "blog.sqlite3.backup-0001-20260101T030405Z",
        "blog.sqlite3.backup-0001-20260102T030405Z",
        "blog.sqlite3.backup-by-hand",
    ]
