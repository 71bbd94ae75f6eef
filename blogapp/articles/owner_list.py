"""The owner's list of articles: by state, with counts, search and pages."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, load_only

from blogapp.articles.models import DELETED, DRAFT, PAGE, PUBLIC, PUBLISHED, UNLISTED, UNPUBLISHED, Article
from blogapp.text.slugs import slug_from
from blogapp.values import frozen

ALL, SCHEDULED, PAGES = "all", "scheduled", "pages"
STATES = (ALL, DRAFT, SCHEDULED, PUBLISHED, UNLISTED, UNPUBLISHED, PAGES, DELETED)
# States whose articles are sorted by their date of publication; the others are sorted by their last change.
BY_DATE = (SCHEDULED, PUBLISHED, UNLISTED)
ARTICLES_PER_PAGE = 50
WORDS_AT_MOST = 8
COLUMNS = (
    Article.id, Article.slug, Article.lang, Article.title, Article.status, Article.published_at,
    Article.first_published_at, Article.edited_at, Article.deleted_at, Article.kind,
)  # fmt: skip


@frozen
class OwnerList:
    """A page of articles; `before` is the cursor of the next page, None on the last page."""

    articles: list[Article]
    before: int | None


def state_of(article: Article, now: datetime) -> str:
    return SCHEDULED if article.is_public and article.published_at > now else article.status


def count_states(session: Session, now: datetime) -> dict[str, int]:
    """The number of articles in each state."""
    rows = session.execute(select(Article.status, func.count()).group_by(Article.status)).all()
    counts = dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in rows}
    future = select(Article.status, func.count()).where(Article.status.in_(PUBLIC), Article.published_at > now)
    for status, number in session.execute(future.group_by(Article.status)).all():
        counts[status] -= number
        counts[SCHEDULED] += number
    counts[ALL] = sum(number for state, number in counts.items() if state not in {ALL, DELETED})
    pages = select(func.count()).where(Article.kind == PAGE, Article.status != DELETED)
    counts[PAGES] = session.scalar(pages) or 0
    return counts


def list_for_owner(
    session: Session, now: datetime, state: str, words: str = "", before: int | None = None
) -> OwnerList:
    """A page of the articles in `state` whose title or slug has all of `words`; `before` is the id of the last article
    on the previous page."""
    order = (Article.published_at, Article.id) if state in BY_DATE else (Article.edited_at, Article.id)
    query = (
        select(Article)
        .options(load_only(*COLUMNS))
        .where(_in_state(state, now), *(_has(word) for word in words.split()[:WORDS_AT_MOST]))
        .order_by(*(column.desc() for column in order))
        .limit(ARTICLES_PER_PAGE + 1)
    )
    if before is not None:
        cursor = select(*order).where(Article.id == before).scalar_subquery()
        query = query.where(tuple_(*order) < cursor)
    found = list(session.scalars(query))
    articles = found[:ARTICLES_PER_PAGE]
    return OwnerList(articles, articles[-1].id if len(found) > ARTICLES_PER_PAGE else None)


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    if state == ALL:
        return Article.status != DELETED
    if state == PAGES:
        return and_(Article.kind == PAGE, Article.status != DELETED)
    if state == SCHEDULED:
        return and_(Article.status.in_(PUBLIC), Article.published_at > now)
    if state in PUBLIC:
        return and_(Article.status == state, Article.published_at <= now)
    return Article.status == state


def _has(word: str) -> ColumnElement[bool]:
    """The slug has the letters of most titles without accents, so `ete` finds "L'été"."""
    in_title = Article.title.icontains(word, autoescape=True)
    plain = slug_from(word)
    return or_(in_title, Article.slug.contains(plain, autoescape=True)) if plain else in_title
