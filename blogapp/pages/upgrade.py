"""`flask db upgrade`: migrate the schema, re-render texts that another version of the renderer has rendered, and index
them for the search.

Otherwise readers would see the output of two renderers. Hosts run the command before they start a new version
(`release` in the Procfile), and `make serve` runs it if it has something to do (`serve.py`). It can run while the
site is being served and in several processes at once, and it can be interrupted and run again.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
from alembic.util import CommandError
from flask import current_app
from flask.cli import with_appcontext
from flask_alembic import cli as flask_alembic_cli

from blogapp import clock
from blogapp.articles import publishing
from blogapp.comments import rendering
from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.schema import CURRENT, REVISIONS, schema_state, stored_revision
from blogapp.pages.archive_commands import backup
from blogapp.pages.database_copy import copy
from blogapp.search import indexing
from blogapp.settings import Settings

PROGRESS = 5_000


@click.command("upgrade", short_help="Migrate to the newest schema.")
@click.argument("target", default="heads")
@with_appcontext
def upgrade(target: str) -> None:
    """Migrate the database to TARGET (default: the newest schema), then render and index outdated texts."""
    if not target:
        raise click.UsageError("TARGET is empty: leave it out, or name a migration.")
    before = stored_revision()
    alembic.upgrade(target)
    if target != "heads":
        if stored_revision() == before:
            click.echo(f"Nothing was migrated: the schema of the database is {before or 'empty'}.")
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


@click.command("downgrade", short_help="Undo the last migration.")
@with_appcontext
@click.pass_context
def downgrade(context: click.Context) -> None:
    """Undo the last migration, to go back to the version of blogapp before it.

    Stop the server first, and install the other version before it starts again: this one would migrate the database
    again. What only the newer version stores is lost, so the database is backed up first: an SQLite database in its
    folder, PostgreSQL to a file in DATA_DIR, as with flask backup.
    """
    if schema_state() != CURRENT:
        raise click.ClickException("Only the last migration can be undone. To go back further, restore a backup.")
    if current_app.extensions["database_file"] is None:
        settings: Settings = current_app.extensions["storage_settings"]
        context.invoke(
            backup, file=settings.data_dir / f"before-downgrade-{REVISIONS[-1]}-{clock.now():%Y%m%dT%H%M%SZ}.zip"
        )
    db.session.remove()  # its snapshot would lock tables
    alembic.downgrade()
    click.echo(
        f"The migration {REVISIONS[-1]} was undone. Install the version of blogapp before it, then start that one."
    )


def _run(name: str, so_far: str, done: str, batches: Iterator[int]) -> None:
    total = 0
    for number in batches:
        if total // PROGRESS != (total + number) // PROGRESS:
            click.echo(f"{name} {so_far}: {total + number}")
        total += number
    if total:
        click.echo(f"{name} {done}: {total}")


# Flask-Alembic's commands, but its `upgrade` only migrates, and its `downgrade` makes no backup on PostgreSQL. The
# others are for developers: they work, but the help does not list them.
for _command in flask_alembic_cli.cli.commands.values():
    _command.hidden = True
COMMANDS = {**flask_alembic_cli.cli.commands, "copy": copy, "downgrade": downgrade, "upgrade": upgrade}


class Migrating(click.Group):
    """Commands that fail with Alembic's message if a migration does not exist, and not with a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CommandError as error:
            raise click.ClickException(f"{error}.") from None


@click.group("db", cls=Migrating, commands=COMMANDS)
@click.pass_context
def db_cli(context: click.Context) -> None:
    """Upgrade, downgrade and copy the database."""
    context.obj = alembic
