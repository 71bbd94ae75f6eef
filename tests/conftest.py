"""Fixtures for all tests. A test that uses the database runs twice: on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock, create_app
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.transactions import write_transaction
from blogapp.owners import passwords
from blogapp.site.setup import close_setup
from blogapp.view_counts.counting import start_count
from tests.harness.databases import POSTGRES_URL, FreshSession, empty, on_server, schema_of, url_of
from tests.harness.postgres import Postgres
from tests.harness.shared_apps import changeable, reset

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SECRET_KEY = "a secret key for tests only"
# Settings of the person who runs the tests must not change them.
os.environ["FLASK_SKIP_DOTENV"] = "1"
numbers = itertools.count(1)
# Emptied databases of finished tests that can be used again, each with its schema.
emptied: list[tuple[str, Any]] = []
# Applications of finished tests that can be used again, by the URL of their database and their settings.
shared_apps: dict[tuple[str, frozenset[tuple[str, str]]], Flask] = {}

MEMORY = Path("/dev/shm")

# A hash with the costs of the product takes longer than most tests. Tests of the costs use `real_password_costs`.
REAL_HASHER = passwords.HASHER
passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pytest_xdist_auto_num_workers() -> int:
    """Start one process more than there are cores, because tests of servers, browsers and locks often wait."""
    return 1 + len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1 + (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL cluster for the whole run: the controller starts it, the workers read its URL.

    Temporary files are on an in-memory file system if there is one, because the tests make thousands of commits,
    which are slow on a disk.
    """
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        if config.option.basetemp is None and os.access(MEMORY, os.W_OK):
            folder = MEMORY / f"blogapp-tests-{os.getpid()}"
            config.option.basetemp = str(folder)
            config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        try:
            cluster = Postgres()
        except RuntimeError as error:
            raise pytest.UsageError(str(error)) from None
        os.environ[POSTGRES_URL] = cluster.url
        config.add_cleanup(cluster.stop)


def pytest_collection_finish() -> None:
    """Let the garbage collector ignore what was imported and collected, and run less often: it took a twentieth of the
    time of the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of an empty SQLite database with the current schema, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    app = create_app({"SECRET_KEY": SECRET_KEY}, folder)
    mark_as_set_up(app)
    dispose(app)
    return folder / "blog.sqlite3"


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """Return the name of an empty PostgreSQL database with the current schema, to be copied."""
    name = f"migrated_{worker_id}"
    on_server(f"CREATE DATABASE {name}")
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url_of(name)}, tmp_path_factory.mktemp("postgres"))
    with app.app_context():
        alembic.upgrade()
    mark_as_set_up(app)
    dispose(app)
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[str]:
    """Yield the URL of an empty database with the current schema that only this test uses."""
    if request.param == "sqlite":
        template = request.getfixturevalue("migrated_sqlite")
        folder = tmp_path
        if not needs_own_app(request.node):  # the shared application finds a new file at the same place
            folder = template.parent / "shared"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        shutil.copy(template, folder / "blog.sqlite3")
        yield f"sqlite:///{folder / 'blog.sqlite3'}"
    else:
        template = request.getfixturevalue("migrated_postgres")
        if not emptied:
            new = f"test_{worker_id}_{next(numbers)}"
            on_server(f"CREATE DATABASE {new} TEMPLATE {template}")
            emptied.append((new, schema_of(new)))
        name, schema = emptied.pop()
        is_shared = not needs_own_app(request.node)
        if not is_shared:
            for shared_app in shared_apps_of(url_of(name)).values():
                dispose(shared_app)  # closes its connections; it opens new ones when it is used again
        yield url_of(name)
        # Emptying a database takes a fraction of the time that creating one takes.
        if empty(name, schema, keep_idle=is_shared):
            emptied.append((name, schema))
        else:
            for key, shared_app in shared_apps_of(url_of(name)).items():
                del shared_apps[key]
                dispose(shared_app)
            on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """Yield the application. `@pytest.mark.settings(NAME="value")` sets environment variables for it.

    Creating an application and connecting it takes longer than most tests, so tests share one for each database and
    each set of settings. What it keeps in memory is reset, and it is not used again if the test has changed it. Tests
    that change the application (`@pytest.mark.own_app`) and those of tests/db get a new one.
    """
    environ = usual_settings(database_url)
    for mark in reversed(list(request.node.iter_markers("settings"))):  # the nearest marker wins
        environ.update(mark.kwargs)
    if not needs_own_app(request.node):
        with shared_application(environ, tmp_path_factory) as app:
            yield app
        return
    app = new_application(environ, tmp_path / "instance")
    yield app
    dispose(app)


@pytest.fixture
def second_app(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield the application of another blog, which is empty and on SQLite, whatever the database of `app`."""
    folder = migrated_sqlite.parent / "second"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "blog.sqlite3")
    environ = usual_settings(f"sqlite:///{folder / 'blog.sqlite3'}")
    with shared_application(environ, tmp_path_factory) as app:
        yield app


def usual_settings(database_url: str) -> dict[str, str]:
    return {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "RATELIMIT_ENABLED": "off"}


def new_application(environ: dict[str, str], folder: Path) -> Flask:
    app = create_app(environ, folder)
    app.test_client_class = Browser
    return app


@contextmanager
def shared_application(environ: dict[str, str], folders: pytest.TempPathFactory) -> Iterator[Flask]:
    """Yield an application that another test may have used, and keep it for the next one if it is as before."""
    key = environ["DATABASE_URL"], frozenset(environ.items())
    app = shared_apps.pop(key, None)
    if app is None:
        app = new_application(environ, folders.mktemp("shared"))
    else:
        reset(app)
    before = changeable(app)
    yield app
    app.extensions["view_writer"].flush()
    with app.app_context():
        db.session.remove()
        if changeable(app) == before:
            shared_apps[key] = app
            # On PostgreSQL, the one that most tests use keeps its connections; those of all would be too many.
            if db.engine.dialect.name == "postgresql" and environ == usual_settings(key[0]):
                return
        db.engine.dispose()


class Browser(FlaskClient):
    """A test client with the user agent of Firefox, because views of Werkzeug's client are not counted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environ_base["HTTP_USER_AGENT"] = FIREFOX


@pytest.fixture
def real_password_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords as the product does, not with the lowest costs of argon2id."""
    monkeypatch.setattr(passwords, "HASHER", REAL_HASHER)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that keeps cookies, like a browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Return a runner for `flask` commands."""
    return app.test_cli_runner()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """Yield a session that sees everything that was committed before each of its statements."""
    with app.app_context():
        engine = db.engine
    # Outside the application context: requests made inside it would share its session, unlike real requests.
    with FreshSession(engine) as session:
        yield session


@pytest.fixture
def publish_article(app: Flask) -> Callable[..., Article]:
    """Return a function that publishes an article: `publish_article(slug="birds", lang="en", title="Birds")`."""

    def make(
        slug: str = "birds",
        lang: str = "en",
        title: str = "Birds",
        body: str = "They sing.",
        published_at: datetime = datetime(2026, 1, 2, tzinfo=UTC),
        draft: bool = False,
        views: int = 0,
    ) -> Article:
        manuscript = Manuscript(slug, lang, title, "", [], draft, published_at, body)
        with app.app_context(), write_transaction() as session:
            article = publish(session, manuscript, published_at).article
            start_count(session, article.id, views)
            session.flush()
            session.expunge_all()
            return article

    return make


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., TestResponse]:
    """Return a function that posts the comment form: `post("birds", author_name="Ada", body="Hello", htmx=True)`."""

    def send(
        slug: str, author_name: str = "Ada", body: str = "Hello", htmx: bool = False, **fields: str
    ) -> TestResponse:
        return client.post(
            f"/articles/{slug}/comments",
            data={"author_name": author_name, "body": body, **fields},
            headers={"HX-Request": "true"} if htmx else {},
        )

    return send


def browser(name: str) -> str:
    """The user agent of a browser that differs from others by `name`."""
    return f"Mozilla/5.0 (X11; Linux x86_64; {name}) Gecko/20100101 Firefox/145.0"


@contextmanager
def locked(database_url: str, tables: str = "view_marks", mode: str = "ACCESS EXCLUSIVE") -> Iterator[None]:
    """Hold a lock from another connection: on `tables` in `mode` (PostgreSQL), or on the whole database (SQLite), where
    `EXCLUSIVE` lets others read."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE" if mode == "EXCLUSIVE" else "BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
        connection.close()
    else:
        with psycopg.connect(database_url) as holder:
            holder.execute(f"LOCK TABLE {tables} IN {mode} MODE".encode())
            yield


def eventually(what: Callable[[], Any], expected: Any) -> None:
    """Wait up to 60 seconds until `what()` returns `expected` because of another thread or process."""
    until = time.monotonic() + 60
    while (found := what()) != expected and time.monotonic() < until:
        time.sleep(0.02)
    assert found == expected


def mark_as_set_up(app: Flask) -> None:
    """Close the first setup, to which an empty blog leads its readers. `tests/owners/test_setup.py` opens it again."""
    with app.app_context(), write_transaction() as session:
        close_setup(session, clock.now())


def needs_own_app(test: pytest.Item) -> bool:
    is_about_databases = Path(__file__).parent / "db" in test.path.parents
    return is_about_databases or test.get_closest_marker("own_app") is not None


def shared_apps_of(database_url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], Flask]:
    return {key: app for key, app in shared_apps.items() if key[0] == database_url}


def dispose(app: Flask) -> None:
    """Close everything that an application has opened."""
    app.extensions["view_writer"].flush()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
