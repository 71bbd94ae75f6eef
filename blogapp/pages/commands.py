"""`flask articles import` and `export`: articles with their view counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.addresses import is_reserved
from blogapp.articles.commands import articles_cli as articles_cli
from blogapp.articles.files import BrokenFile, FilesRead, printable, read_files, to_markdown
from blogapp.articles.models import DELETED, PAGE, Article, ArticleRedirect
from blogapp.articles.publishing import Manuscript, Published, publish
from blogapp.articles.revisions import IMPORT, content_of, latest_revision, record
from blogapp.articles.sources import Placed, place_files
from blogapp.articles.translations import UnknownOriginal, WrongTranslation, find_original, has_rival
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import find_owner
from blogapp.owners.models import Owner
from blogapp.pages.picture_files import PictureImport, write_picture, write_pictures
from blogapp.site.settings import site_zone
from blogapp.text import i18n
from blogapp.values import frozen
from blogapp.view_counts.counting import start_count, views_of

# The names of the article's fields in the front matter.
NAMES = {"body_source": "text", "published_at": "date", "author_name": "author", "owner_id": "author"}


@articles_cli.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change without changing it.")
@click.option("--force", is_flag=True, help="Replace articles that were edited in the browser.")
def import_articles(paths: tuple[Path, ...], dry_run: bool, force: bool) -> None:
    """Add or update articles from Markdown files with front matter.

    A file updates the article that has its slug, or that was imported from the same file before. View counts and
    comments are not changed. Pictures come along if the text names them by a path relative to its file. If one file has
    an error, no file is imported. An article that was edited in the browser since its last import is replaced only
    with --force; its text there stays in its history.
    """
    now = clock.now()
    read = read_files(list(paths), i18n.site_locale(), now, PictureImport(now, dry_run).store, site_zone())
    with write_transaction() as session:
        placed, misplaced = place_files(session, read.files)
        if read.broken or misplaced:
            session.rollback()
            _report_broken(read, [*read.broken, *misplaced])
            raise click.exceptions.Exit(1)
        try:
            done = [(each, _import(session, each, now)) for each in placed]
        except BrokenFile as error:
            session.rollback()
            _report_broken(read, [error])
            raise click.exceptions.Exit(1) from None
        # Files can name an original that comes after them, so only now all translations are known.
        if rivals := [_rival(each) for each, result in done if has_rival(session, result.published.article)]:
            session.rollback()
            _report_broken(read, rivals)
            raise click.exceptions.Exit(1)
        edited = [EditedInBrowser(each, result) for each, result in done if result.edited_at]
        if edited and not force:
            session.rollback()
            _report_broken(read, edited)
            raise click.exceptions.Exit(1)
        report = [line for each, result in done for line in _report(each, result.published, dry_run)]
        if dry_run:
            session.rollback()
    # Only now: if the commit fails, nothing was imported.
    for line in [*report, *(f"skipped {sentence}" for sentence in read.skipped)]:
        click.echo(line)


@frozen
class Imported:
    """The result of an import; `edited_at` is when the article that it replaces, at `replaced`, was edited in the
    browser, if it was."""

    published: Published
    replaced: str
    edited_at: datetime | None


class EditedInBrowser(Exception):
    """A file would replace a text that was written in the browser."""

    def __init__(self, placed: Placed, imported: Imported) -> None:
        super().__init__(
            f"{printable(placed.file.path)}:1: {imported.replaced} was edited in the browser on "
            f"{imported.edited_at:%Y-%m-%d %H:%M} UTC. Add --force to replace it with this file."
        )


def _import(session: Session, placed: Placed, now: datetime) -> Imported:
    latest = latest_revision(session, placed.article.id) if placed.article else None
    replaced = _address(placed.article) if placed.article else ""  # the file may bring another one
    manuscript = _with_account(session, replace(placed.manuscript, translation_of=_original(session, placed)))
    published = publish(session, manuscript, now, placed.article, placed.source)
    article = published.article
    if published.is_new:
        start_count(session, article.id, placed.file.metadata.views)
    has_changed = latest is not None and (bool(published.changes) or not latest.is_applied)
    if has_changed:
        record(session, article, content_of(article), IMPORT, True, now)
    edited_at = latest.saved_at if latest and has_changed and latest.kind != IMPORT else None
    return Imported(published, replaced, edited_at)


def _with_account(session: Session, manuscript: Manuscript) -> Manuscript:
    """If the author has an account, their name is that of the account, also when it changes."""
    owner = find_owner(session, manuscript.author_name) if manuscript.author_name else None
    return replace(manuscript, author_name="", owner_id=owner.id) if owner else manuscript


def _original(session: Session, placed: Placed) -> str:
    """The original that the file is a translation of; its own file may come later."""
    manuscript = placed.manuscript
    if manuscript.kind == PAGE and is_reserved(manuscript.slug):
        path, line = placed.file.path, placed.file.slug_line
        raise BrokenFile(
            path, line, f"the site itself uses the address /{manuscript.slug}; give the page another slug."
        )
    if not manuscript.translation_of:
        return ""
    try:
        return find_original(session, manuscript.translation_of, manuscript.lang, placed.article, manuscript.slug)
    except UnknownOriginal:
        return manuscript.translation_of
    except WrongTranslation:
        raise _rival(placed) from None


def _rival(placed: Placed) -> BrokenFile:
    manuscript = placed.manuscript
    named = f"`translation_of: {manuscript.translation_of}`" if manuscript.translation_of else f"`{manuscript.slug}`"
    sentence = f"{named}: there is a translation in this language already."
    return BrokenFile(placed.file.path, placed.file.slug_line, sentence)


def _report_broken(read: FilesRead, broken: Sequence[Exception]) -> None:
    for error in broken:
        click.echo(str(error), err=True)
    for file in read.files:
        for note in file.notes:
            click.echo(f"{file.path}:{note.line}: {note.sentence}", err=True)
    click.echo("Nothing was imported.", err=True)


def _report(placed: Placed, done: Published, dry_run: bool) -> Iterator[str]:
    where = _address(done.article)
    if done.is_new:
        yield f"{'would add' if dry_run else 'added'} {where}"
    elif not done.changes:
        yield f"unchanged {where}"
    else:
        changes = ", ".join(dict.fromkeys(NAMES.get(name, name) for name in done.changes))
        yield f"{'would update' if dry_run else 'updated'} {where}: {changes}"
    if placed.file.metadata.ignored:
        yield f"  ignored: {', '.join(placed.file.metadata.ignored)}"
    for note in sorted(placed.file.notes, key=lambda note: note.line):
        yield f"  line {note.line}: {note.sentence}"


def _address(article: Article) -> str:
    return f"/{article.slug}" if article.is_page else f"/articles/{article.slug}"


@articles_cli.command("export", short_help="Write articles and pictures to files.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--overwrite", is_flag=True, help="Overwrite the files of an earlier export.")
def export_articles(folder: Path, overwrite: bool) -> None:
    """Write each article to a Markdown file in FOLDER that `flask articles import` can read, and its pictures to
    FOLDER/pictures."""
    session = db.session()
    slugs = list(session.scalars(select(Article.slug).where(Article.status != DELETED).order_by(Article.slug)))
    existing = [slug for slug in slugs if (folder / f"{slug}.md").exists()]
    if existing and not overwrite:
        raise click.ClickException(
            f"{folder / existing[0]}.md exists already; name an empty folder, or add --overwrite. Nothing was written."
        )
    old_slugs: dict[int, list[str]] = {}
    for redirect in session.scalars(select(ArticleRedirect).order_by(ArticleRedirect.slug)):
        old_slugs.setdefault(redirect.article_id, []).append(redirect.slug)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = select(Article, Owner.name).outerjoin(Owner, Owner.id == Article.owner_id)
        kept = kept.where(Article.status != DELETED).order_by(Article.slug)
        for article, author in session.execute(kept.execution_options(yield_per=100)):
            views = views_of(session, [article.id])[article.id]
            body = write_pictures(session, article.body_source, folder)
            cover = write_picture(session, article.cover, folder)
            text = to_markdown(article, views, old_slugs.get(article.id, []), author, body, cover)
            (folder / f"{article.slug}.md").write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}.") from None
    click.echo(f"{len(slugs)} articles exported to {folder}")
