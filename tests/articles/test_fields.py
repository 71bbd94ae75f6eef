"""The fields of an article besides its title and text: each survives saving, its history, export and import."""

from __future__ import annotations

import io
import re
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
# Fields that are set together: the field of the form, the value sent, the column of a revision, the value stored, what
# readers see.
FIELDS = {
    "article": [
        ("comments", "closed", "comments", "closed", "Comments are closed."),
        ("cover", "COVER", "cover", "COVER", '<img class="cover" src="COVER"'),
        ("cover_alt", 'A "robin"', "cover_alt", 'A "robin"', "They sing."),
        ("author_name", "Grace Hopper", "author_name", "Grace Hopper", "<bdi>Grace Hopper</bdi>"),
        ("translation_of", "oiseaux", "translation_of", "oiseaux", "Aussi en français"),
    ],
    "page": [
        ("kind", "page", "is_page", True, 'rel="canonical" href="http://localhost/birds"'),
        ("menu", "1", "in_menu", True, "They sing."),
        ("comments", "none", "comments", "none", "They sing."),
    ],
    "translation named by its address": [
        ("translation_of", "http://localhost/articles/oiseaux/", "translation_of", "oiseaux", 'hreflang="fr"'),
    ],
}


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
@pytest.mark.parametrize("rows", FIELDS.values(), ids=FIELDS)
def test_fields_are_saved_published_restored_exported_and_imported(
    writer: FlaskClient, client: FlaskClient, session: Session, runner: FlaskCliRunner, tmp_path: Path,
    request: pytest.FixtureRequest, rows: list[tuple[str, str, str, object, str]],
) -> None:  # fmt: skip
    has_cover = any(name == "cover" for name, *_ in rows)
    cover = request.getfixturevalue("cover") if has_cover else ""  # to encode a picture takes long
    fields = TEXT | {name: sent.replace("COVER", cover) for name, sent, *_ in rows}
    values = {column: cover if value == "COVER" else value for _, _, column, value, _ in rows}

    def stored() -> Fields:
        return {column: getattr(latest(session, form.article_id), column) for column in values}

    form = Form(writer)
    form.send("publish", **TEXT)
    before = client.get("/articles/birds").text
    # An automatic save changes nothing public.
    assert form.send("autosave", True, **fields).status_code == 200
    assert stored() == values
    assert client.get("/articles/birds").text == before
    # Another form's save is a conflict that shows the fields.
    other = Form(writer, form.address)
    form.send("save", True, **fields)
    conflict = other.send("save", **{**TEXT, **EMPTY})
    assert conflict.status_code == 409
    assert conflict.text.count("<dt>") == len(rows)
    # What is published, readers see.
    assert form.send("publish", **fields).status_code == 303
    published = client.get("/articles/birds", follow_redirects=True).text
    assert [shown for *_, shown in rows if shown.replace("COVER", cover) not in published] == []
    with_field = latest(session, form.article_id).id
    # The history shows the changes and restores them.
    form.send("publish", **{**TEXT, **EMPTY})
    assert client.get("/articles/birds", follow_redirects=True).text == before
    page = writer.get(f"/owner/articles/{form.article_id}/revisions/{latest(session, form.article_id).id}").text
    assert len(re.findall(r'<dt>[^<]+</dt><dd dir="auto"><del>', page)) == len(rows)
    writer.post(f"/owner/articles/{form.article_id}/revisions/{with_field}/restoration")
    assert stored() == values
    # Export and import.
    form = Form(writer, form.address)
    form.send("publish", **fields)
    assert runner.invoke(args=["articles", "export", str(tmp_path)]).exit_code == 0
    unchanged = runner.invoke(args=["articles", "import", str(tmp_path / "birds.md")])
    assert unchanged.output.startswith("unchanged "), unchanged.output
    form = Form(writer, form.address)
    form.send("publish", **{**TEXT, **EMPTY})
    assert runner.invoke(args=["articles", "import", "--force", str(tmp_path / "birds.md")]).exit_code == 0
    assert client.get("/articles/birds", follow_redirects=True).text == published
