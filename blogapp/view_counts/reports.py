"""Queries for statistics: for the front page, the command line and the export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, listed
from blogapp.values import frozen
from blogapp.view_counts.models import (
    DailyReferrals,
    DailyRefusals,
    DailyViews,
    ViewCount,
    YearlyRefusals,
    YearlyViews,
)

POPULAR_DAYS = 30
RISING_DAYS = 7


@frozen
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> Span:
        return cls(last - timedelta(days=days - 1), last)

    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


@frozen
class ReadArticle:
    """An article in a list of the most read ones, with its views in the list's span of days. `earlier` are its views in
    the preceding span of the same length, if requested."""

    slug: str
    lang: str
    title: str
    views: int
    earlier: int = 0


def popular(session: Session, now: datetime, limit: int = 5, lang: str | None = None) -> list[ReadArticle]:
    """Return the most read published articles of the last POPULAR_DAYS days, in one query."""
    return most_read(session, Span.until(now.date(), POPULAR_DAYS), now, limit, lang)


def most_read(session: Session, span: Span, now: datetime, limit: int, lang: str | None = None) -> list[ReadArticle]:
    """Return published articles that have views in `span`, sorted by views, most first; with `lang`, those in this
    language; one query."""
    views = func.sum(DailyViews.views)
    totals = (
        select(DailyViews.article_id, views.label("views"))
        .where(DailyViews.day.between(span.first, span.last))
        .group_by(DailyViews.article_id)
        .subquery()
    )
    query = (
        select(Article.slug, Article.lang, Article.title, totals.c.views)
        .join(totals, totals.c.article_id == Article.id)
        .where(listed(now), *([Article.lang == lang] if lang else []))
        .order_by(totals.c.views.desc(), Article.published_at.desc(), Article.id.desc())
        .limit(limit)
    )
    return [ReadArticle(slug, lang, title, int(number)) for slug, lang, title, number in session.execute(query)]


def rising(session: Session, today: date, limit: int) -> list[ReadArticle]:
    """Return the articles that gained most views in the last RISING_DAYS days over the same number of days before; one
    query."""
    now, before = Span.until(today, RISING_DAYS), Span.until(today - timedelta(days=RISING_DAYS), RISING_DAYS)
    views = func.sum(case((DailyViews.day >= now.first, DailyViews.views), else_=0))
    earlier = func.sum(case((DailyViews.day < now.first, DailyViews.views), else_=0))
    query = (
        select(Article.slug, Article.lang, Article.title, views, earlier)
        .join(DailyViews, DailyViews.article_id == Article.id)
        .where(DailyViews.day.between(before.first, now.last))
        .group_by(Article.id)
        .having(views > earlier)
        .order_by((views - earlier).desc(), Article.id.desc())
        .limit(limit)
    )
    return [
        ReadArticle(slug, lang, title, int(number), int(old))
        for slug, lang, title, number, old in session.execute(query)
    ]


def daily_views(session: Session, span: Span, article_id: int | None = None) -> list[tuple[date, int]]:
    """Return the views of each day of `span`, 0 included, of one article or of all; one query."""
    query = (
        select(DailyViews.day, func.sum(DailyViews.views))
        # A list of days, because the primary key begins with the day: each of an article's rows is found by its key.
        .where(DailyViews.day.in_(span.days()) if article_id else DailyViews.day.between(span.first, span.last))
        .group_by(DailyViews.day)
    )
    if article_id is not None:
        query = query.where(DailyViews.article_id == article_id)
    found = {day: int(views) for day, views in session.execute(query)}
    return [(day, found.get(day, 0)) for day in span.days()]


def refusals(session: Session, span: Span) -> list[tuple[str, int]]:
    """Return how many requests were not counted in `span`, by reason, most first; one query."""
    views = func.sum(DailyRefusals.views)
    query = (
        select(DailyRefusals.reason, views)
        .where(DailyRefusals.day.between(span.first, span.last))
        .group_by(DailyRefusals.reason)
        .order_by(views.desc(), DailyRefusals.reason)
    )
    return [(reason, int(number)) for reason, number in session.execute(query)]


def referrals(session: Session, span: Span, limit: int, article_id: int | None = None) -> list[tuple[str, int]]:
    """Return the hosts that views in `span` came from, most first; "" stands for all hosts that were not stored by
    name. One query."""
    views = func.sum(DailyReferrals.views)
    query = (
        select(DailyReferrals.host, views)
        .where(DailyReferrals.day.between(span.first, span.last))
        .group_by(DailyReferrals.host)
        .order_by(views.desc(), DailyReferrals.host)
        .limit(limit)
    )
    if article_id is not None:
        query = query.where(DailyReferrals.article_id == article_id)
    return [(host, int(number)) for host, number in session.execute(query)]


def all_time(session: Session, article_id: int | None = None) -> tuple[int, int]:
    """Return the imported and the counted views, of one article or of all; one query."""
    query = select(func.coalesce(func.sum(ViewCount.before), 0), func.coalesce(func.sum(ViewCount.counted), 0))
    if article_id is not None:
        query = query.where(ViewCount.article_id == article_id)
    before, counted = session.execute(query).one()
    return int(before), int(counted)


def totals(session: Session, today: date) -> dict[str, float]:
    """The views of all time, counted and imported, and what was not counted today, by reason; two queries."""
    imported, counted = all_time(session)
    refused = {f"not counted today: {reason}": number for reason, number in refusals(session, Span(today, today))}
    return {"counted": counted, "imported": imported, **refused}


def years(session: Session, article_id: int | None = None) -> list[tuple[int, int, int]]:
    """Return the years whose days are no longer kept separately, each with its views (of one article or of all) and
    the number of requests of the whole blog that were not counted; two queries."""
    query = select(YearlyViews.year, func.sum(YearlyViews.views)).group_by(YearlyViews.year)
    if article_id is not None:
        query = query.where(YearlyViews.article_id == article_id)
    views = {year: int(number) for year, number in session.execute(query)}
    refused = {
        year: int(number)
        for year, number in session.execute(
            select(YearlyRefusals.year, func.sum(YearlyRefusals.views)).group_by(YearlyRefusals.year)
        )
    }
    return [(year, views.get(year, 0), refused.get(year, 0)) for year in sorted(views.keys() | refused.keys())]


def every_total(session: Session) -> Iterator[tuple[str, str, int]]:
    """Yield every total of views: the article's slug, the period (`before`, a year, a day), the views. The totals of an
    article add up to the number on its page."""
    before = (
        select(Article.slug, literal("before"), ViewCount.before)
        .join(ViewCount, ViewCount.article_id == Article.id)
        .where(ViewCount.before > 0)
        .order_by(Article.slug)
    )
    yearly = (
        select(Article.slug, YearlyViews.year, YearlyViews.views)
        .join(YearlyViews, YearlyViews.article_id == Article.id)
        .order_by(YearlyViews.year, Article.slug)
    )
    daily = (
        select(Article.slug, DailyViews.day, DailyViews.views)
        .join(DailyViews, DailyViews.article_id == Article.id)
        .order_by(DailyViews.day, Article.slug)
    )
    for query in (before, yearly, daily):
        for slug, period, views in session.execute(query.execution_options(yield_per=1000)):
            yield slug, str(period), int(views)


def every_refusal(session: Session) -> Iterator[tuple[str, str, int]]:
    """Yield every total of requests that were not counted: the reason, the period (a year, a day), the number."""
    yearly = select(YearlyRefusals.reason, YearlyRefusals.year, YearlyRefusals.views).order_by(
        YearlyRefusals.year, YearlyRefusals.reason
    )
    daily = select(DailyRefusals.reason, DailyRefusals.day, DailyRefusals.views).order_by(
        DailyRefusals.day, DailyRefusals.reason
    )
    for query in (yearly, daily):
        for reason, period, number in session.execute(query.execution_options(yield_per=1000)):
            yield reason, str(period), int(number)


def every_referral(session: Session) -> Iterator[tuple[str, str, str, int]]:
    """Yield every total of referrals: the host ("" for those not stored by name), the article's slug, the day, the
    views."""
    query = (
        select(DailyReferrals.host, Article.slug, DailyReferrals.day, DailyReferrals.views)
        .join(DailyReferrals, DailyReferrals.article_id == Article.id)
        .order_by(DailyReferrals.day, DailyReferrals.host, Article.slug)
    )
    for host, slug, day, views in session.execute(query.execution_options(yield_per=1000)):
        yield host, slug, str(day), int(views)


# The columns of each export and the function that yields its rows.
EXPORTS: dict[str, tuple[tuple[str, ...], Callable[[Session], Iterable[tuple[Any, ...]]]]] = {
    "views": (("article", "period", "views"), every_total),
    "refusals": (("reason", "period", "number"), every_refusal),
    "referrals": (("host", "article", "day", "views"), every_referral),
}
