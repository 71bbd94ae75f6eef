"""`flask demo`: demo content for an empty database."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from blogapp import clock
from blogapp.articles.publishing import lock_articles
from blogapp.articles.reading import is_empty
from blogapp.db.transactions import write_transaction
from blogapp.demo import models as models
from blogapp.demo.content import fill


@click.command("demo")
@with_appcontext
def demo_cli() -> None:
    """Fill an empty blog with demo articles, comments and views. A blog with articles is left unchanged."""
    with write_transaction() as session:
        lock_articles(session)
        if is_empty(session):
            click.echo(f"{fill(session, clock.now())} demo articles added.")
