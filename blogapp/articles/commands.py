"""`flask articles list`, `remove` and `render`. `import` and `export` are in pages/commands.py, because they join
articles with view counts."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import defer

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.publishing import lock_articles, render_outdated
from blogapp.articles.translations import give_up_groups
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.site.settings import site_zone

articles_cli = AppGroup("articles", help="Import, list, export and remove articles.")


@articles_cli.command("list", short_help="List all articles, newest first.")
def list_articles() -> None:
    """List all articles, newest first: state, date, language, slug and title."""
    now, zone = clock.now(), site_zone()
    articles = db.session.scalars(
        select(Article)
        .options(defer(Article.body_source), defer(Article.body_html))
        .order_by(Article.published_at.desc(), Article.id.desc())
    ).all()
    for article in articles:
        state = "scheduled" if article.is_public and article.published_at > now else article.status
        day = f"{article.published_at.astimezone(zone):%Y-%m-%d}" if article.first_published_at else "-"
        click.echo(f"{state:11}  {day:10}  {article.lang}  {article.slug}  {article.title}")
    if not articles:
        click.echo("There are no articles yet.", err=True)


@articles_cli.command("remove", short_help="Delete articles permanently.")
@click.argument("slugs", nargs=-1, required=True, metavar="SLUG...")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def remove_articles(slugs: tuple[str, ...], yes: bool) -> None:
    """Delete articles permanently, with their comments, view counts and redirects."""
    with write_transaction() as session:
        found = {article.slug: article for article in session.scalars(select(Article).where(Article.slug.in_(slugs)))}
    missing = [slug for slug in slugs if slug not in found]
    if missing:
        raise click.ClickException(f"There is no article {', '.join(missing)}. Nothing was removed.")
    if not yes:
        click.confirm(f"Delete {', '.join(found)}, with all comments and view counts?", abort=True)
    for slug, article in found.items():
        with write_transaction() as session:
            lock_articles(session)
            stored = session.get(Article, article.id, populate_existing=True)
            if stored is not None:  # another process may have removed it
                give_up_groups(session, Article.id == stored.id)
                session.delete(stored)
        click.echo(f"removed /articles/{slug}")


@articles_cli.command("render", short_help="Render articles again after an update.")
def render_articles() -> None:
    """Re-render articles that another version of the renderer has rendered."""
    click.echo(f"{sum(render_outdated())} rendered")
