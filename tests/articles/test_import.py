"""`flask articles import`: what comes in, what stays, and what is wrong with a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article

Write = Callable[[str, str | bytes], str]

GOOD = """---
title: "Les oiseaux : une écoute"
slug: oiseaux
lang: fr
views: 4
---

Un premier paragraphe, avec une question : entendez-vous ?

Un deuxième.
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def load(runner: FlaskCliRunner, *arguments: str) -> tuple[int, str]:
    done = runner.invoke(args=["articles", "import", *arguments])
    return done.exit_code, done.output


def test_an_article_is_served_as_it_was_written(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    assert load(runner, write("a.md", GOOD)) == (0, "added /articles/oiseaux\n")
    page = client.get("/articles/oiseaux").text
    assert '<html lang="fr" dir="ltr">' in page
    assert "<h1>Les oiseaux\u00a0: une écoute</h1>" in page
    assert "<title>Les oiseaux : une écoute" in page
    assert page.count("<p>Un ") == 2
    assert ">4 vues</span>" in page
    assert ">0 commentaire</span>" in page
    assert 'href="#top"' in page
    assert 'href="#bottom"' in page
    assert 'id="top"' in page
    assert 'id="bottom"' in page


def test_the_same_file_again_changes_nothing(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    path = write("a.md", GOOD)
    load(runner, path)
    client.post("/articles/oiseaux/views")
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Oui"})
    before = client.get("/articles/oiseaux").text
    assert load(runner, path) == (0, "unchanged /articles/oiseaux\n")
    assert client.get("/articles/oiseaux").text == before
    assert ">5 vues</span>" in before


def test_what_changed_in_the_file_changes_and_never_a_count_or_a_comment(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    load(runner, write("a.md", GOOD))
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Oui"})
    changed = GOOD.replace("deuxième", "troisième").replace("views: 4", "views: 9000")
    assert load(runner, write("a.md", changed)) == (0, "updated /articles/oiseaux: body_source\n")
    page = client.get("/articles/oiseaux").text
    assert "Un troisième." in page
    assert ">4 vues</span>" in page
    assert ">1 commentaire</span>" in page


def test_a_dry_run_says_what_would_happen(runner: FlaskCliRunner, session: Session, write: Write) -> None:
    path = write("a.md", GOOD)
    assert load(runner, "--dry-run", path) == (0, "would add /articles/oiseaux\n")
    assert session.scalar(select(func.count()).select_from(Article)) == 0
    load(runner, path)
    assert load(runner, "--dry-run", write("a.md", GOOD.replace("premier", "1er"))) == (
        0,
        "would update /articles/oiseaux: body_source\n",
    )


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("Only text.\n", 1, "there is no title"),
        ("---\nlang: fr\n---\nText\n", 1, "there is no title"),
        ("---\nlang: fr\ntitle: ' '\n---\nText\n", 3, "there is no title"),
        ("---\ntitle: 2026\n---\nText\n", 2, "the title must be text"),
        ("---\ntitle: a\n", 1, "the front matter has no end"),
        ("---\ntitle: a\nslug: [\n---\nText\n", 3, "not YAML"),
        ("---\ntitle: a: b\n---\nText\n", 2, "not YAML"),
        ("---\n- a\n---\nText\n", 2, "lines of `key: value`"),
        ("---\ntitle: a\ntitle: b\n---\nText\n", 3, "given twice"),
        ("---\ntitle: a\ndate: 2026-13-45\n---\nText\n", 3, "`date` cannot be read"),
        ("---\ntitle: a\ndate: soon\n---\nText\n", 3, "the date must be written as"),
        ("---\ntitle: a\nlang: xx\n---\nText\n", 3, "the language must be one of"),
        ("---\ntitle: a\nslug: A B\n---\nText\n", 3, "the slug must be"),
        ("---\ntitle: 李\n---\nText\n", 2, "the slug must be"),
        ("---\ntitle: a\nviews: -1\n---\nText\n", 3, "views must be a whole number"),
        ("---\ntitle: a\nviews: many\n---\nText\n", 3, "views must be a whole number"),
        ("---\ntitle: a\ndraft: maybe\n---\nText\n", 3, "draft must be true or false"),
        ("---\ntitle: a\ntags: {a: b}\n---\nText\n", 3, "tags must be a list"),
        ("---\ntitle: a\n---\n\n \n", 4, "there is no text"),
        (b"---\ntitle: a\n---\nText \xe9\n", 4, "this is not UTF-8"),
        ("---\ntitle: a\n---\nText\0\n", 4, "zero byte"),
        ("---\ntitle: a\x01\n---\nText\n", 2, "a character here that YAML does not allow"),
        ("", 1, "there is no title"),
    ],
)
def test_a_broken_file_gets_a_sentence_with_its_line(
    runner: FlaskCliRunner, session: Session, write: Write, content: str | bytes, line: int, sentence: str
) -> None:
    good, bad = write("good.md", GOOD), write("bad.md", content)
    status, output = load(runner, good, bad)
    assert status == 1
    assert f"{bad}:{line}: " in output
    assert sentence in output
    assert "Nothing was imported." in output
    assert session.scalar(select(func.count()).select_from(Article)) == 0


def test_a_directory_and_a_missing_file(runner: FlaskCliRunner, tmp_path: Path) -> None:
    status, output = load(runner, str(tmp_path), str(tmp_path / "none.md"))
    assert status == 1
    assert f"{tmp_path}:1: this is a directory" in output
    assert f"{tmp_path / 'none.md'}:1: there is no such file" in output


def test_a_slug_of_another_language_or_file_is_taken(runner: FlaskCliRunner, write: Write) -> None:
    first, second = write("a.md", GOOD), write("b.md", GOOD)
    status, output = load(runner, first, second)
    assert status == 1
    assert f"{second}:3: the slug `oiseaux` is taken by {first}" in output
    load(runner, first)
    status, output = load(runner, write("c.md", GOOD.replace("lang: fr", "lang: en")))
    assert status == 1
    assert "is taken by an article in another language (fr)" in output


def test_files_from_other_tools(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    text = b"\xef\xbb\xbf" + GOOD.replace("slug: oiseaux", "layout: wide").replace("\n", "\r\n").encode()
    status, output = load(runner, write("a.md", text))
    assert (status, output) == (0, "added /articles/les-oiseaux-une-ecoute\n  ignored: layout\n")
    assert client.get("/articles/les-oiseaux-une-ecoute").status_code == 200


def test_a_draft_and_a_date_to_come_are_not_shown(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    draft = GOOD.replace("lang: fr", "lang: fr\ndraft: true")
    load(runner, write("a.md", draft), write("b.md", GOOD.replace("slug: oiseaux", "slug: demain\ndate: 2999-01-01")))
    assert client.get("/articles/oiseaux").status_code == 404
    assert client.get("/articles/demain").status_code == 404
    assert "oiseaux" not in client.get("/").text
    assert client.post("/articles/oiseaux/views").status_code == 404
