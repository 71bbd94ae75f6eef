"""The schema and its migrations (Alembic through Flask-Alembic; the revisions are in `migrations/`)."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path

from flask import Flask
from flask_alembic import Alembic

from blogapp.db.base import db

alembic = Alembic(run_mkdir=False)


def init_app(app: Flask) -> None:
    app.config["ALEMBIC"] = {"script_location": "migrations"}
    # SQLite can change little of a table in place; batch mode copies it.
    app.config["ALEMBIC_CONTEXT"] = {"render_as_batch": True, "compare_type": True}
    alembic.init_app(app)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def is_current() -> bool:
    """Whether the database's schema is the one that this code was written for."""
    heads = {script.revision for script in alembic.heads()}
    return {script.revision for script in alembic.current()} == heads


def bring_up_to_date(app: Flask, data_folder: Path) -> None:
    """Migrate an SQLite database at the start, one process at a time. PostgreSQL waits for `flask db upgrade`."""
    data_folder.mkdir(parents=True, exist_ok=True)
    with app.app_context(), (data_folder / "migration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current():
            alembic.upgrade()
        db.session.remove()
