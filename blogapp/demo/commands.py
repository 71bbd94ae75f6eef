"""`flask demo`: demo content for an empty database, and its removal."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from blogapp import clock
from blogapp.articles.publishing import lock_articles
from blogapp.articles.reading import is_empty
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.demo.content import fill
from blogapp.demo.removal import find_demo, remove_demo


@click.command("demo")
@click.option("--remove", is_flag=True, help="Remove the demo content, and nothing else.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_appcontext
def demo_cli(remove: bool, yes: bool) -> None:
    """Fill an empty blog with demo articles, comments and views. A blog with articles is left unchanged."""
    if remove:
        _remove(yes)
        return
    with write_transaction() as session:
        lock_articles(session)
        if is_empty(session):
            click.echo(f"{fill(session, clock.now())} demo articles added.")
        else:
            click.echo("This blog is not empty. Nothing was added.")


def _remove(yes: bool) -> None:
    found = find_demo(db.session())
    for article in found.changed:
        click.echo(f"kept, because it was changed: /articles/{article.slug}")
    if found.articles and not yes:
        for article in found.articles:
            click.echo(f"/articles/{article.slug}")
        if found.added_comments:
            click.echo(f"Comments on them that are not from the demo, and are deleted too: {found.added_comments}")
        click.confirm("Delete these demo articles, with all their comments and views?", abort=True)
    with write_transaction() as session:
        lock_articles(session)
        found = remove_demo(session)
    click.echo(f"{len(found.articles)} demo articles removed.")
