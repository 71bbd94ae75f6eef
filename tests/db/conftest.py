"""A real server with two processes, and an application in the test process on the same database."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, dispose
from tests.harness.databases import on_server, url_of
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


@dataclass
class Site:
    """A server with two processes, and the application in the test process on the same database."""

    server: Server
    app: Flask
    database_url: str
    numbers: itertools.count[int]

    def add_article(self) -> str:
        """Publish an article. Returns its slug."""
        slug = f"birds-{next(self.numbers)}"
        add_article(self.app, slug)
        return slug


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site_of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    name = f"site_{worker_id}"
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "blog.sqlite3")
        url = f"sqlite:///{folder / 'blog.sqlite3'}"
    else:
        on_server(f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('migrated_postgres')}")
        url = url_of(name)
    server = Server(folder, workers=2, DATABASE_URL=url)
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url}, folder)
    yield Site(server, app, url, itertools.count(1))
    dispose(app)
    server.kill()
    if request.param == "postgresql":
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def site(site_of_module: Site) -> Site:
    """A running server that the tests of a module share, because starting one takes more than a second. Each test uses
    an article of its own."""
    if not site_of_module.server.is_running():
        site_of_module.server.start()
    return site_of_module


def add_article(app: Flask, slug: str) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript(slug, "en", "Birds", "", [], False, now, "They sing."), now)
