"""`flask backup` with settings that are not those of the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SECRET_KEY
from tests.harness.server import ROOT


def test_backup_of_a_database_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "blog.zip"
    data.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "backup", str(file)],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data), "SECRET_KEY": SECRET_KEY, "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"blogapp cannot start: there is no database {data / 'blog.sqlite3'}."), done.stderr
    assert list(data.iterdir()) == []
    assert not file.exists()
