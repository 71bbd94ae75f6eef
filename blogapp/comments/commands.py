"""`flask comments ...`: moderation at a terminal."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select

from blogapp.articles.models import Article
from blogapp.comments import moderation
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n, markup
from blogapp.web.errors import NotFound

comments_cli = AppGroup("comments", help="See, approve and remove comments.")


@comments_cli.command("list")
@click.option("--pending", is_flag=True, help="Only what waits for approval.")
@click.option("--limit", default=50, show_default=True, help="How many of the latest.")
def list_comments(pending: bool, limit: int) -> None:
    """List comments: number, state, date, article, name, beginning of the text."""
    session = db.session()
    rows = moderation.list_waiting(session) if pending else moderation.list_latest(session, limit)
    for comment, article in rows:
        text = " ".join(comment.body_source.split())
        text = text if len(text) <= 100 else text[:100] + "…"
        when = i18n.iso(comment.created_at)
        click.echo(f"{comment.id}  {comment.status:9}  {when}  {article.slug}  {comment.author_name}: {text}")
    if not rows:
        click.echo("Nothing waits for approval." if pending else "There are no comments yet.", err=True)


@comments_cli.command("approve")
@click.argument("ids", nargs=-1, required=True, type=int, metavar="ID...")
def approve(ids: tuple[int, ...]) -> None:
    """Publish comments that wait, or bring removed ones back."""
    for comment_id in ids:
        with write_transaction() as session, _naming(comment_id):
            moderation.approve(session, comment_id)
        click.echo(f"approved {comment_id}")


@comments_cli.command("remove")
@click.argument("ids", nargs=-1, required=True, type=int, metavar="ID...")
def remove(ids: tuple[int, ...]) -> None:
    """Take comments from readers' view; `approve` brings them back."""
    for comment_id in ids:
        with write_transaction() as session, _naming(comment_id):
            moderation.remove(session, comment_id)
        click.echo(f"removed {comment_id}")


@comments_cli.command("render")
def render() -> None:
    """Make the HTML of all comments anew, after the renderer has changed."""
    rendered = 0
    stale = (
        select(Comment, Article.lang)
        .join(Article, Article.id == Comment.article_id)
        .where(Comment.renderer_version != markup.RENDERER_VERSION)
        .limit(500)
    )
    while True:
        # In portions, so that visitors' posts get their turn in between.
        with write_transaction() as session:
            rows = session.execute(stale).all()
            for comment, lang in rows:
                comment.body_html = markup.render_comment(comment.body_source, lang)
                comment.renderer_version = markup.RENDERER_VERSION
        rendered += len(rows)
        if not rows:
            break
    click.echo(f"{rendered} rendered")


class _naming:
    """Turns "no such comment" into a sentence at the terminal."""

    def __init__(self, comment_id: int) -> None:
        self.comment_id = comment_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, NotFound):
            raise click.ClickException(f"There is no comment {self.comment_id}.") from error
