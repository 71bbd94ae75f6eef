"""`make serve` upgrades the database only if that is necessary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.migrate import alembic
from blogapp.db.schema import BEHIND, CURRENT, schema_state
from blogapp.db.transactions import write_transaction
from blogapp.pages import serve
from blogapp.text import markup
from tests.conftest import SECRET_KEY

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]


@pytest.fixture
def environ(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the application for `flask db upgrade`, which runs in another process."""
    for name, value in {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environ")
def test_outdated_html_is_rendered_before_serving(
    app: Flask, session: Session, publish_article: Publish, post: Post
) -> None:
    publish_article()
    post("birds")
    models: tuple[type[Article] | type[Comment], ...] = (Article, Comment)
    with app.app_context(), write_transaction() as writer:
        for model in models:
            writer.execute(update(model).values(body_html="outdated", renderer_version=0))
    serve.upgrade_if_needed(app)
    for model in models:
        current = select(func.count()).where(model.renderer_version == markup.RENDERER_VERSION)
        assert session.scalar(current.where(model.body_html != "outdated")) == 1


@pytest.mark.usefixtures("environ")
def test_older_schema_is_migrated_before_serving(app: Flask) -> None:
    with app.app_context():
        alembic.downgrade("base")
        assert schema_state() == BEHIND
    serve.upgrade_if_needed(app)
    with app.app_context():
        assert schema_state() == CURRENT


@pytest.mark.parametrize("outdated", [Article, Comment])
def test_no_command_runs_if_the_database_is_current(
    app: Flask,
    publish_article: Publish,
    post: Post,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outdated: type[Article] | type[Comment],
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setattr(serve, "UPGRADE", ["touch", str(ran)])
    publish_article()
    post("birds")
    serve.upgrade_if_needed(app)
    assert not ran.exists()
    with app.app_context(), write_transaction() as writer:
        writer.execute(update(outdated).values(renderer_version=0))
    serve.upgrade_if_needed(app)
    assert ran.exists()
