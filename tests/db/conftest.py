"""A real server with two processes, and an application in the test process on the same database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A server with two processes of eight threads each, on SQLite and on PostgreSQL."""
    server = Server(tmp_path / "instance", workers=2, DATABASE_URL=database_url)
    yield server
    server.kill()


@pytest.fixture
def blog(server: Server, database_url: str) -> Iterator[Flask]:
    """The application in the test process. The database has one article."""
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, server.folder)
    add_article(app, "birds")
    yield app
    dispose(app)


def add_article(app: Flask, slug: str) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript(slug, "en", "Birds", "", [], False, now, "They sing."), now)
