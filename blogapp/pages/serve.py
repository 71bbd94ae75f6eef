"""`make serve`: upgrade the database if that is necessary, then start the production server."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from flask import Flask
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.faults import fault_of
from blogapp.db.schema import BEHIND, schema_state
from blogapp.db.waiting import wait_for_server
from blogapp.search.indexing import is_incomplete
from blogapp.settings import environment, parse_settings
from blogapp.site.settings import read_site
from blogapp.text import markup
from blogapp.web import server

UPGRADE = [sys.executable, "-m", "flask", "db", "upgrade"]
UPGRADE_LATER = [sys.executable, "-m", "blogapp.pages.late_upgrade"]
# Seconds to wait for a database without which the application cannot be created.
WAIT_SECONDS = 30


def main(target: str = "app:app") -> None:
    environ = environment()
    settings = parse_settings(environ)
    database_url = settings["DATABASE_URL"]
    keeps_key_in_database = database_url.startswith("postgresql") and not settings["SECRET_KEY"]
    # The application reads its key from the database when it is created, so the table must exist. If the server cannot
    # be reached, creating the application ends the program, and the host starts it again.
    if keeps_key_in_database and wait_for_server(database_url, WAIT_SECONDS):
        subprocess.run(UPGRADE, check=False)
    server.main(target, prepare=partial(upgrade_now_or_later, target))


def upgrade_now_or_later(target: str, app: Flask) -> None:
    """Upgrade the database before the site starts. If it cannot be reached, the site starts without it, and another
    process upgrades it as soon as it can be reached."""
    if not upgrade_if_needed(app) and app.extensions["database_file"] is None:
        subprocess.Popen([*UPGRADE_LATER, target, server.public_address(environment()), str(os.getpid())])


def upgrade_if_needed(app: Flask) -> bool:
    """Run `flask db upgrade` if it has something to do. In another process, because what it imports would take memory
    in this one and in each worker. If it fails, it has printed the reason, and the site starts nevertheless.

    Returns False if the database is not available."""
    with app.app_context():
        try:
            is_needed = schema_state() == BEHIND or has_outdated_html() or is_incomplete(db.session())
        except SQLAlchemyError as error:
            return fault_of(error) is None  # create_app() has reported an outage
        finally:
            db.session.remove()
            db.engine.dispose()  # the workers must not share a connection
    if is_needed:
        subprocess.run(UPGRADE, check=False)
    return True


def has_outdated_html() -> bool:
    """Whether another version of the renderer has rendered an article or a comment."""
    versions = (
        (Article, markup.article_version(read_site(db.session()).typography)),
        (Comment, markup.RENDERER_VERSION),
    )
    return any(
        db.session.scalar(select(exists().where(model.renderer_version != version))) for model, version in versions
    )


if __name__ == "__main__":
    main(*sys.argv[1:2])
