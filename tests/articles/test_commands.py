"""`flask articles list`, `remove` and `export`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from tests.articles.test_sources import BIRDS, load, write

FULL = """---
title: "Colon: and #hash"
lang: fr
date: 2024-03-01
summary: A short summary
tags: [one, two]
views: 7
---
Text with **bold** words.
"""
DRAFT = "---\ntitle: Not ready\ndraft: true\n---\nA draft about other matters.\n"
DATED_DRAFT = (
    "---\ntitle: For later\ndraft: true\ndate: 2023-05-06\ntags: [later]\n---\nA third text, which is short.\n"
)


def contents(session: Session) -> list[tuple[object, ...]]:
    session.rollback()  # see changes that were committed since
    columns = (
        Article.slug, Article.title, Article.lang, Article.published_at, Article.summary, Article.status,
        Article.body_source, Article.updated_at,
    )  # fmt: skip
    rows = session.execute(select(*columns, Article.tags).order_by(Article.slug))
    return [(*row[:-1], tuple(row[-1])) for row in rows]


def test_list_shows_every_article(runner: FlaskCliRunner, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", FULL), write(tmp_path / "b.md", DRAFT))
    lines = runner.invoke(args=["articles", "list"]).output.splitlines()
    assert "published    2024-03-01  fr  colon-and-hash  Colon: and #hash" in lines
    assert any(line.startswith("draft ") and line.endswith("not-ready  Not ready") for line in lines)


@pytest.mark.settings(SITE_TIME_ZONE="Europe/Paris")
def test_list_shows_the_date_in_the_time_zone_of_the_site(runner: FlaskCliRunner, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", FULL))
    assert "published    2024-03-01  fr  colon-and-hash" in runner.invoke(args=["articles", "list"]).output


def test_remove_deletes_an_article_and_its_comments(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    client.post("/articles/birds/comments", data={"author_name": "Ada", "body": "Yes"})
    done = runner.invoke(args=["articles", "remove", "birds", "--yes"])
    assert (done.exit_code, done.output) == (0, "removed /articles/birds\n")
    assert client.get("/articles/birds").status_code == 404
    assert contents(session) == []


def test_remove_reports_an_unknown_slug_and_removes_nothing(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    done = runner.invoke(args=["articles", "remove", "birds", "unknown", "--yes"])
    assert done.exit_code == 1
    assert "There is no article unknown. Nothing was removed." in done.output
    assert client.get("/articles/birds").status_code == 200


def test_import_of_an_export_changes_nothing_and_restores_removed_articles(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", FULL), write(tmp_path / "c.md", DATED_DRAFT), write(tmp_path / "b.md", DRAFT))
    write(tmp_path / "a.md", FULL.replace("bold", "strong"))
    assert load(runner, str(tmp_path / "a.md"))[1] == "updated /articles/colon-and-hash: text\n"
    before, page = contents(session), client.get("/articles/colon-and-hash").text
    assert runner.invoke(args=["articles", "export", str(tmp_path / "out")]).exit_code == 0
    files = sorted(map(str, (tmp_path / "out").glob("*.md")))
    code, output = load(runner, *files)
    assert (code, output) == (
        0,
        "unchanged /articles/colon-and-hash\nunchanged /articles/for-later\nunchanged /articles/not-ready\n",
    )
    assert contents(session) == before
    removed = runner.invoke(args=["articles", "remove", "colon-and-hash", "for-later", "not-ready", "--yes"])
    assert removed.exit_code == 0, removed.output
    assert contents(session) == []
    assert load(runner, *files)[0] == 0
    after = contents(session)
    assert after[:2] == before[:2]
    assert after[0][3] == datetime(2024, 3, 1, tzinfo=UTC)
    assert after[0][-1] == ("one", "two")
    assert after[1][3] == datetime(2023, 5, 6, tzinfo=UTC)
    # A draft that states no date gets the time of its import.
    assert [value for place, value in enumerate(after[2]) if place != 3] == [
        value for place, value in enumerate(before[2]) if place != 3
    ]
    assert ">7 vues</span>" in page
    assert ">7 vues</span>" in client.get("/articles/colon-and-hash").text
