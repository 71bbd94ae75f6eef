"""The menu: the pages that the header of every page links to, and the page about the author."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import Row, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import PAGE, PUBLISHED, Article
from blogapp.db.base import db
from blogapp.db.query_cache import cached_result
from blogapp.text.i18n import current_locale
from blogapp.web.errors import DATABASE_FAILED
from blogapp.web.page_cache import limit_max_age

MENU = "blogapp.menu"
# The addresses of the page about the author or the blog.
ABOUT = ("about", "a-propos")
# Slug, kind, language, title, date, whether it is in the menu, and the group of translations.
Page = Row[str, str, str, str, datetime, bool, str]

IS_ABOUT = or_(
    Article.slug.in_(ABOUT),
    Article.translation_group.in_(
        select(Article.translation_group).where(Article.slug.in_(ABOUT), Article.translation_group != "")
    ),
)
# Sorted below: to sort them, SQLite would read all published articles in the order of an index.
PAGES = select(
    Article.slug,
    Article.kind,
    Article.lang,
    Article.title,
    Article.published_at,
    Article.in_menu,
    Article.translation_group,
).where(
    Article.kind == PAGE,
    # Of any value, so that SQLite uses the index of pages.
    Article.in_menu.in_((True, False)),
    Article.status == PUBLISHED,
    or_(Article.in_menu.is_(True), IS_ABOUT),
)


def init_app(app: Flask) -> None:
    """Make `menu()` available in templates: the pages to link to, oldest first."""
    app.extensions["last_menu"] = []
    app.jinja_env.globals["menu"] = current_menu


def current_menu() -> list[Page]:
    """The menu of a page in the current language. Of a page with translations it has the one in this language; if there
    is none, the original."""
    groups: dict[str, list[Page]] = {}
    for page in _current_pages():
        if page.in_menu:
            groups.setdefault(page.translation_group or page.slug, []).append(page)
    return [_in_language(pages, current_locale(), group) for group, pages in groups.items()]


def about_page() -> Page | None:
    """The page about the author, in the current language if there is one."""
    pages = _current_pages()
    groups = {page.translation_group or page.slug for page in pages if page.slug in ABOUT}
    found = [page for page in pages if (page.translation_group or page.slug) in groups]
    return _in_language(found, current_locale()) if found else None


def _in_language(pages: Sequence[Page], lang: str, original: str = "") -> Page:
    def preference(page: Page) -> tuple[bool, bool]:
        return page.lang != lang, page.slug != original

    return min(pages, key=preference)


def _current_pages() -> Sequence[Page]:
    """The pages, read once in a request. If the database cannot be read, those that were read last, so that error pages
    can be shown."""
    if not has_request_context():
        return read_pages(db.session())
    if MENU not in request.environ:
        if DATABASE_FAILED in request.environ:
            last: Sequence[Page] = current_app.extensions["last_menu"]
            return last
        try:
            request.environ[MENU] = current_app.extensions["last_menu"] = read_pages(db.session())
        except SQLAlchemyError:
            request.environ[DATABASE_FAILED] = True
            raise
    found: Sequence[Page] = request.environ[MENU]
    return found


def read_pages(session: Session) -> Sequence[Page]:
    """The pages of the menu and the page about the author, oldest first. The response to the request is cached at most
    until the next scheduled one appears."""
    now = clock.now()
    pages = cached_result(session, "menu", lambda: _sorted_pages(session))
    shown = [page for page in pages if page.published_at <= now]
    if len(shown) < len(pages) and has_request_context():
        limit_max_age((pages[len(shown)].published_at - now).total_seconds())
    return shown


def _sorted_pages(session: Session) -> Sequence[Page]:
    return sorted(session.connection().execute(PAGES), key=lambda page: (page.published_at, page.slug))
