"""`flask articles list`, `remove` and `export`."""

from __future__ import annotations

from pathlib import Path

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


def contents(session: Session) -> list[tuple[object, ...]]:
    session.rollback()  # see what was committed since
    columns = (
        Article.slug, Article.title, Article.lang, Article.published_at, Article.summary, Article.draft,
        Article.body_source,
    )  # fmt: skip
    return [tuple(row) for row in session.execute(select(*columns).order_by(Article.slug))]


def test_list_names_each_article(runner: FlaskCliRunner, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", FULL), write(tmp_path / "b.md", DRAFT))
    lines = runner.invoke(args=["articles", "list"]).output.splitlines()
    assert "published  2024-03-01  fr  colon-and-hash  Colon: and #hash" in lines
    assert any(line.startswith("draft ") and line.endswith("not-ready  Not ready") for line in lines)


def test_remove_deletes_an_article_and_its_comments(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    client.post("/articles/birds/comments", data={"author_name": "Ada", "body": "Yes"})
    done = runner.invoke(args=["articles", "remove", "birds", "--yes"])
    assert (done.exit_code, done.output) == (0, "removed /articles/birds\n")
    assert client.get("/articles/birds").status_code == 404
    assert contents(session) == []


def test_remove_names_an_unknown_slug_and_removes_nothing(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    done = runner.invoke(args=["articles", "remove", "birds", "unknown", "--yes"])
    assert done.exit_code == 1
    assert "There is no article unknown. Nothing was removed." in done.output
    assert client.get("/articles/birds").status_code == 200


def test_an_export_is_unchanged_here_and_restores_an_empty_site(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", FULL), write(tmp_path / "b.md", DRAFT))
    before, page = contents(session), client.get("/articles/colon-and-hash").text
    assert runner.invoke(args=["articles", "export", str(tmp_path / "out")]).exit_code == 0
    files = sorted(map(str, (tmp_path / "out").glob("*.md")))
    code, output = load(runner, *files)
    assert (code, output) == (0, "unchanged /articles/colon-and-hash\nunchanged /articles/not-ready\n")
    removed = runner.invoke(args=["articles", "remove", "colon-and-hash", "not-ready", "--yes"])
    assert removed.exit_code == 0, removed.output
    assert contents(session) == []
    assert load(runner, *files)[0] == 0
    for old, new in zip(before, contents(session), strict=True):
        assert old == new or (old[5] and old[:3] + old[4:] == new[:3] + new[4:])  # a draft has no date yet
    assert ">7 vues</span>" in page
    assert ">7 vues</span>" in client.get("/articles/colon-and-hash").text
