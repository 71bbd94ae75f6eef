"""The daily backup of the production server with two worker processes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from blogapp import clock
from blogapp.site.daily_backups import FOLDER, NAME, backups_in
from tests.conftest import eventually
from tests.faults.visitors import ask, make_blog, post_comment
from tests.harness.server import Server


def test_server_makes_the_backup_of_today_and_deletes_those_of_last_week(tmp_path: Path) -> None:
    make_blog(tmp_path)
    folder, today = tmp_path / FOLDER, clock.now().date()
    folder.mkdir()
    for age in (1, 6, 7, 8):  # days since the backups that earlier starts have made
        (folder / NAME.format(today - timedelta(days=age))).touch()
    server = Server(tmp_path, workers=2, app="tests.site.early_backup:app")
    try:
        assert post_comment(server.port, "In the backup").status == 303
        for _ in range(20):  # both workers
            assert ask(server.port, "GET", "/").status == 200
        oldest = folder / NAME.format(today - timedelta(days=7))
        eventually(oldest.exists, False)  # deleted after the new backup was made
    finally:
        assert server.stop() == 0
    newest, before = backups_in(folder)[:2]
    assert newest.day >= today  # midnight may have passed
    assert before.day >= today - timedelta(days=1)
    with closing(sqlite3.connect(newest.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    assert not list(folder.glob("*.part*"))
    assert "Traceback" not in server.log()
