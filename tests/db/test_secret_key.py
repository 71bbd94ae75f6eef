"""The secret key of a blog on PostgreSQL whose host sets no SECRET_KEY."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from blogapp import create_app
from blogapp.db.base import db
from blogapp.settings import SettingsError
from tests.conftest import dispose

pytestmark = [pytest.mark.own_app, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


def start(database_url: str, folder: Path) -> str:
    """Start the blog in an empty folder, as after each start on a hosting platform; return its secret key."""
    folder.mkdir(exist_ok=True)
    app = create_app({"DATABASE_URL": database_url}, folder)
    dispose(app)
    key: str = app.config["SECRET_KEY"]
    return key


def test_key_is_the_same_after_the_disk_was_replaced(app: Flask, database_url: str, tmp_path: Path) -> None:
    key = start(database_url, tmp_path / "first")
    assert len(key) >= 32
    assert start(database_url, tmp_path / "second") == key
    assert not (tmp_path / "second" / "secret-key").exists()


def test_key_that_an_earlier_version_kept_in_a_file_stays(app: Flask, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("the key of an earlier version")
    assert start(database_url, tmp_path) == "the key of an earlier version"
    assert start(database_url, tmp_path / "other") == "the key of an earlier version"


def test_key_of_the_environment_wins(app: Flask, database_url: str, tmp_path: Path) -> None:
    stored = start(database_url, tmp_path / "a")
    given = create_app({"DATABASE_URL": database_url, "SECRET_KEY": "a key of the environment"}, tmp_path / "b")
    assert given.config["SECRET_KEY"] == "a key of the environment"
    assert stored != given.config["SECRET_KEY"]
    dispose(given)


def test_before_the_first_migration_the_key_is_not_stored(app: Flask, database_url: str, tmp_path: Path) -> None:
    with app.app_context():
        db.session.execute(text("DROP TABLE secret_keys"))
        db.session.commit()
    dispose(app)
    assert start(database_url, tmp_path / "a") != start(database_url, tmp_path / "b")


def test_unreachable_database_stops_the_start_with_a_message(app: Flask, database_url: str, tmp_path: Path) -> None:
    nowhere = "postgresql://nobody:hidden@127.0.0.1:1/blog"
    with pytest.raises(SettingsError, match="SECRET_KEY is not set, and the database") as error:
        create_app({"DATABASE_URL": nowhere}, tmp_path)
    assert "hidden" not in str(error.value)
