"""Translations: groups of articles, at most one in each language, that link to each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.editing import BIN_DAYS, empty_bin
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import Form, cached_pages
from tests.comments.test_query_plans import plan, recorded
from tests.comments.test_threads import counted

Write = Callable[..., Form]


@pytest.fixture
def write(writer: FlaskClient) -> Write:
    def make(title: str, lang: str, action: str = "publish", **fields: Any) -> Form:
        form = Form(writer)
        form.send(action, True, title=title, body="Text", lang=lang, **fields)
        return form

    return make


def links(client: FlaskClient, slug: str) -> dict[str, str]:
    """The alternate links in the head of an article, by their language."""
    page = client.get(f"/articles/{slug}").text
    found = re.findall(r'<link rel="alternate" hreflang="(\w+)" href="http://localhost/articles/([^"]+)"', page)
    visible = re.findall(r'<a href="/articles/([^"]+)" lang="\w+" hreflang="\w+" rel="alternate">', page)
    assert sorted(visible) == sorted(other for _, other in found if other != slug)
    return dict(found)


def test_each_translation_links_to_the_others(client: FlaskClient, write: Write) -> None:
    original = write("Oiseaux", "fr")
    assert links(client, "oiseaux") == {}
    write("Birds", "en", translation_of="oiseaux")
    assert links(client, "oiseaux") == links(client, "birds") == {"fr": "oiseaux", "en": "birds"}
    # Any of them can be named, and the original names one of its translations as well.
    write("Tsiporim", "he", translation_of="birds")
    everything = {"fr": "oiseaux", "en": "birds", "he": "tsiporim"}
    assert links(client, "oiseaux") == links(client, "birds") == links(client, "tsiporim") == everything
    assert original.send("publish", title="Oiseaux", body="Text", lang="fr", translation_of="birds").status_code == 303
    assert links(client, "birds") == everything
    default = '<link rel="alternate" hreflang="x-default" href="http://localhost/articles/oiseaux">'
    assert default in client.get("/articles/oiseaux").text
    assert default in client.get("/articles/tsiporim").text
    assert "Also in English" in client.get("/articles/oiseaux").text
    assert "Aussi en français" in client.get("/articles/birds").text


def test_readers_of_other_languages_get_the_same_translation_if_the_original_is_withdrawn(
    client: FlaskClient, write: Write
) -> None:
    original = write("Oiseaux", "fr")
    write("Birds", "en", translation_of="oiseaux")
    write("Tsiporim", "he", translation_of="oiseaux")
    original.send("unpublish", title="Oiseaux", body="Text", lang="fr")
    for slug in ("birds", "tsiporim"):
        assert 'hreflang="x-default" href="http://localhost/articles/birds"' in client.get(f"/articles/{slug}").text


@pytest.mark.parametrize("fields", [{}, {"kind": "page", "comments": "none"}, {"unlisted": "1"}])
def test_page_is_cached_until_its_scheduled_translation_appears(
    app: Flask, write: Write, session: Session, at: Callable[[datetime], None], fields: dict[str, str]
) -> None:
    write("Oiseaux", "fr", **fields)
    write("Birds", "en", translation_of="oiseaux", published_at="2998-12-31T10:00", **fields)
    write("Tsiporim", "he", translation_of="oiseaux", published_at="2999-01-01T10:00", **fields)
    appears_at = session.scalar(select(Article.published_at).where(Article.slug == "birds"))
    assert appears_at is not None
    address = "/oiseaux" if "kind" in fields else "/articles/oiseaux"
    at(appears_at - timedelta(seconds=3))
    assert "Also in English" not in app.test_client().get(address).text
    assert [entry.dependency.max_age for entry in cached_pages(app)] == [3.0]
    at(appears_at)
    page = app.test_client().get(f"{address}?sort=oldest").text
    assert "Also in English" in page
    assert 'hreflang="he"' not in page


def test_original_can_name_its_translation(client: FlaskClient, write: Write) -> None:
    original = write("Oiseaux", "fr")
    write("Birds", "en")
    original.send("publish", title="Oiseaux", body="Text", lang="fr", translation_of="/articles/birds")
    assert links(client, "birds") == {"fr": "oiseaux", "en": "birds"}
    # Two groups become one.
    other = write("Tsiporim", "he")
    other.send("publish", title="Tsiporim", body="Text", lang="he", translation_of="oiseaux")
    assert len(links(client, "birds")) == 3
    other.send("publish", title="Tsiporim", body="Text", lang="he", translation_of="")
    assert len(links(client, "birds")) == 2
    assert links(client, "tsiporim") == {}


def test_changes_are_seen_on_the_cached_pages_of_the_others(client: FlaskClient, write: Write) -> None:
    write("Oiseaux", "fr")
    form = write("Birds", "en", "save", translation_of="oiseaux")
    assert links(client, "oiseaux") == {}
    fields: dict[str, Any] = {"title": "Birds", "body": "Text", "translation_of": "oiseaux"}
    form.send("publish", **fields)
    assert links(client, "oiseaux") == {"fr": "oiseaux", "en": "birds"}
    form.send("publish", **fields, slug="songbirds")
    assert links(client, "oiseaux") == {"fr": "oiseaux", "en": "songbirds"}
    form.send("unpublish", **fields)
    assert links(client, "oiseaux") == {}


def test_group_follows_a_new_slug_and_outlives_its_original(client: FlaskClient, write: Write) -> None:
    original = write("Oiseaux", "fr")
    write("Birds", "en", translation_of="oiseaux")
    write("Tsiporim", "he", translation_of="oiseaux")
    original.send("publish", title="Oiseaux", body="Text", lang="fr", slug="les-oiseaux")
    assert len(links(client, "birds")) == 3
    original.send("delete", title="Oiseaux", body="Text", lang="fr")
    assert links(client, "birds") == {"en": "birds", "he": "tsiporim"}


def test_saving_a_draft_changes_no_page_of_other_articles(client: FlaskClient, write: Write, session: Session) -> None:
    draft = write("Oiseaux", "fr", "save")
    write("Birds", "en", translation_of="oiseaux")
    write("Tsiporim", "he")
    fields: dict[str, Any] = {"title": "Oiseaux", "body": "Text", "lang": "fr", "translation_of": "tsiporim"}
    groups = select(Article.slug, Article.translation_group).where(Article.slug != "oiseaux").order_by(Article.slug)
    before = session.execute(groups).all()
    session.rollback()
    draft.send("save", **fields)
    assert session.execute(groups).all() == before
    session.rollback()
    assert links(client, "birds") == links(client, "tsiporim") == {}
    draft.send("publish", **fields)
    assert links(client, "birds") == {"fr": "oiseaux", "en": "birds", "he": "tsiporim"}


@pytest.mark.parametrize("door", ["bin", "remove"])
def test_new_article_with_the_slug_of_a_deleted_original_is_no_translation(
    app: Flask, client: FlaskClient, runner: FlaskCliRunner, write: Write, session: Session, door: str
) -> None:
    original = write("Hello", "en")
    french = write("Bonjour", "fr", translation_of="hello")
    write("Shalom", "he", translation_of="hello")
    if door == "remove":
        runner.invoke(args=["articles", "remove", "hello", "--yes"])
    else:
        original.send("delete", title="Hello", body="Text", lang="en")
        deleted_at = session.scalar(select(Article.deleted_at).where(Article.slug == "hello"))
        session.rollback()
        assert deleted_at is not None
        with app.app_context(), write_transaction() as writing:
            empty_bin(writing, day=(deleted_at + timedelta(days=BIN_DAYS + 1)).date(), previous=None)
    assert session.scalar(select(Article.id).where(Article.slug == "hello")) is None
    session.rollback()
    write("Hello", "en")
    assert links(client, "hello") == {}
    assert links(client, "bonjour") == links(client, "shalom") == {"fr": "bonjour", "he": "shalom"}
    # The translation that became the original can be saved as it is.
    field = re.search(r'name="translation_of"[^>]*value="([^"]*)"', french.client.get(french.address).text)
    named = field[1] if field else ""
    assert named == ""
    answer = french.send("publish", title="Bonjour", body="Text", lang="fr", translation_of=named)
    assert answer.status_code == 303
    assert len(links(client, "bonjour")) == 2


def test_listed_articles_do_not_link_to_unlisted_translations(client: FlaskClient, write: Write) -> None:
    write("Oiseaux", "fr")
    write("Birds", "en", translation_of="oiseaux", unlisted="1")
    assert links(client, "oiseaux") == {}
    assert links(client, "birds") == {"fr": "oiseaux", "en": "birds"}


@pytest.mark.parametrize("binned", ["birds", "oiseaux"])
def test_restored_article_leaves_its_translations_if_another_took_its_place(
    client: FlaskClient, write: Write, binned: str
) -> None:
    forms = {"birds": write("Birds", "en"), "oiseaux": write("Oiseaux", "fr", translation_of="birds")}
    lang, other = {"birds": ("en", "oiseaux"), "oiseaux": ("fr", "birds")}[binned]
    fields: dict[str, Any] = {"title": binned.title(), "body": "Text", "lang": lang}
    forms[binned].send("delete", **fields, translation_of="" if binned == "birds" else "birds")
    write("Second", lang, translation_of=other)
    forms[binned].client.post(f"/owner/articles/{forms[binned].article_id}/restoration")
    assert links(client, binned) == {}
    assert len(links(client, other)) == 2
    assert links(client, other) == links(client, "second")
    form = Form(forms[binned].client, forms[binned].address)
    assert form.send("publish", **fields, translation_of="").status_code == 303
    assert links(client, binned) == {}


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("slug", "sentence"),
    [
        ("nothing", "There is no article with this address."),
        ("birds", "Only one translation can be in this language: birds is one already."),
        ("oiseaux", "Only one translation can be in this language: birds is one already."),
    ],
)
def test_wrong_translation_is_refused_beside_its_field(
    writer: FlaskClient, write: Write, session: Session, slug: str, sentence: str, htmx: bool
) -> None:
    write("Oiseaux", "fr")
    write("Birds", "en", translation_of="oiseaux")
    form = Form(writer)
    answer = form.send("publish", htmx, title="Owls", body="My text", lang="en", translation_of=slug)
    assert answer.status_code == 422
    assert sentence in re.findall(r'data-error-for="translation_of"[^>]*>([^<]*)<', answer.text)
    assert session.scalar(select(Article.id).where(Article.title == "Owls")) is None
    # An automatic save keeps the text.
    saved = form.send("autosave", True, title="Owls", body="My text", lang="en", translation_of=slug)
    assert saved.status_code == 422
    assert session.scalar(select(Article.body_source).where(Article.title == "Owls")) == "My text"


def test_article_is_not_a_translation_of_itself(write: Write) -> None:
    form = write("Birds", "en")
    answer = form.send("save", title="Birds", body="Text", lang="en", translation_of="birds")
    assert "This is the address of this article itself." in answer.text


def test_language_of_a_translation_is_not_given_twice(write: Write) -> None:
    write("Oiseaux", "fr")
    form = write("Birds", "en", translation_of="oiseaux")
    answer = form.send("publish", title="Birds", body="Text", lang="fr", translation_of="oiseaux")
    assert answer.status_code == 422


@pytest.mark.parametrize("order", [("oiseaux", "birds", "tsiporim"), ("tsiporim", "birds", "oiseaux")])
def test_files_can_be_imported_in_any_order(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path, order: tuple[str, ...]
) -> None:
    files = {"oiseaux": ("fr", ""), "birds": ("en", "oiseaux"), "tsiporim": ("he", "birds")}
    for slug, (lang, original) in files.items():
        named = f"translation_of: {original}\n" if original else ""
        text = f"---\ntitle: {slug}\nslug: {slug}\nlang: {lang}\ndate: 2026-01-01\n{named}---\nText\n"
        (tmp_path / f"{slug}.md").write_text(text)
    paths = [str(tmp_path / f"{slug}.md") for slug in order]
    assert runner.invoke(args=["articles", "import", *paths]).exit_code == 0
    assert set(links(client, "birds")) == {"fr", "en", "he"}
    assert runner.invoke(args=["articles", "import", *paths]).output.count("unchanged") == 3


def test_import_refuses_a_second_translation_in_a_language(runner: FlaskCliRunner, tmp_path: Path) -> None:
    for slug, named in (("oiseaux", ""), ("moineaux", "translation_of: oiseaux\n")):
        text = f"---\ntitle: {slug}\nslug: {slug}\nlang: fr\n{named}---\nText\n"
        (tmp_path / f"{slug}.md").write_text(text)
    done = runner.invoke(args=["articles", "import", str(tmp_path / "oiseaux.md"), str(tmp_path / "moineaux.md")])
    assert done.exit_code == 1
    assert "there is a translation in this language already" in done.output
    assert "Nothing was imported." in done.output


def test_import_refuses_two_translations_of_a_later_file_in_one_language(
    runner: FlaskCliRunner, session: Session, tmp_path: Path
) -> None:
    files = {"moineaux": ("fr", "birds"), "oiseaux": ("fr", "birds"), "birds": ("en", "")}
    for slug, (lang, original) in files.items():
        named = f"translation_of: {original}\n" if original else ""
        (tmp_path / f"{slug}.md").write_text(f"---\ntitle: {slug}\nslug: {slug}\nlang: {lang}\n{named}---\nText\n")
    done = runner.invoke(args=["articles", "import", *(str(tmp_path / f"{slug}.md") for slug in files)])
    assert done.exit_code == 1
    assert "oiseaux.md:3: `translation_of: birds`: there is a translation in this language already." in done.output
    assert session.scalar(select(Article.id)) is None


def test_translations_cost_one_query_with_an_index(app: Flask, write: Write) -> None:
    write("Oiseaux", "fr")
    reader = app.test_client()
    with counted(app) as before:
        reader.get("/articles/oiseaux")
    write("Birds", "en", translation_of="oiseaux")
    write("Tsiporim", "he", translation_of="oiseaux")
    with counted(app) as after, recorded(app) as statements:
        reader.get("/articles/oiseaux")
    assert len(after) == len(before) + 1
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        lines = [line for each, values in statements for line in plan(engine, connection, each, values)]
    assert any("ix_articles_translation_group" in line for line in lines), lines
    assert not [line for line in lines if re.search(r"^SCAN articles\b|Seq Scan on articles", line)]
