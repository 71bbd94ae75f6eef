"""A program: run a command that removes something. Before and after the commit of the removal, it prints a line and
waits for one: `python -m tests.db.paused_command comments remove 1`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flask.cli import ScriptInfo
from sqlalchemy import event

from blogapp import create_app
from blogapp.db.base import db

app = create_app(os.environ, Path(os.environ["BLOGAPP_TEST_FOLDER"]))
with app.app_context():
    engine = db.engine
session = db.session.session_factory
changing = False


def remember(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
    global changing
    changing = changing or "INSERT INTO content_versions" in statement


def wait(line: str) -> None:
    if changing:  # not the commits of transactions that only read
        print(line, flush=True)
        sys.stdin.readline()


event.listen(engine, "before_cursor_execute", remember)
event.listen(session, "before_commit", lambda session: wait("before the commit"))
event.listen(session, "after_commit", lambda session: wait("after the commit"))
app.cli.main(obj=ScriptInfo(create_app=lambda: app))
