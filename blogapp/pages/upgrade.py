"""`flask db upgrade`: migrate the schema, re-render texts that another version of the renderer has rendered, and index
them for the search.

Otherwise readers would see the output of two renderers. Hosts run the command before they start a new version
(`release` in the Procfile), and `make serve` runs it if it has something to do (`serve.py`). It can run while the
site is being served and in several processes at once, and it can be interrupted and run again.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from flask.cli import with_appcontext
from flask_alembic import cli as flask_alembic_cli

from blogapp.articles import publishing
from blogapp.comments import rendering
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.pages.database_copy import copy
from blogapp.search import indexing

PROGRESS = 5_000


@click.command("upgrade")
@click.argument("target", default="heads")
@with_appcontext
def upgrade(target: str) -> None:
    """Migrate the database to TARGET (default: the newest schema), then render and index outdated texts."""
    alembic.upgrade(target)
    if target != "heads":
        return  # the models may not fit an older schema
    for name, batches in (
        ("articles", publishing.render_outdated()),
        ("comments", rendering.render_outdated(db.session())),
    ):
        _run(name, "rendered so far", "rendered again", batches)
    # After the rendering: what is indexed is the text of the HTML.
    for name, batches in (
        ("articles", indexing.index_articles(db.session())),
        ("comments", indexing.index_comments(db.session())),
    ):
        _run(name, "indexed so far", "indexed for the search", batches)


def _run(name: str, so_far: str, done: str, batches: Iterator[int]) -> None:
    total = 0
    for number in batches:
        if total // PROGRESS != (total + number) // PROGRESS:
            click.echo(f"{name} {so_far}: {total + number}")
        total += number
    if total:
        click.echo(f"{name} {done}: {total}")


# Flask-Alembic's group and commands, but its `upgrade` only migrates.
@click.group("db", commands={**flask_alembic_cli.cli.commands, "copy": copy, "upgrade": upgrade})
@click.pass_context
def db_cli(context: click.Context) -> None:
    """Migrate the database."""
    context.obj = alembic
