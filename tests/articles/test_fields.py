"""The fields of an article besides its title and text: each survives saving, its history, export and import."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import ArticleRevision
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import Form
from tests.media.conftest import picture

Fields = dict[str, Any]

TEXT: Fields = {"title": "Birds", "body": "They sing.\n"}
EMPTY: Fields = {
    "kind": "article",
    "comments": "open",
    "cover": "",
    "cover_alt": "",
    "translation_of": "",
    "author_name": "",
}
# The field of the form, the value sent, the column of a revision, the value stored, what readers see.
FIELDS = [
    ("kind", "page", "is_page", True, 'rel="canonical" href="http://localhost/birds"'),
    ("menu", "1", "in_menu", True, "They sing."),
    ("comments", "closed", "comments", "closed", "Comments are closed."),
    ("comments", "none", "comments", "none", "They sing."),
    ("cover", "COVER", "cover", "COVER", '<img class="cover" src="COVER"'),
    ("cover_alt", 'A "robin"', "cover_alt", 'A "robin"', "They sing."),
    ("author_name", "Grace Hopper", "author_name", "Grace Hopper", "<bdi>Grace Hopper</bdi>"),
    ("translation_of", "oiseaux", "translation_of", "oiseaux", "Aussi en français"),
    ("translation_of", "http://localhost/articles/oiseaux/", "translation_of", "oiseaux", 'hreflang="fr"'),
]
NAMES = [f"{name}={value[:6]}" for name, value, *_ in FIELDS]


@pytest.fixture
def cover(writer: FlaskClient) -> str:
    """The address of a picture of the library."""
    file = (io.BytesIO(picture(size=(1000, 500))), "robin.jpg")
    answer = writer.post("/owner/pictures", data={"pictures": file}, headers={"Accept": "application/json"})
    return str(answer.get_json()["stored"][0]["address"])


@pytest.fixture
def original(app: Flask) -> None:
    """A French article."""
    day = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("oiseaux", "fr", "Oiseaux", "", [], False, day, "Ils chantent."), day)


def latest(session: Session, article_id: int) -> ArticleRevision:
    session.expire_all()
    query = select(ArticleRevision).where(ArticleRevision.article_id == article_id).order_by(ArticleRevision.id.desc())
    found = session.scalars(query).first()
    assert found is not None
    return found


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize(("name", "sent", "column", "value", "shown"), FIELDS, ids=NAMES)
def test_field_is_saved_published_restored_exported_and_imported(
    writer: FlaskClient, client: FlaskClient, session: Session, runner: FlaskCliRunner, tmp_path: Path,
    request: pytest.FixtureRequest, name: str, sent: str, column: str, value: object, shown: str,
) -> None:  # fmt: skip
    cover = request.getfixturevalue("cover") if name.startswith("cover") else ""  # to encode a picture takes long
    sent, shown = sent.replace("COVER", cover), shown.replace("COVER", cover)
    value = cover if value == "COVER" else value
    needed: Fields = {"cover_alt": {"cover": cover}, "menu": {"kind": "page"}}.get(name, {})
    form = Form(writer)
    form.send("publish", **TEXT)
    before = client.get("/articles/birds").text
    # An automatic save changes nothing public.
    assert form.send("autosave", True, **{**TEXT, **needed, name: sent}).status_code == 200
    assert getattr(latest(session, form.article_id), column) == value
    assert client.get("/articles/birds").text == before
    # Another form's save is a conflict that shows the field.
    other = Form(writer, form.address)
    form.send("save", True, **{**TEXT, **needed, name: sent})
    conflict = other.send("save", **{**TEXT, **EMPTY})
    assert conflict.status_code == 409
    assert "<dt>" in conflict.text
    # What is published, readers see.
    assert form.send("publish", **{**TEXT, **needed, name: sent}).status_code == 303
    published = client.get("/articles/birds", follow_redirects=True).text
    assert shown in published
    with_field = latest(session, form.article_id).id
    # The history shows the change and restores it.
    form.send("publish", **{**TEXT, **EMPTY})
    assert client.get("/articles/birds", follow_redirects=True).text == before
    page = writer.get(f"/owner/articles/{form.article_id}/revisions/{latest(session, form.article_id).id}").text
    assert "<del>" in page
    writer.post(f"/owner/articles/{form.article_id}/revisions/{with_field}/restoration")
    assert getattr(latest(session, form.article_id), column) == value
    # Export and import.
    form = Form(writer, form.address)
    form.send("publish", **{**TEXT, **needed, name: sent})
    assert runner.invoke(args=["articles", "export", str(tmp_path)]).exit_code == 0
    unchanged = runner.invoke(args=["articles", "import", str(tmp_path / "birds.md")])
    assert unchanged.output.startswith("unchanged "), unchanged.output
    form = Form(writer, form.address)
    form.send("publish", **{**TEXT, **EMPTY})
    assert runner.invoke(args=["articles", "import", "--force", str(tmp_path / "birds.md")]).exit_code == 0
    assert client.get("/articles/birds", follow_redirects=True).text == published
