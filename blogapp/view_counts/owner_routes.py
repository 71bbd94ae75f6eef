"""The owner's statistics: views by day or month, most read articles, referring sites, and requests that were not
counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Any

from flask import Blueprint, Flask, Response, render_template, request, stream_with_context
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.owners import bar
from blogapp.owners.access import for_owners
from blogapp.text.i18n import day, gettext, month
from blogapp.values import frozen
from blogapp.view_counts import reports
from blogapp.view_counts.batch_writer import view_writer
from blogapp.view_counts.bot_filter import (
    AGAIN,
    BOT,
    FOREIGN,
    HEAD,
    LIMIT,
    LOST,
    OBJECTION,
    OWNER,
    PRELOAD,
    RESTORE,
)
from blogapp.view_counts.reports import EXPORTS, POPULAR_DAYS, Span
from blogapp.web.errors import NotFound

LISTED = 10
MONTHS = 12
# Rows that a spreadsheet would read as a formula begin with one of these characters.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

bp = for_owners(Blueprint("statistics", __name__, url_prefix="/owner/statistics"))


@frozen
class Chart:
    """The bars of a chart: a label and the views of each day or month. `most` is the height of the chart in views."""

    bars: list[tuple[str, int]]

    @property
    def most(self) -> int:
        return max((views for _, views in self.bars), default=0)

    @property
    def total(self) -> int:
        return sum(views for _, views in self.bars)


def init_app(app: Flask) -> None:
    bar.add_link(app, bar.Link("statistics.show", lambda: gettext("Statistics"), order=30))
    bar.add_panel(app, bar.Panel("view_counts/_panel.html", summary, order=30))


@bp.get("")
def show() -> str:
    view_writer().flush()
    session, now = db.session(), clock.now()
    article = _article(session)
    by_month = request.args.get("period") == "months"
    span = last_months(now.date()) if by_month else Span.until(now.date(), POPULAR_DAYS)
    days = reports.daily_views(session, span, article.id if article else None)
    return render_template(
        "view_counts/statistics.html",
        article=article,
        by_month=by_month,
        chart=Chart(monthly(days) if by_month else [(day(each), views) for each, views in days]),
        all_time=reports.all_time(session, article.id if article else None),
        years=reports.years(session, article.id if article else None),
        most_read=[] if article else reports.most_read(session, span, now, LISTED),
        rising=[] if article else reports.rising(session, now.date(), LISTED),
        referrals=reports.referrals(session, span, LISTED, article.id if article else None),
        refusals=[] if article else reports.refusals(session, span),
        reasons=reasons(),
    )


@bp.get("/<any(views, refusals, referrals):what>.csv")
def export(what: str) -> Response:
    """All totals as a CSV file, like `flask views export`."""
    view_writer().flush()
    columns, totals = EXPORTS[what]
    rows = chain([columns], totals(db.session()))
    response = Response(stream_with_context(csv_lines(rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{what}.csv"'
    return response


def summary(session: Session) -> dict[str, Any]:
    """The views of today and of the last POPULAR_DAYS days, for the owner's first page."""
    days = reports.daily_views(session, Span.until(clock.now().date(), POPULAR_DAYS))
    chart = Chart([(day(each), views) for each, views in days])
    return {"today": days[-1][1], "chart": chart}


def last_months(today: date) -> Span:
    """The current month and the MONTHS - 1 months before it, up to today."""
    months = today.year * 12 + today.month - MONTHS
    return Span(date(months // 12, months % 12 + 1, 1), today)


def monthly(days: Iterable[tuple[date, int]]) -> list[tuple[str, int]]:
    """The views of each month, with its name."""
    totals: dict[date, int] = {}
    for each, views in days:
        first = each - timedelta(days=each.day - 1)
        totals[first] = totals.get(first, 0) + views
    return [(month(first), views) for first, views in totals.items()]


def reasons() -> dict[str, str]:
    """Why requests are not counted as views, in the language of the page."""
    return {
        AGAIN: gettext("Read again by the same reader on the same day"),
        BOT: gettext("Programs such as search engines"),
        PRELOAD: gettext("Loaded in advance by a browser, not read"),
        RESTORE: gettext("Shown again with the Back button"),
        FOREIGN: gettext("Not requested by a page of this blog"),
        HEAD: gettext("Requests without content (HEAD)"),
        OBJECTION: gettext("Readers who opted out"),
        OWNER: gettext("Signed-in owners"),
        LIMIT: gettext("Too many new readers from one network within an hour"),
        LOST: gettext("Lost because the database could not be written"),
    }


def csv_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """The rows as lines of CSV (RFC 4180). A value that a spreadsheet would run as a formula is quoted with `'`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for number, row in enumerate(rows):
        writer.writerow([f"'{each}" if isinstance(each, str) and each.startswith(FORMULA) else each for each in row])
        if number % 1000 == 0:
            yield _take(buffer)
    yield _take(buffer)


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _article(session: Session) -> Article | None:
    """The article in the query string, if there is one; drafts included. Raises NotFound."""
    slug = request.args.get("article", "")
    if not slug:
        return None
    query = select(Article).where(Article.slug == slug).options(load_only(Article.slug, Article.lang, Article.title))
    article = session.scalar(query)
    if article is None:
        raise NotFound
    return article
