"""The menu: the pages that the header of every page links to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import PAGE, PUBLISHED, Article
from blogapp.db.base import db
from blogapp.web.errors import DATABASE_FAILED
from blogapp.web.page_cache import limit_max_age

MENU = "blogapp.menu"
Pages = Sequence[Row[str, str, str, str, datetime]]

PAGES_IN_MENU = (
    select(Article.slug, Article.kind, Article.lang, Article.title, Article.published_at)
    .where(Article.kind == PAGE, Article.in_menu.is_(True), Article.status == PUBLISHED)
    .order_by(Article.published_at, Article.id)
)


def init_app(app: Flask) -> None:
    """Make `menu()` available in templates: the slug, kind, language and title of each page, oldest first."""
    app.extensions["last_menu"] = []
    app.jinja_env.globals["menu"] = current_menu


def current_menu() -> Pages:
    """The menu, read once in a request. If the database cannot be read, the one that was read last, so that error pages
    can be shown."""
    if not has_request_context():
        return read_menu(db.session())
    if MENU not in request.environ:
        if DATABASE_FAILED in request.environ:
            last: Pages = current_app.extensions["last_menu"]
            return last
        try:
            request.environ[MENU] = current_app.extensions["last_menu"] = read_menu(db.session())
        except SQLAlchemyError:
            request.environ[DATABASE_FAILED] = True
            raise
    found: Pages = request.environ[MENU]
    return found


def read_menu(session: Session) -> Pages:
    """The menu. The response to the request is cached at most until the next scheduled page appears in it."""
    now = clock.now()
    pages = session.execute(PAGES_IN_MENU).all()
    shown = [page for page in pages if page.published_at <= now]
    if len(shown) < len(pages) and has_request_context():
        limit_max_age((pages[len(shown)].published_at - now).total_seconds())
    return shown
