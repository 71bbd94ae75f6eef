"""Which article an imported file updates, and the slug of a new article."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import Connection, event, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.db.base import db


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def load(runner: FlaskCliRunner, *paths: str) -> tuple[int, str]:
    done = runner.invoke(args=["articles", "import", *paths])
    return done.exit_code, done.output


CPP = "---\ntitle: C++\n---\nTemplates are written about in this text.\n"
CSHARP = "---\ntitle: C#\n---\nDelegates and events, nothing else at all.\n"
BIRDS = "---\ntitle: Birds\n---\nThey sing all day long in the trees.\n"


def test_two_files_with_the_same_derived_slug_in_one_import_become_two_articles(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    code, _ = load(runner, write(tmp_path / "a.md", CPP), write(tmp_path / "b.md", CSHARP))
    assert code == 0
    assert dict(session.execute(select(Article.slug, Article.title)).all()) == {"c": "C++", "c-2": "C#"}


def test_two_files_with_the_same_derived_slug_in_two_imports_become_two_articles(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    assert load(runner, write(tmp_path / "a.md", CPP))[0] == 0
    code, output = load(runner, write(tmp_path / "b.md", CSHARP))
    assert session.scalars(select(Article.title).where(Article.slug == "c")).all() == ["C++"]
    assert (code, output.splitlines()[-1]) in [(0, "added /articles/c-2"), (1, "Nothing was imported.")]


def test_two_files_with_the_same_title_become_two_articles(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    """The files have no slug and are imported separately. Importing the first one again updates its own article."""
    first = write(tmp_path / "monday.md", "---\ntitle: Week notes\n---\nThe first week was about birds and trees.\n")
    second = write(tmp_path / "friday.md", "---\ntitle: Week notes\n---\nNothing but rain and a good long novel.\n")
    assert load(runner, first) == (0, "added /articles/week-notes\n")
    assert load(runner, second) == (0, "added /articles/week-notes-2\n")
    assert load(runner, first, second) == (0, "unchanged /articles/week-notes\nunchanged /articles/week-notes-2\n")
    texts = dict(session.execute(select(Article.slug, Article.body_source)).all())
    assert "birds" in texts["week-notes"]
    assert "rain" in texts["week-notes-2"]


def test_same_file_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    code, output = load(runner, write(tmp_path / "a.md", BIRDS + "\nA second paragraph.\n"))
    assert (code, output) == (0, "updated /articles/birds: text\n")
    assert len(session.scalars(select(Article.id)).all()) == 1


def test_file_in_a_moved_folder_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "old" / "a.md", BIRDS))
    (tmp_path / "old").rename(tmp_path / "new")
    assert load(runner, str(tmp_path / "new" / "a.md")) == (0, "unchanged /articles/birds\n")
    assert len(session.scalars(select(Article.id)).all()) == 1


def test_renamed_file_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    assert load(runner, str(tmp_path / "b.md")) == (0, "unchanged /articles/birds\n")
    assert len(session.scalars(select(Article.id)).all()) == 1


def test_renamed_file_with_a_new_title_and_the_same_text_updates_its_article(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS), write(tmp_path / "c.md", CPP))
    (tmp_path / "a.md").unlink()
    renamed = write(tmp_path / "b.md", BIRDS.replace("title: Birds", "title: Songs"))
    assert load(runner, renamed) == (0, "updated /articles/songs: slug, title\n")
    assert len(session.scalars(select(Article.id)).all()) == 2


def test_very_short_text_is_not_taken_for_a_renamed_file(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    load(runner, write(tmp_path / "a.md", "---\ntitle: Birds\n---\nx\n"))
    (tmp_path / "a.md").unlink()
    other = write(tmp_path / "b.md", "---\ntitle: Trees\n---\nx\n")
    assert load(runner, other) == (0, "added /articles/trees\n")
    renamed = write(tmp_path / "c.md", "---\ntitle: Birds\n---\nx\n")
    assert load(runner, renamed) == (0, "unchanged /articles/birds\n")
    assert len(session.scalars(select(Article.id)).all()) == 2


def test_import_whose_commit_fails_reports_no_articles(
    runner: FlaskCliRunner, app: Flask, session: Session, tmp_path: Path
) -> None:
    def fail(connection: Connection) -> None:
        if "writer" in connection.get_execution_options():
            raise OSError("the disk is full")

    path = write(tmp_path / "a.md", BIRDS)
    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", fail)
    failed = runner.invoke(args=["articles", "import", path])
    event.remove(engine, "commit", fail)
    assert str(failed.exception) == "the disk is full"
    assert failed.output == ""
    assert session.scalars(select(Article.id)).all() == []


def test_import_loads_no_texts_of_other_articles(
    app: Flask, runner: FlaskCliRunner, publish_article: Callable[..., Article], tmp_path: Path
) -> None:
    for number in range(30):
        publish_article(slug=f"a{number}", title=f"Title {number}", body="x" * (100 + number))
    with app.app_context():
        engine = db.engine
    texts = 0

    def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
        nonlocal texts
        texts += statement.startswith("SELECT") and bool(re.search(r"(?<!\()articles\.body_", statement))

    path = write(tmp_path / "a.md", BIRDS)
    event.listen(engine, "before_cursor_execute", count)
    assert load(runner, path) == (0, "added /articles/birds\n")
    assert texts == 1  # the lookup of an article with this slug
    assert load(runner, path)[1] == "unchanged /articles/birds\n"
    event.remove(engine, "before_cursor_execute", count)
    assert texts == 2  # the article of this file


def test_importing_an_exported_file_changes_nothing(
    runner: FlaskCliRunner, client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    original = write(tmp_path / "a.md", BIRDS)
    load(runner, original)
    client.post("/articles/birds/views")
    assert runner.invoke(args=["articles", "export", str(tmp_path / "out")]).exit_code == 0
    assert load(runner, str(tmp_path / "out" / "birds.md")) == (0, "unchanged /articles/birds\n")
    assert session.execute(select(Article.slug, Article.source)).all() == [("birds", original)]
    assert ">1 view</span>" in client.get("/articles/birds").text
    assert load(runner, write(tmp_path / "a.md", BIRDS.replace("sing", "call")))[1] == "updated /articles/birds: text\n"
