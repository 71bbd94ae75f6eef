"""Counting views, and reading the counts. The addition happens in the database, so none is lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.database import insert_for
from blogapp.view_counts.models import DailyViews, ViewCount


def start_count(session: Session, article_id: int, before: int) -> None:
    """Give a new article its count: the views that it had elsewhere."""
    session.execute(
        insert_for(session, ViewCount)
        .values(article_id=article_id, before=before, counted=0)
        .on_conflict_do_nothing(index_elements=["article_id"])
    )


def count_view(session: Session, article_id: int, day: date) -> int:
    """Count one view of the article on `day`; the number of views it then has. A write transaction must be open."""
    total = (
        insert_for(session, ViewCount)
        .values(article_id=article_id, before=0, counted=1)
        .on_conflict_do_update(index_elements=["article_id"], set_={"counted": ViewCount.counted + 1})
        .returning(ViewCount.before + ViewCount.counted)
    )
    today = (
        insert_for(session, DailyViews)
        .values(article_id=article_id, day=day, views=1)
        .on_conflict_do_update(index_elements=["article_id", "day"], set_={"views": DailyViews.views + 1})
    )
    views: int = session.scalars(total).one()
    session.execute(today)
    return views


def views_of(session: Session, article_ids: Iterable[int]) -> dict[int, int]:
    """The number of views of each of the articles, in one query; 0 for one that was never counted."""
    ids = list(article_ids)
    query = select(ViewCount.article_id, ViewCount.before + ViewCount.counted).where(ViewCount.article_id.in_(ids))
    found = dict(session.execute(query).all())
    return {article_id: found.get(article_id, 0) for article_id in ids}
