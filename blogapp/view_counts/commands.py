"""`flask views ...`: statistics on the command line."""

from __future__ import annotations

import csv
import itertools
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import click
from flask.cli import AppGroup
from sqlalchemy import select

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.view_counts import reports
from blogapp.view_counts.batch_writer import view_writer
from blogapp.view_counts.bot_filter import REASONS
from blogapp.view_counts.reports import EXPORTS, RISING_DAYS, Span
from blogapp.view_counts.retention import MONTHS, fold_old_days, oldest_day
from blogapp.visitors.identity import key_of_day

LISTED = 10
LONGEST_BAR = 50

views_cli = AppGroup("views", help="Show, export and prune view counts.")


@views_cli.command("show", short_help="Show daily views.")
@click.argument("slug", required=False)
@click.option(
    "--days", type=click.IntRange(1, 1000), default=30, show_default=True, help="Number of days, up to today."
)
def show(slug: str | None, days: int) -> None:
    """Show daily views of the whole blog or of one article, uncounted requests, the most read articles, and referring
    sites."""
    view_writer().flush()
    session, now = db.session(), clock.now()
    span, oldest = Span.until(now.date(), days), oldest_day(now.date())
    if span.first < oldest:
        span = Span(oldest, span.last)
    article_id = _find(slug) if slug else None
    totals = reports.daily_views(session, span, article_id)
    before, counted = reports.all_time(session, article_id)

    click.echo(f"Views of {f'/articles/{slug}' if slug else 'all articles'}, {span.first} to {span.last} (UTC)\n")
    _print_bars([(day.isoformat(), views) for day, views in totals])
    click.echo(f"\n{sum(views for _, views in totals):,} in these days; {before + counted:,} in total", nl=False)
    click.echo(f", {before:,} of them imported" if before else "")

    refused = reports.refusals(session, span)
    _print_table(
        "Not counted" + (" (in the whole blog)" if slug else ""),
        ((f"{views:,}", REASONS.get(reason, reason)) for reason, views in refused),
        "Everything was counted.",
    )
    if not slug:
        _print_table(
            "Most read",
            ((f"{each.views:,}", each.slug) for each in reports.most_read(session, span, now, LISTED)),
            "No article was read.",
        )
        _print_table(
            f"Rising (last {RISING_DAYS} days compared with the {RISING_DAYS} days before)",
            (
                (f"+{each.views - each.earlier:,}", f"{each.slug}  ({each.earlier:,} -> {each.views:,})")
                for each in reports.rising(session, now.date(), LISTED)
            ),
            "No article gained views.",
        )
    _print_table(
        "Referring sites",
        ((f"{views:,}", host or "other sites") for host, views in reports.referrals(session, span, LISTED, article_id)),
        "No views came from links on other sites that browsers reported.",
    )
    if years := reports.years(session, article_id):
        _print_table(
            f"Before {oldest}, by year",
            (
                (f"{views:,}", str(year) if slug else f"{year}  ({refused:,} not counted)")
                for year, views, refused in years
                if views or not slug
            ),
            "None.",
        )


@views_cli.command("export", short_help="Write all totals to a CSV file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE.csv")
@click.option("--of", "what", type=click.Choice(list(EXPORTS)), default="views", show_default=True)
def export(file: Path, what: str) -> None:
    """Export all totals as CSV: of views, of requests that were not counted, or of referring sites.

    A period is a day, a year (for days that are no longer kept separately), or `before` (imported views). `-` writes to
    the terminal.
    """
    view_writer().flush()
    columns, totals = EXPORTS[what]
    rows = itertools.chain([columns], totals(db.session()))
    if str(file) == "-":
        _write_csv(sys.stdout, rows)
        return
    try:
        # Written to a temporary file and renamed: if the disk is full, an existing file stays unchanged.
        with NamedTemporaryFile(
            "w", dir=file.parent, suffix=".csv", newline="", encoding="utf-8", delete=False
        ) as part:
            number = _write_csv(part, rows)
        Path(part.name).chmod(0o644)
        Path(part.name).replace(file)
    except OSError as error:
        with suppress(OSError, NameError):
            Path(part.name).unlink()
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(f"{number:,} totals exported to {file}.")


@views_cli.command("prune", short_help="Merge old totals and delete visitor data.")
def prune() -> None:
    """Merge daily totals older than 25 months into yearly totals, and delete the visitor data of past days.

    The server also does both automatically every day.
    """
    today = clock.now().date()
    with write_transaction(Changes.NOTHING) as session:
        number = fold_old_days(session, today)
    # In its own transaction: others take the key first and the totals second, and could deadlock with this one.
    with write_transaction(Changes.NOTHING) as session:
        key_of_day(session, today)
    click.echo(f"{number:,} daily totals before {oldest_day(today)} ({MONTHS} months) merged into yearly totals.")


def _find(slug: str) -> int:
    article_id = db.session.scalar(select(Article.id).where(Article.slug == slug.removeprefix("/articles/")))
    if article_id is None:
        raise click.ClickException(f"There is no article {slug}.")
    return article_id


def _print_bars(rows: list[tuple[str, int]]) -> None:
    """Print a bar for each row, in eighths of a character. The longest one fits the terminal."""
    most = max(views for _, views in rows)
    digits = len(f"{most:,}")
    room = min(LONGEST_BAR, max(8, shutil.get_terminal_size().columns - digits - 14))
    for label, views in rows:
        eighths = -(-views * room * 8 // most) if most else 0
        bar = "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
        click.echo(f"{label}  {views:>{digits},}  {bar}".rstrip())


def _print_table(title: str, rows: Iterable[tuple[str, str]], nothing: str) -> None:
    click.echo(f"\n{title}")
    listed = list(rows)
    width = max((len(number) for number, _ in listed), default=0)
    for number, words in listed:
        click.echo(f"  {number:>{width}}  {words}")
    if not listed:
        click.echo(f"  {nothing}")


def _write_csv(file: IO[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Write the header, which is the first row, and the rows after it; returns the number of rows after it."""
    writer = csv.writer(file)
    number = -1  # the header does not count
    for row in rows:
        writer.writerow(row)
        number += 1
    return number
