"""`flask comments ...`: moderation on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from blogapp import clock
from blogapp.comments import moderation
from blogapp.comments.decisions import COMMAND
from blogapp.comments.rendering import render_outdated
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.text import i18n
from blogapp.web.converters import LARGEST
from blogapp.web.errors import NotFound

comments_cli = AppGroup("comments", help="List, approve and remove comments.")


class CommentAtRevision(click.ParamType[tuple[int, int]]):
    """`12` or `12@2`: a comment and its revision, the number of times it has been edited (default: 0)."""

    name = "comment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        match = re.fullmatch(r"(\d+)(?:@(\d+))?", str(value), re.ASCII)
        if match is None:
            self.fail(f"{value!r} is not a comment number such as 12 or 12@2.", param, ctx)
        return min(int(match[1]), LARGEST), min(int(match[2] or 0), LARGEST)


@comments_cli.command("list", short_help="List the latest comments.")
@click.option("--pending", is_flag=True, help="Only comments awaiting approval.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, LARGEST), help="Number of comments.")
def list_comments(pending: bool, limit: int) -> None:
    """List comments: number (12@2 if it was edited twice), state, date, article, name, beginning of the text."""
    session = db.session()
    rows = moderation.list_awaiting(session) if pending else moderation.list_latest(session, limit)
    for comment, article in rows:
        number = f"{comment.id}@{comment.revision}" if comment.revision else str(comment.id)
        text = " ".join(comment.body_source.split())
        text = text if len(text) <= 100 else text[:100] + "…"
        when = i18n.iso(comment.created_at)
        click.echo(f"{number}  {comment.status:9}  {when}  {article.slug}  {comment.author_name}: {text}")
    if not rows:
        click.echo("No comment is awaiting approval." if pending else "There are no comments yet.", err=True)


@comments_cli.command("approve")
@click.argument("comments", nargs=-1, required=True, type=CommentAtRevision(), metavar="ID[@REVISION]...")
def approve(comments: tuple[tuple[int, int], ...]) -> None:
    """Publish comments that await approval, or that were removed.

    An edited comment needs its revision, as `flask comments list` prints it (12@2), so that only the text that was
    reviewed is approved.
    """
    for comment_id, revision in comments:
        with explained(comment_id), write_transaction() as session:
            moderation.approve(session, comment_id, revision, COMMAND, clock.now())
        click.echo(f"approved {comment_id}")


@comments_cli.command("remove")
@click.argument("ids", nargs=-1, required=True, type=click.IntRange(1, LARGEST), metavar="ID...")
def remove(ids: tuple[int, ...]) -> None:
    """Hide comments from readers; `approve` shows them again."""
    for comment_id in ids:
        with explained(comment_id), write_transaction() as session:
            moderation.remove(session, comment_id, COMMAND, clock.now())
        click.echo(f"removed {comment_id}")


@comments_cli.command("render", short_help="Render comments again after an update.")
def render() -> None:
    """Re-render comments that another version of the renderer has rendered."""
    click.echo(f"{sum(render_outdated(db.session()))} rendered")


@contextmanager
def explained(comment_id: int) -> Iterator[None]:
    """Convert a domain error to an error message on the command line."""
    try:
        yield
    except NotFound:
        raise click.ClickException(f"There is no comment {comment_id}.") from None
    except moderation.Deleted:
        raise click.ClickException(f"Comment {comment_id} has been deleted: it has no text any more.") from None
    except moderation.TextChanged as changed:
        raise click.ClickException(
            f"The text of comment {comment_id} has changed. Read it with `flask comments list`, then approve "
            f"{comment_id}@{changed.revision}."
        ) from None
