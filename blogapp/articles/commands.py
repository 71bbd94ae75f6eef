"""`flask articles ...`, for the owner at a terminal."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from blogapp import clock
from blogapp.articles.importing import read_files
from blogapp.articles.models import Article
from blogapp.articles.publishing import Published, publish
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import markup
from blogapp.view_counts.counting import start_count

articles_cli = AppGroup("articles", help="Bring articles in.")


@articles_cli.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
def import_articles(paths: tuple[Path, ...], dry_run: bool) -> None:
    """Add or update articles from Markdown files with front matter.

    The same file again changes what changed in it, and never a count or a comment. If one file is broken, none is
    imported.
    """
    now = clock.now()
    with write_transaction() as session:
        files, broken = read_files(session, list(paths), current_app.config["SITE_LOCALE"])
        if broken:
            for error in broken:
                click.echo(str(error), err=True)
            click.echo("Nothing was imported.", err=True)
            raise click.exceptions.Exit(1)
        for file in files:
            done = publish(session, file.manuscript, now)
            if done.is_new:
                start_count(session, done.article.id, file.views)
            click.echo(_report(done, dry_run))
            if file.ignored:
                click.echo(f"  ignored: {', '.join(file.ignored)}")
        if dry_run:
            session.rollback()


def _report(done: Published, dry_run: bool) -> str:
    where = f"/articles/{done.article.slug}"
    if done.is_new:
        return f"{'would add' if dry_run else 'added'} {where}"
    if not done.changes:
        return f"unchanged {where}"
    return f"{'would update' if dry_run else 'updated'} {where}: {', '.join(done.changes)}"


@articles_cli.command("render")
def render_articles() -> None:
    """Make the HTML of all articles anew, after the renderer has changed."""
    with write_transaction() as session:
        articles = session.scalars(select(Article).where(Article.renderer_version != markup.RENDERER_VERSION)).all()
        for article in articles:
            article.body_html = markup.render_article(article.body_source, article.lang)
            article.renderer_version = markup.RENDERER_VERSION
    click.echo(f"{len(articles)} rendered")
    db.session.remove()
