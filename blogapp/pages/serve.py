"""`make serve`: upgrade the database if that is necessary, then start the production server."""

from __future__ import annotations

import subprocess
import sys

from flask import Flask
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.schema import BEHIND, schema_state
from blogapp.search.indexing import is_incomplete
from blogapp.settings import environment, read_setting
from blogapp.site.settings import read_site
from blogapp.text import markup
from blogapp.web import server

UPGRADE = [sys.executable, "-m", "flask", "db", "upgrade"]


def main(target: str = "app:app") -> None:
    environ = environment()
    database_url = read_setting(environ, "DATABASE_URL")
    if database_url.startswith("postgresql") and not read_setting(environ, "SECRET_KEY"):
        # The application reads its key from the database when it is created, so the table must exist.
        subprocess.run(UPGRADE, check=False)
    server.main(target, prepare=upgrade_if_needed)


def upgrade_if_needed(app: Flask) -> None:
    """Run `flask db upgrade` if it has something to do. In another process, because what it imports would take memory
    in this one and in each worker. If it fails, it has printed the reason, and the site starts nevertheless."""
    with app.app_context():
        try:
            is_needed = schema_state() == BEHIND or has_outdated_html() or is_incomplete(db.session())
        except SQLAlchemyError:
            is_needed = False  # an outage, which create_app() has reported
        finally:
            db.session.remove()
            db.engine.dispose()  # the workers must not share a connection
    if is_needed:
        subprocess.run(UPGRADE, check=False)


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
