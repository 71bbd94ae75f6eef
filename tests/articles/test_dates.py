"""The publication date of an imported article."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from tests.articles.test_sources import load, write

TEXT = "Text of a draft that is published later.\n"


def test_draft_gets_the_date_of_its_first_publication(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", f"---\ntitle: Later\ndraft: true\n---\n{TEXT}"))
    assert session.scalars(select(Article.first_published_at)).one() is None
    start = clock.now().replace(microsecond=0)
    assert load(runner, write(tmp_path / "a.md", f"---\ntitle: Later\n---\n{TEXT}"))[0] == 0
    published = session.scalars(select(Article.published_at)).one()
    assert start <= published <= clock.now()
    load(runner, write(tmp_path / "a.md", f"---\ntitle: Later\n---\n{TEXT}More.\n"))
    assert session.scalars(select(Article.published_at)).one() == published


def test_date_in_the_file_takes_precedence(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", f"---\ntitle: Later\ndraft: true\n---\n{TEXT}"))
    load(runner, write(tmp_path / "a.md", f"---\ntitle: Later\ndate: 2024-03-01\n---\n{TEXT}"))
    assert session.scalars(select(Article.published_at)).one() == datetime(2024, 3, 1, tzinfo=UTC)
