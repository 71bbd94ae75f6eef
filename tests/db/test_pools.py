"""Connections to PostgreSQL: few enough for small plans, and through a pooler."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from benchmarks.nginx import wait_until_listening
from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.db.base import db
from tests.conftest import SECRET_KEY, dispose
from tests.harness.programs import ensure
from tests.harness.server import free_port
from tests.harness.supervised_process import supervise

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SETTINGS = """
[databases]
{name} = host={host} port={port} dbname={name} user=blogapp
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_reset_query =
"""


@on_postgresql
@pytest.mark.parametrize(("workers", "connections"), [("1", 16), ("2", 8), ("4", 4), ("16", 3)])
def test_workers_share_the_connections_of_a_small_plan(
    database_url: str, tmp_path: Path, workers: str, connections: int
) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "WEB_CONCURRENCY": workers}, tmp_path)
    with app.app_context():
        pool = db.engine.pool
        assert pool.size() == connections  # type: ignore[attr-defined]
        assert pool._max_overflow == 0  # type: ignore[attr-defined]
    dispose(app)


@pytest.fixture
def pooled(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database is behind PgBouncer in transaction mode, with two connections to the server."""
    url, port = urlsplit(database_url), free_port()
    folder = Path(tempfile.mkdtemp(prefix="blogapp-pgbouncer-"))
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(name=url.path[1:], host=url.hostname, port=url.port, listen=port))
    options: dict[str, Any] = {}
    if os.geteuid() == 0:  # it refuses to run as root
        group = pwd.getpwnam("nobody").pw_gid
        shutil.chown(folder, "nobody", group)
        shutil.chown(settings, "nobody", group)
        options = {"user": "nobody", "group": group, "extra_groups": []}
    process = supervise([ensure("pgbouncer", "pgbouncer"), str(settings)], tmp_path / "log", "INT", **options)
    wait_until_listening(port, tmp_path / "log")
    through = f"postgresql://blogapp@127.0.0.1:{port}{url.path}"
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": through, "DATABASE_PREPARED_STATEMENTS": "off"}
    app = create_app({**environ, "RATELIMIT_ENABLED": "off"}, tmp_path / "data")
    yield app
    dispose(app)
    process.end()
    process.wait(timeout=30)
    shutil.rmtree(folder)


@on_postgresql
def test_reading_and_posting_work_through_pgbouncer(
    publish_article: Callable[..., Article], pooled: Flask, client: FlaskClient
) -> None:
    publish_article(slug="birds")
    readers = [pooled.test_client() for _ in range(4)]
    for number in range(12):  # psycopg would prepare a statement at its sixth execution
        reader = readers[number % 4]
        form = {"author_name": f"Ada {number}", "body": f"Comment number {number}"}
        assert reader.post("/articles/birds/comments", data=form).status_code == 303
        assert f"Comment number {number}" in reader.get("/articles/birds").text
    assert client.get("/articles/birds").text.count('class="comment"') == 12
    assert pooled.test_client().get("/readyz").status_code == 200
