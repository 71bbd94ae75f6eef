"""Which article an imported file updates, and the address that it gets."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article


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


def test_two_titles_with_one_slug_in_one_run_become_two_articles(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    code, _ = load(runner, write(tmp_path / "a.md", CPP), write(tmp_path / "b.md", CSHARP))
    assert code == 0
    assert dict(session.execute(select(Article.slug, Article.title)).all()) == {"c": "C++", "c-2": "C#"}


def test_two_titles_with_one_slug_in_two_runs_become_two_articles(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    assert load(runner, write(tmp_path / "a.md", CPP))[0] == 0
    code, output = load(runner, write(tmp_path / "b.md", CSHARP))
    assert session.scalars(select(Article.title).where(Article.slug == "c")).all() == ["C++"]
    assert (code, output.splitlines()[-1]) in [(0, "added /articles/c-2"), (1, "Nothing was imported.")]


def test_the_same_file_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    code, output = load(runner, write(tmp_path / "a.md", BIRDS + "\nA second paragraph.\n"))
    assert (code, output) == (0, "updated /articles/birds: text\n")
    assert len(session.scalars(select(Article.id)).all()) == 1


def test_a_file_in_a_moved_folder_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "old" / "a.md", BIRDS))
    (tmp_path / "old").rename(tmp_path / "new")
    assert load(runner, str(tmp_path / "new" / "a.md")) == (0, "unchanged /articles/birds\n")
    assert len(session.scalars(select(Article.id)).all()) == 1


def test_a_renamed_file_updates_its_article(runner: FlaskCliRunner, session: Session, tmp_path: Path) -> None:
    load(runner, write(tmp_path / "a.md", BIRDS))
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    assert load(runner, str(tmp_path / "b.md")) == (0, "unchanged /articles/birds\n")
    assert len(session.scalars(select(Article.id)).all()) == 1
