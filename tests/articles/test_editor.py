"""The editor over HTTP: each action with HTMX and without JavaScript."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRevision
from tests.articles.conftest import HTMX, NAME, NOW, Form, signed_in, value_of

SetClock = Callable[[datetime], None]
Publish = Callable[..., Article]


def stored(session: Session, article_id: int) -> Article:
    session.expire_all()
    article = session.scalar(select(Article).where(Article.id == article_id))
    assert article is not None
    return article


@pytest.mark.parametrize("htmx", [False, True])
def test_article_is_saved_as_a_draft_and_published(
    writer: FlaskClient, client: FlaskClient, session: Session, htmx: bool
) -> None:
    form = Form(writer)
    assert form.send("save", htmx, title="L’été à Paris", body="*Chaud*").status_code in {200, 303}
    assert client.get("/articles/l-ete-a-paris").status_code == 404
    assert stored(session, form.article_id).status == "draft"
    answer = form.send("publish", htmx, title="L’été à Paris", body="*Chaud* !")
    assert answer.status_code == (200 if htmx else 303)
    page = client.get("/articles/l-ete-a-paris").text
    assert "<em>Chaud</em>" in page
    assert NAME in html.unescape(page)
    assert "/articles/l-ete-a-paris" in client.get("/").text
    assert "Saved" in (answer if htmx else writer.get(answer.location)).text


@pytest.mark.parametrize("htmx", [False, True])
def test_article_can_be_published_at_once(writer: FlaskClient, client: FlaskClient, htmx: bool) -> None:
    Form(writer).send("publish", htmx, title="Birds", body="They sing.")
    assert "They sing." in client.get("/articles/birds").text


@pytest.mark.parametrize("htmx", [False, True])
def test_saving_a_published_article_changes_nothing_public_until_it_is_updated(
    writer: FlaskClient, client: FlaskClient, htmx: bool
) -> None:
    form = Form(writer)
    form.send("publish", htmx, title="Birds", body="They sing.")
    public = client.get("/articles/birds").text, client.get("/").text
    for action in ("save", "autosave"):
        form.send(action, True, title="Owls", body=f"They hoot {action}.", summary="New", slug="owls", tags="a, b")
        assert (client.get("/articles/birds").text, client.get("/").text) == public
    page = writer.get(form.address).text
    assert "They hoot autosave." in page
    assert "Changes not published yet" in page
    form.send("publish", htmx, title="Owls", body="They hoot.", slug="owls")
    assert client.get("/articles/birds").location == "/articles/owls"
    assert "They hoot." in client.get("/articles/owls").text
    assert "Changes not published yet" not in writer.get(form.address).text


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("", 410, None),
        ("/articles/owls", 301, "/articles/owls"),
        ("https://example.org/a", 301, "https://example.org/a"),
    ],
)
def test_unpublished_article_is_gone_or_redirects(
    writer: FlaskClient, client: FlaskClient, htmx: bool, target: str, status: int, location: str | None
) -> None:
    form = Form(writer)
    form.send("publish", htmx, title="Birds", body="They sing.")
    form.send("unpublish", htmx, title="Birds", body="They sang.", redirect_to=target)
    answer = client.get("/articles/birds")
    assert (answer.status_code, answer.location) == (status, location)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/articles/birds" not in client.get("/").text
    assert client.post("/articles/birds/comments", data={"author_name": "A", "body": "b"}).status_code == 410
    form.send("publish", htmx, title="Birds", body="They sang.")
    assert "They sang." in client.get("/articles/birds").text


@pytest.mark.parametrize("htmx", [False, True])
def test_deleted_article_is_restored_from_the_bin_as_it_was(
    writer: FlaskClient, client: FlaskClient, session: Session, htmx: bool
) -> None:
    form = Form(writer)
    form.send("publish", htmx, title="Birds", body="They sing.")
    answer = form.send("delete", htmx, title="Birds", body="Typed just before.")
    where = answer.headers["HX-Redirect"] if htmx else answer.location
    assert "The article is in the bin." in writer.get(where).text
    assert client.get("/articles/birds").status_code == 404
    assert "Typed just before." in writer.get(form.address).text
    assert writer.post(f"/owner/articles/{form.article_id}/restoration").status_code == 303
    assert "They sing." in client.get("/articles/birds").text
    assert "Typed just before." in writer.get(form.address).text


def test_bin_is_emptied_after_thirty_days(
    writer: FlaskClient, client: FlaskClient, session: Session, at: SetClock
) -> None:
    at(NOW)
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.")
    form.send("delete", title="Birds", body="They sing.")
    for days, count in ((29, 1), (32, 0)):
        at(NOW + timedelta(days=days))
        client.post("/articles/birds/views", headers=HTMX)
        Form(signed_in(writer.application)).send("publish", title=f"Other {days}", body="Text")
        client.post(f"/articles/other-{days}/views", headers=HTMX)
        client.application.extensions["view_writer"].flush()
        assert len(session.scalars(select(Article).where(Article.slug == "birds")).all()) == count


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("title", "", "Enter a title."),
        ("title", "x" * 301, "This is too long"),
        ("body", " \n", "Write some text first."),
        ("slug", "Über uns", "Use only the letters"),
        ("slug", "-", "Use only the letters"),
        ("slug", "../owner", "Use only the letters"),
        ("slug", "a" * 201, "Use only the letters"),
        ("lang", "xx", "Choose a language."),
        ("tags", ",".join(f"t{number}" for number in range(51)), "At most 50 tags"),
        ("published_at", "tomorrow", "Enter a date and a time"),
        ("published_at", "2026-02-30T10:00", "There is no such date"),
        ("published_at", "0001-01-01T10:00", "Enter a date and a time"),
        ("author", "77", "Choose an author."),
    ],
)
def test_wrong_field_is_refused_with_a_message_beside_it_and_everything_is_kept(
    writer: FlaskClient, session: Session, htmx: bool, field: str, value: str, message: str
) -> None:
    fields = {"title": "Birds", "body": "Kept text", "summary": "Kept summary", "tags": "kept", field: value}
    answer = Form(writer).send("publish", htmx, **fields)
    assert answer.status_code == 422
    assert re.search(rf'data-error-for="{field}"[^>]*>{message}', answer.text)
    assert session.scalars(select(Article)).all() == []
    if not htmx:
        assert "<title>Error: New article" in answer.text
        page = html.unescape(answer.text)
        for name in {"title", "body", "summary", "slug", "tags", "published_at"} & fields.keys():
            assert fields[name] in page


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "javascript:alert(1)", "https://user@evil.example", "/a\nSet-Cookie: b", "x"],
)
def test_wrong_address_to_redirect_to_is_refused(
    writer: FlaskClient, client: FlaskClient, htmx: bool, address: str
) -> None:
    form = Form(writer)
    form.send("publish", title="Birds", body="They sing.")
    answer = form.send("unpublish", htmx, title="Birds", body="They sing.", redirect_to=address)
    assert answer.status_code == 422
    assert re.search(r'data-error-for="redirect_to"[^>]*>Enter a path', answer.text)
    assert htmx or re.search(r'name="redirect_to"[^>]* autofocus', answer.text)
    assert client.get("/articles/birds").status_code == 200


def test_automatic_save_stores_what_is_valid_and_says_what_is_not(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("publish", title="Owls", body="They hoot.")
    form = Form(writer)
    answer = form.send("autosave", True, title="Birds", body="They sing.", slug="owls", published_at="never")
    assert answer.status_code == 422
    assert re.search(r"Saved \d\d:\d\d, except the marked fields", answer.text)
    assert "Another article has this address." in answer.text
    article = stored(session, form.article_id)
    assert (article.body_source, article.slug) == ("They sing.", "birds")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("L’été : déjà ?", "l-ete-deja"),
        ("مرحبا بالعالم", "mrhb-bl-lm"),
        ("你好,世界", "ni-hao-shi-jie"),
        ("שלום עולם", "shlvm-vlm"),
        ("🎉", "2026-03-20"),
        ("!!!", "2026-03-20"),
    ],
)
def test_every_title_gets_an_address_that_works(
    writer: FlaskClient, client: FlaskClient, session: Session, at: SetClock, title: str, slug: str
) -> None:
    at(NOW)
    form = Form(writer)
    form.send("publish", title=title, body="Text")
    assert stored(session, form.article_id).slug == slug
    assert client.get(f"/articles/{slug}").status_code == 200


def test_slug_follows_the_title_until_it_is_published_or_typed(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    slug = ""
    for title, expected in (("", None), ("Birds", "birds"), ("Birds and owls", "birds-and-owls")):
        form.send("autosave", True, title=title, body="Text", slug=slug)
        slug = stored(session, form.article_id).slug
        assert expected in {None, slug}
    form.send("publish", title="Birds and owls", body="Text", slug=slug)
    form.send("publish", title="Another title", body="Text", slug=slug)
    assert stored(session, form.article_id).slug == "birds-and-owls"
    other = Form(writer)
    other.send("save", title="Cats", body="Text", slug="mine")
    other.send("save", title="Dogs", body="Text", slug="mine")
    assert stored(session, other.article_id).slug == "mine"
    third = Form(writer)
    third.send("save", title="Mine", body="Text", slug="")
    assert stored(session, third.article_id).slug == "mine-2"
    assert third.send("save", title="Mine", body="Text", slug="birds-and-owls").status_code == 422


def test_old_addresses_redirect_after_two_renames_and_back(writer: FlaskClient, client: FlaskClient) -> None:
    form = Form(writer)
    form.send("publish", title="One", body="Text")
    for slug in ("two", "three", "one"):
        form.send("publish", title="One", body="Text", slug=slug)
    assert client.get("/articles/one").status_code == 200
    for old in ("two", "three"):
        assert client.get(f"/articles/{old}").location == "/articles/one"
    other = Form(writer)
    assert other.send("publish", title="Two", body="Text", slug="two").status_code == 422


@pytest.mark.parametrize("htmx", [False, True])
def test_preview_is_rendered_by_the_server_and_keeps_the_form(writer: FlaskClient, htmx: bool) -> None:
    data = {"title": "<i>Title</i> l'été !", "body": "**bold** <script>x</script>", "lang": "fr", "slug": "typed"}
    answer = writer.post("/owner/articles/preview", data=data, headers=HTMX if htmx else {})
    assert "<strong>bold</strong>" in answer.text
    assert "&lt;i&gt;Title&lt;/i&gt; l’été\u202f!" in answer.text
    assert "<script>x" not in answer.text
    assert ("<html" in answer.text) != htmx
    if not htmx:
        assert value_of(answer.text, "slug") == "typed"
        assert "**bold**" in answer.text


@pytest.mark.parametrize("htmx", [False, True])
def test_secret_address_shows_the_draft_until_it_is_renewed(
    writer: FlaskClient, client: FlaskClient, htmx: bool
) -> None:
    form = Form(writer)
    form.send("save", title="Birds", body="*Secret*")
    addresses = []
    for _ in range(2):
        answer = writer.post(f"/owner/articles/{form.article_id}/preview-link", headers=HTMX if htmx else {})
        page = answer.text if htmx else writer.get(answer.location).text
        found = re.search(r"http://localhost(/drafts/[\w-]+)", page)
        assert found is not None
        addresses.append(found[1])
    assert client.get(addresses[0]).status_code == 404
    answer = client.get(addresses[1])
    assert "<em>Secret</em>" in answer.text
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("private, no-store", "noindex")
    form.send("publish", title="Birds", body="*Secret*")
    assert client.get(addresses[1]).location == "/articles/birds"
    form.send("delete", title="Birds", body="*Secret*")
    assert client.get(addresses[1]).status_code == 404


def test_imported_article_is_edited_and_its_original_text_stays_in_the_history(
    writer: FlaskClient, publish_article: Publish, session: Session
) -> None:
    article = publish_article(slug="birds", body="The original text.")
    form = Form(writer, f"/owner/articles/{article.id}/edit")
    assert "The original text." in form.page
    form.send("publish", title="Birds", body="The new text.")
    revisions = session.scalars(select(ArticleRevision).order_by(ArticleRevision.id)).all()
    assert [each.body_source for each in revisions] == ["The original text.", "The new text."]
    assert "Imported" in writer.get(f"/owner/articles/{article.id}/revisions").text


@pytest.mark.parametrize("htmx", [False, True])
def test_text_is_saved_exactly(writer: FlaskClient, session: Session, htmx: bool) -> None:
    text = "\n  Début…\tété ‏שלום‏ 😀\n\n" + "漢字 & <b>\n" * 25_000 + "  end  \n\n"
    assert len(text) > 200_000
    form = Form(writer)
    form.send("save", htmx, title="Long", body=text.replace("\n", "\r\n"))
    assert stored(session, form.article_id).body_source == text
    page = writer.get(form.address).text
    shown = re.search(r'<textarea id="owner-body"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert shown is not None
    assert html.unescape(shown[1]) == text


def test_characters_that_no_database_stores_are_removed(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    assert form.send("save", title="Bi\0rds", body="They\0 sing.", slug="bi\0rds", tags="a\0b").status_code == 303
    article = stored(session, form.article_id)
    assert (article.title, article.body_source, article.slug, article.tags) == ("Birds", "They sing.", "birds", ["ab"])


def test_text_that_is_too_long_is_refused(writer: FlaskClient) -> None:
    answer = Form(writer).send("save", title="Long", body="x" * 1_000_001)
    assert answer.status_code == 422
    assert "This is too long: 1,000,001 characters; 1,000,000 are allowed." in answer.text
    # The form can have a cover, so that a text of any size up to that of a picture is read and shown again.
    assert Form(writer).send("save", title="Longer", body="x" * 5_000_000).status_code == 422


def test_only_the_owners_browser_may_send_long_texts(app: Flask, writer: FlaskClient) -> None:
    long = {"title": "Long", "body": "x" * 100_000}
    assert app.test_client().post("/owner/articles/new", data=long).status_code == 413
    forged = app.test_client()
    forged.set_cookie("known-browser", "WzEsIngiXQ.aaaaaa.bbbbbb")
    forged.set_cookie("owner", "x" * 43)
    assert forged.post("/owner/articles/new", data=long).status_code == 413
    assert writer.post("/owner/articles/new", data=long).status_code == 303
    assert writer.post("/owner/sign-in", data=long).status_code == 413


def test_forged_post_is_refused(writer: FlaskClient, session: Session) -> None:
    for site in ("cross-site", "same-site"):
        answer = writer.post("/owner/articles/new", data={"title": "A", "body": "b"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert session.scalars(select(Article)).all() == []


@pytest.mark.parametrize("path", ["/edit", "/revisions", "/revisions/1", "/preview-link", "/restoration"])
def test_unknown_article_is_not_found(writer: FlaskClient, path: str) -> None:
    address = f"/owner/articles/999{path}"
    is_post = path in {"/preview-link", "/restoration"}
    assert (writer.post(address) if is_post else writer.get(address)).status_code == 404
    assert writer.get("/drafts/unknown").status_code == 404
    assert writer.get("/drafts/a%00b").status_code == 404
