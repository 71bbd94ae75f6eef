"""The menu: the pages that the header of every page links to."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import Row, bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import PAGE, PUBLISHED, Article
from blogapp.db.base import db
from blogapp.web.errors import DATABASE_FAILED

MENU = "blogapp.menu"
Pages = Sequence[Row[str, str, str, str]]

PAGES_IN_MENU = (
    select(Article.slug, Article.kind, Article.lang, Article.title)
    .where(
        Article.kind == PAGE,
        Article.in_menu.is_(True),
        Article.status == PUBLISHED,
        Article.published_at <= bindparam("now"),
    )
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
    return session.execute(PAGES_IN_MENU, {"now": clock.now()}).all()
