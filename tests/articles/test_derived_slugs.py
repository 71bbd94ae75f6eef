"""The address that a new article gets from its title."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.db.base import db
from tests.articles.conftest import Form


def slug_of(session: Session, form: Form) -> str | None:
    return session.scalar(select(Article.slug).where(Article.id == form.article_id))


def test_free_slug_is_found_with_one_query(writer: FlaskClient, session: Session, app: Flask) -> None:
    with app.app_context():
        engine = db.engine
    found = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        found.append(statement)

    counts = set()
    for number in (1, 2, 3, 4):
        form = Form(writer)
        event.listen(engine, "before_cursor_execute", note)
        form.send("autosave", True, title="Birds", body="They sing.")
        event.remove(engine, "before_cursor_execute", note)
        assert slug_of(session, form) == ("birds" if number == 1 else f"birds-{number}")
        counts.add(len(found))
        found.clear()
    assert len(counts) == 1


def test_slug_is_found_after_many_articles_with_the_same_title(
    writer: FlaskClient, session: Session, publish_article: Callable[..., object]
) -> None:
    for slug in ("birds", *(f"birds-{number}" for number in range(2, 105))):
        publish_article(slug=slug, title="Birds")
    form = Form(writer)
    form.send("autosave", True, title="Birds", body="They sing.")
    assert slug_of(session, form) == "birds-105"
