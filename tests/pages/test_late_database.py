"""`make serve` while PostgreSQL has not started yet, as when a host starts both at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blogapp.db.waiting import is_reachable, wait_for_server
from tests.conftest import SECRET_KEY, eventually
from tests.harness.postgres import Postgres
from tests.harness.server import Server, children

NOWHERE = "postgresql+psycopg://blogapp@127.0.0.1:1/blog"


@pytest.fixture
def stopped() -> Iterator[Postgres]:
    """A PostgreSQL server with an empty database, which does not run."""
    postgres = Postgres()
    postgres.crash()
    yield postgres
    postgres.stop()


def serve(folder: Path, postgres: Postgres, ready: str, secret_key: str = SECRET_KEY) -> Server:
    return Server(
        folder,
        app="app:app",
        module="blogapp.pages.serve",
        ready=ready,
        DATABASE_URL=postgres.url,
        DATA_DIR=str(folder),
        SECRET_KEY=secret_key,
    )


def test_empty_database_that_starts_after_the_site_is_migrated(tmp_path: Path, stopped: Postgres) -> None:
    server = serve(tmp_path, stopped, "/healthz")
    try:
        assert not server.answers("/readyz")
        assert "Set up the blog" not in server.log()
        stopped.start_again()
        eventually(lambda: server.answers("/readyz"), True)
        address = f"Set up the blog at {server.url}/owner/setup?setup_code="
        eventually(lambda: server.log().count(address), 1)
        assert server.log().count("The site starts without it") == 1, server.log()
    finally:
        server.stop()


def test_site_without_a_secret_key_waits_for_the_database(tmp_path: Path, stopped: Postgres) -> None:
    log = tmp_path / "server.log"

    def start_database() -> None:
        eventually(lambda: log.exists() and "Waiting up to 30 seconds for PostgreSQL" in log.read_text(), True)
        stopped.start_again()

    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(start_database)
        server = serve(tmp_path, stopped, "/readyz", secret_key="")
        started.result()
    server.stop()
    assert "/owner/setup?setup_code=" in server.log()
    assert "cannot start" not in server.log()


def test_process_that_waits_ends_with_the_server(tmp_path: Path, stopped: Postgres) -> None:
    server = serve(tmp_path, stopped, "/healthz")
    (waiting,) = [each for each in children(server.main_process()) if is_waiting(each)]
    server.stop()
    eventually(lambda: is_waiting(waiting), False)


def is_waiting(process: int) -> bool:
    try:
        return b"late_upgrade" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_waiting_is_bounded() -> None:
    assert not wait_for_server(NOWHERE, 0)


def test_invalid_address_is_not_waited_for() -> None:
    assert is_reachable("postgresql+psycopg://blogapp@nowhere.invalid/blog")
