"""The history of an article: what was saved, by whom, what changed, and how to get it back."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles import revisions as history
from blogapp.articles.models import Article, ArticleRevision
from blogapp.articles.revisions import Piece, compare
from tests.articles.conftest import NAME, NOW, OTHER_NAME, Form, signed_in

SetClock = Callable[[datetime], None]


def revisions(session: Session) -> list[ArticleRevision]:
    session.expire_all()
    return list(session.scalars(select(ArticleRevision).order_by(ArticleRevision.id)))


def test_differences_are_found_by_words() -> None:
    assert compare("The birds sing. ", "The owls sing. Loud.") == [
        Piece("same", "The "),
        Piece("removed", "birds"),
        Piece("added", "owls"),
        Piece("same", " sing. "),
        Piece("added", "Loud."),
    ]
    assert compare("été\n", "été\n") == [Piece("same", "été\n")]
    assert compare("", "new") == [Piece("added", "new")]


def test_unchanged_text_far_from_a_change_is_left_out() -> None:
    text = " ".join(f"word{number}" for number in range(500))
    kinds = [piece.kind for piece in compare(text, f"{text} end")]
    assert kinds == ["gap", "same", "added"]
    assert compare(text, text) == [Piece("gap", "")]


def test_long_texts_are_compared_by_lines() -> None:
    lines = [f"line {number} of a long text\n" for number in range(6_000)]
    pieces = compare("".join(lines), "".join([*lines[:3_000], "A new line\n", *lines[3_001:]]))
    assert [piece for piece in pieces if piece.kind in {"added", "removed"}] == [
        Piece("removed", "line 3000 of a long text\n"),
        Piece("added", "A new line\n"),
    ]


def test_history_says_who_saved_what_and_escapes_it(writer: FlaskClient, app: Flask, session: Session) -> None:
    form = Form(writer)
    form.send("save", title="Birds", body="They sing <b>loud</b>.")
    other = Form(signed_in(app, OTHER_NAME), form.address)
    other.send("publish", title="<i>Owls</i>", body="They sing <u>low</u>.")
    first, second = revisions(session)
    page = html.unescape(writer.get(f"/owner/articles/{form.article_id}/revisions").text)
    assert page.index(f">{OTHER_NAME}<") < page.index(f"<bdi>{NAME}</bdi></span>\n")
    page = writer.get(f"/owner/articles/{form.article_id}/revisions/{second.id}").text
    assert "<b>loud" not in page
    assert "<u>low" not in page
    assert "<i>Owls" not in page
    assert "<del>b</del>" in page
    assert "<ins>u</ins>" in page
    assert re.search(r"<del>Birds</del> <ins>&lt;i&gt;Owls", page)
    assert "Restore this text" not in page
    assert "Restore this text" in writer.get(f"/owner/articles/{form.article_id}/revisions/{first.id}").text


def test_older_text_is_restored_as_a_new_revision(writer: FlaskClient, client: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.", tags="a", summary="Old")
    form.send("publish", title="Owls", body="They hoot.", slug="owls")
    first = revisions(session)[0]
    answer = writer.post(f"/owner/articles/{form.article_id}/revisions/{first.id}/restoration")
    page = writer.get(answer.location).text
    assert "They sing." in page
    assert "The older text is restored" in page
    assert "They hoot." in client.get("/articles/owls").text
    assert [each.kind for each in revisions(session)] == ["save", "publish", "publish", "restore"]
    again = Form(writer, form.address)
    again.send("publish", title="Birds", body="They sing.", slug="owls")
    assert "They sing." in client.get("/articles/owls").text


def test_open_form_does_not_overwrite_a_restored_text(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("save", title="Birds", body="One")
    form.send("save", title="Birds", body="Two")
    writer.post(f"/owner/articles/{form.article_id}/revisions/{revisions(session)[0].id}/restoration")
    assert form.send("autosave", True, title="Birds", body="Three").status_code == 409


def test_revision_of_another_article_is_not_found(writer: FlaskClient, session: Session) -> None:
    forms = []
    for title in ("Birds", "Owls"):
        forms.append(Form(writer))
        forms[-1].send("save", title=title, body=f"Text of {title}")
    foreign = revisions(session)[1]
    address = f"/owner/articles/{forms[0].article_id}/revisions/{foreign.id}"
    assert writer.get(address).status_code == 404
    assert writer.post(f"{address}/restoration").status_code == 404
    assert len(revisions(session)) == 2


def test_automatic_saves_of_one_sitting_are_one_revision(writer: FlaskClient, session: Session, at: SetClock) -> None:
    at(NOW)
    form = Form(writer)
    for minute, count in ((0, 1), (5, 1), (9, 1), (11, 2), (12, 2)):
        at(NOW + timedelta(minutes=minute))
        form.send("autosave", True, title="Birds", body=f"Text {minute}")
        assert len(revisions(session)) == count
    assert [each.body_source for each in revisions(session)] == ["Text 9", "Text 12"]
    Form(writer, form.address).send("autosave", True, title="Birds", body="From another form")
    assert len(revisions(session)) == 3


def test_old_revisions_are_deleted_except_the_first(
    writer: FlaskClient, session: Session, at: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SAVED_AT_MOST", 6)
    monkeypatch.setattr(history, "AUTOSAVES_AT_MOST", 3)
    form = Form(writer)
    for number in range(9):
        form.send("save", True, title="Birds", body=f"Save {number}")
    at(NOW + timedelta(days=365))
    browser = signed_in(writer.application)
    for number in range(5):
        at(NOW + timedelta(days=365, hours=number))
        other = Form(browser, form.address)
        other.send("autosave", True, title="Birds", body=f"Autosave {number}")
    kept = [each.body_source for each in revisions(session)]
    saves = [f"Save {number}" for number in range(3, 9)]
    assert kept == ["Save 0", *saves, "Autosave 2", "Autosave 3", "Autosave 4"]


FILE = "---\ntitle: Birds\nslug: birds\n---\n\nThe text of the file.\n"


def load(runner: FlaskCliRunner, path: Path, *options: str) -> tuple[int, str]:
    result = runner.invoke(args=["articles", "import", str(path), *options])
    return result.exit_code, result.output


def test_refused_import_names_the_present_address_of_the_article(
    runner: FlaskCliRunner, writer: FlaskClient, tmp_path: Path
) -> None:
    """The file has the article's text and another title, which would change the address."""
    form = Form(writer, "/owner/articles/new")
    form.send("publish", title="Birds", body="A text that is long enough to be found by.")
    path = tmp_path / "songs.md"
    path.write_text("---\ntitle: Songs\n---\nA text that is long enough to be found by.\n", encoding="utf-8")
    status, output = load(runner, path)
    assert status == 1
    assert "songs.md:1: /articles/birds was edited in the browser on " in output


@pytest.mark.parametrize("action", ["save", "publish"])
def test_import_over_an_article_edited_in_the_browser_needs_force(
    runner: FlaskCliRunner, writer: FlaskClient, client: FlaskClient, session: Session, tmp_path: Path, action: str
) -> None:
    path = tmp_path / "birds.md"
    path.write_text(FILE, encoding="utf-8")
    assert load(runner, path) == (0, "added /articles/birds\n")
    article = session.scalar(select(Article))
    assert article is not None
    form = Form(writer, f"/owner/articles/{article.id}/edit")
    form.send(action, title="Birds", body="Edited in the browser.")
    for options in ((), ("--dry-run",)):
        status, output = load(runner, path, *options)
        assert status == 1
        assert "/articles/birds was edited in the browser on " in output
        assert "Add --force" in output
        assert "Nothing was imported." in output
    assert "Edited in the browser." in writer.get(form.address).text
    assert load(runner, path, "--force")[0] == 0
    assert "The text of the file." in client.get("/articles/birds").text
    assert "Edited in the browser." not in writer.get(form.address).text
    assert [each.kind for each in revisions(session)] == ["import", action, "import"]
    assert load(runner, path) == (0, "unchanged /articles/birds\n")
    path.write_text(FILE.replace("text of", "new text of"), encoding="utf-8")
    assert load(runner, path) == (0, "updated /articles/birds: text\n")
    # A form that was opened before the import does not overwrite it.
    assert form.send("save", title="Birds", body="Older").status_code == 409
