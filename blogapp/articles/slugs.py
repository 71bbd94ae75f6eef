"""The slug that an article gets in the editor: as the owner types it, else made from the title.

A slug is free if no other article has or had it. One that is made from a title gets a number if it is not free.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.addresses import is_reserved
from blogapp.articles.models import Article, ArticleRedirect
from blogapp.articles.revisions import Content, content_of, content_of_revision, latest_revision
from blogapp.text.i18n import gettext
from blogapp.text.slugs import SLUG_LENGTH, slug_from

CANDIDATES = 100  # numbered slugs that one query looks up
# The slug of an article whose title has no letters: the day on which it was created.
DAY_SLUG = re.compile(r"\d{4}-\d\d-\d\d(-\d+)?")


class FieldRefused(ValueError):
    """The value of a field depends on other articles and cannot be stored. The message is already translated."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class SlugTaken(FieldRefused):
    """Another article has or had the slug, or the site itself uses it."""

    def __init__(self, slug: str, is_page: bool) -> None:
        is_own = is_page and is_reserved(slug)
        sentence = (
            gettext("The site itself uses this address.") if is_own else gettext("Another article has this address.")
        )
        super().__init__("slug", sentence)


def slug_of_new(session: Session, content: Content, now: datetime) -> str:
    """The slug of an article that is created: as typed, else from its title. Raises SlugTaken."""
    if content.slug and _taken(session, [content.slug], None, content.is_page):
        raise SlugTaken(content.slug, content.is_page)
    return content.slug or _derived_slug(session, content, None, now)


def slug_of_edited(session: Session, article: Article, content: Content, now: datetime) -> str:
    """The slug of an article that is saved. It follows the title until the article is public, unless the owner has
    typed one. Raises SlugTaken."""
    slug = _wanted_slug(session, article, content, now)
    # The slug of a revision that is not published yet is not reserved, and an article can become a page.
    if (slug != article.slug or content.is_page) and _taken(session, [slug], article.id, content.is_page):
        raise SlugTaken(slug, content.is_page)
    return slug


def _wanted_slug(session: Session, article: Article, content: Content, now: datetime) -> str:
    latest = latest_revision(session, article.id)
    present = content_of_revision(latest) if latest else content_of(article)
    if content.slug and content.slug != present.slug:
        if _taken(session, [content.slug], article.id, content.is_page):
            raise SlugTaken(content.slug, content.is_page)
        return content.slug
    if article.was_public(now):
        return present.slug
    if content.slug and (content.title == present.title or not _is_derived(present.slug, present.title)):
        return present.slug
    return _derived_slug(session, content, article.id, article.created_at or now)


def _derived_slug(session: Session, content: Content, article_id: int | None, day: datetime) -> str:
    base = slug_from(content.title) or f"{day:%Y-%m-%d}"
    stem = base[: SLUG_LENGTH - 8].rstrip("-")
    for first in count(2, CANDIDATES):
        candidates = [base, *(f"{stem}-{number}" for number in range(first, first + CANDIDATES))]
        taken = _taken(session, candidates, article_id, content.is_page)
        if free := [slug for slug in candidates if slug not in taken]:
            return free[0]
    raise AssertionError  # the numbers never end


def _is_derived(slug: str, title: str) -> bool:
    base = slug_from(title)
    if not base:
        return DAY_SLUG.fullmatch(slug) is not None
    return (
        re.fullmatch(rf"{re.escape(base)}(-\d+)?|{re.escape(base[: SLUG_LENGTH - 8].rstrip('-'))}-\d+", slug)
        is not None
    )


def _taken(session: Session, slugs: list[str], article_id: int | None, is_page: bool) -> set[str]:
    """Those of `slugs` that another article than `article_id` (None: any) has or had."""
    present = select(Article.slug).where(Article.slug.in_(slugs), Article.id != article_id)
    former = select(ArticleRedirect.slug).where(
        ArticleRedirect.slug.in_(slugs), ArticleRedirect.article_id != article_id
    )
    reserved = {slug for slug in slugs if is_page and is_reserved(slug)}
    return reserved.union(session.scalars(present.union_all(former)))
