"""A start that finds no SQLite database where there has been one creates an empty one, and says what happened and what
to do: in the log, and on the page of the first setup."""

from __future__ import annotations

import http.client
import os
import re
import sys
import time
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask

from blogapp import create_app
from blogapp.site import storage
from blogapp.site.daily_backups import current_state
from blogapp.site.settings import current_site
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import ROOT, Server, free_port
from tests.harness.supervised_process import supervise

CREATED = "was missing, although a blog has been here before; an empty one was created"
WARNING = "WARNING: a blog has been here before, but its database was missing"
ON_PAGE = "A blog has been here before"
ENVIRON = {
    **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
    "FLASK_SKIP_DOTENV": "1",
    "SECRET_KEY": SECRET_KEY,
}


def flask(folder: Path, log: pytest.LogCaptureFixture, *args: str) -> str:
    """The output and the log of a command for the blog in `folder`."""
    log.clear()
    app = create_app({"SECRET_KEY": SECRET_KEY}, folder)
    done = app.test_cli_runner().invoke(args=args)
    dispose(app)
    assert done.exit_code == 0, done.output
    return log.text + done.output


def remove_database(folder: Path) -> None:
    for path in folder.glob("blog.sqlite3*"):
        if path.suffix in {".sqlite3", ".sqlite3-wal", ".sqlite3-shm"}:
            path.unlink()


def setup_page(port: int, method: str = "GET", **fields: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, "/owner/setup", urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    return response.status, page


def test_server_warns_until_the_blog_is_set_up_anew(tmp_path: Path) -> None:
    server = Server(tmp_path, BLOGAPP_TEST_SETUP="1")
    assert ON_PAGE not in setup_page(server.port)[1]
    server.stop()
    assert CREATED not in server.log()
    assert WARNING not in server.log()
    remove_database(tmp_path)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "blog-2026-01-02.sqlite3").touch()
    server.start()
    server.stop()
    assert server.log().count(CREATED) == 1
    assert f"the latest daily one is {tmp_path}/backups/blog-2026-01-02.sqlite3" in server.log()
    (tmp_path / "server.log").write_text("")
    server.start()
    assert CREATED not in server.log()
    assert server.log().count(WARNING) == 1
    assert ON_PAGE in setup_page(server.port)[1]
    code = re.findall(r"setup_code=(\S+)", server.log())[0]
    form = {"name": "Zoé", "password": "a long pass phrase", "site_title": "Blog", "lang": "en", "time_zone": "UTC"}
    assert setup_page(server.port, "POST", setup_code=code, **form)[0] == 200
    server.stop()
    (tmp_path / "server.log").write_text("")
    server.start()
    server.stop()
    assert WARNING not in server.log()


def test_restored_backup_ends_the_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, backup = tmp_path / "data", tmp_path / "blog.zip"
    assert CREATED not in flask(folder, caplog, "demo")
    flask(folder, caplog, "backup", str(backup))
    remove_database(folder)
    assert CREATED in flask(folder, caplog, "db", "upgrade")
    assert WARNING in log_of_flask_run(folder)
    assert CREATED not in flask(folder, caplog, "restore", str(backup))
    assert WARNING not in log_of_flask_run(folder)
    remove_database(folder)
    output = flask(folder, caplog, "restore", str(backup))
    assert CREATED in output
    assert "articles" in output.splitlines()[-1]
    assert WARNING not in log_of_flask_run(folder)


def log_of_flask_run(folder: Path) -> str:
    """What `flask run` has printed when the setup page is served."""
    port = free_port()
    log = folder.parent / f"{port}.log"
    command = [sys.executable, "-m", "flask", "run", "--port", str(port)]
    process = supervise(command, log, "TERM", env={**ENVIRON, "DATA_DIR": str(folder)}, cwd=ROOT)
    while "The site is at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    assert setup_page(port)[0] == 200
    process.end()
    process.wait(timeout=30)
    return log.read_text()


@pytest.fixture
def replacement(tmp_path: Path) -> Flask:
    """An application whose database is an empty one in the place of a missing one."""
    for _ in range(2):
        remove_database(tmp_path)
        app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
        dispose(app)
    return app


def test_empty_database_in_the_place_of_a_missing_one_is_not_backed_up(
    replacement: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "mounts", list)  # the folder of the tests may be in memory
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "blog-2026-01-02.sqlite3").touch()
    with replacement.test_request_context():
        assert current_site().replaces_missing
        state = current_state()
    assert not state.are_made
    assert [backup.day for backup in state.backups] == [date(2026, 1, 2)]
    dispose(replacement)


def test_folder_without_leftovers_is_a_new_blog(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
        with app.test_request_context():
            assert not current_site().replaces_missing
        dispose(app)
    assert CREATED not in caplog.text
