"""`flask backup` and `flask restore`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
from flask.cli import with_appcontext

from blogapp import clock
from blogapp.articles import publishing
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.pages.archive import ArchiveError, Manifest, verify_archive, write_archive
from blogapp.pages.restore import complete_restore, in_use, restore_archive


@click.command("backup", short_help="Write everything to one file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.zip")
@with_appcontext
def backup(file: Path) -> None:
    """Write everything to FILE.zip: articles, comments, pictures, accounts, settings and view counts.

    The site can be in use meanwhile. The file works on both databases. Not in it: sessions, and SECRET_KEY, which you
    keep yourself if you have set it.
    """
    if file.exists() and not file.is_file():  # such as /dev/full, which would be replaced
        raise click.ClickException(f"{file} is not a regular file.")
    try:
        manifest = _write(file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    size = file.stat().st_size
    click.echo(
        f"{manifest.rows['articles']:,} articles, {manifest.rows['comments']:,} comments and "
        f"{manifest.rows['pictures']:,} pictures are in {file} ({size:,} bytes)."
    )


def _write(file: Path) -> Manifest:
    """Write to a temporary file and rename it: an existing backup stays until the new one is complete."""
    with NamedTemporaryFile(dir=file.parent, suffix=".zip", delete=False) as part:
        try:
            write_archive(db.session(), part, clock.now(), with_accounts=True)
            part.flush()
            os.fsync(part.fileno())
            part.seek(0)
            manifest = verify_archive(part)
            Path(part.name).chmod(0o600)  # it contains password hashes
            Path(part.name).replace(file)
        except BaseException:  # also if the command is interrupted, or the database is damaged
            with suppress(OSError):
                Path(part.name).unlink()
            raise
    return manifest


@click.command("restore", short_help="Restore a backup or an export.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE.zip")
@click.option("--force", is_flag=True, help="Delete the articles, comments, pictures and accounts that are there.")
@with_appcontext
def restore(file: Path, force: bool) -> None:
    """Restore a backup, or an export of /owner/export.zip, into an empty blog.

    If it fails, nothing has changed. With an export, the accounts that are there are kept.
    """
    try:
        with file.open("rb") as opened:
            manifest = verify_archive(opened)
            with write_transaction() as session:
                publishing.lock_articles(session)
                if not force and (found := in_use(session, manifest.has_accounts)):
                    raise ArchiveError(f"This blog is not empty ({found}). Add --force to delete what is there.")
                restore_archive(session, opened)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None
    complete_restore()
    click.echo(f"{manifest.rows['articles']:,} articles and {manifest.rows['comments']:,} comments restored.")
