"""Pages that are no articles: their addresses, the menu, and where they are not shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.addresses import is_reserved
from blogapp.articles.models import Article
from blogapp.db import query_cache
from blogapp.db.base import db
from blogapp.text.slugs import is_slug
from tests.articles.conftest import Form, cached_pages
from tests.comments.test_query_plans import plan, recorded

Publish = Callable[..., Article]
PAGE: dict[str, Any] = {"title": "About me", "body": "I *write*.", "kind": "page", "menu": "1", "comments": "none"}


def new_page(writer: FlaskClient, action: str = "publish", **fields: str) -> Form:
    form = Form(writer, "/owner/articles/new?kind=page")
    form.address = "/owner/articles/new"
    form.send(action, **{**PAGE, **fields})
    return form


def menu(page: str) -> list[str]:
    found = re.search(r'<nav class="site-menu".*?</nav>', page, re.DOTALL)
    names = re.findall(r">([^<]+)</a>", found[0]) if found else []
    return [name for name in names if name not in {"Archive", "Search", "Feed"}]


def test_page_has_an_address_of_its_own_and_is_in_the_menu_of_every_page(
    writer: FlaskClient, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article()
    assert menu(client.get("/articles/birds").text) == []
    new_page(writer)
    page = client.get("/about-me")
    assert "<em>write</em>" in page.text
    assert 'rel="canonical" href="http://localhost/about-me"' in page.text
    assert page.headers["Cache-Control"] == "public, no-cache"
    for address in ("/", "/articles/birds", "/about-me", "/privacy", "/nothing"):
        assert menu(client.get(address).text) == ["About me"], address
    assert 'aria-current="page"' in page.text
    assert "About me" not in re.sub(r"<nav.*?</nav>", "", client.get("/").text, flags=re.DOTALL)


def test_changes_of_the_menu_are_seen_on_pages_that_were_cached(
    writer: FlaskClient, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article()
    form = new_page(writer)
    assert menu(client.get("/articles/birds").text) == ["About me"]
    form.send("publish", **{**PAGE, "title": "Who I am"})
    assert menu(client.get("/articles/birds").text) == ["Who I am"]
    form.send("delete", **PAGE)
    assert menu(client.get("/articles/birds").text) == []
    writer.post(f"/owner/articles/{form.article_id}/restoration")
    assert menu(client.get("/articles/birds").text) == ["Who I am"]
    form = Form(writer, form.address)
    form.send("publish", **{**PAGE, "menu": ""})
    assert menu(client.get("/articles/birds").text) == []
    assert client.get("/about-me").status_code == 200


def test_drafts_scheduled_and_unlisted_pages_are_not_in_the_menu(writer: FlaskClient, client: FlaskClient) -> None:
    new_page(writer, "save", title="Draft")
    new_page(writer, title="Later", published_at="2999-01-01T10:00")
    new_page(writer, title="Hidden", unlisted="1")
    assert menu(client.get("/").text) == []
    assert client.get("/hidden").status_code == 200
    assert client.get("/draft").status_code == client.get("/later").status_code == 404


def test_pages_are_cached_until_the_next_scheduled_page_appears_in_the_menu(
    app: Flask, writer: FlaskClient, publish_article: Publish, at: Callable[[datetime], None]
) -> None:
    publish_article()
    new_page(writer)
    new_page(writer, title="Later", published_at="2998-12-31T10:00")
    new_page(writer, title="Last", published_at="2999-01-01T10:00")
    with app.app_context():
        query = select(Article.published_at).where(Article.slug == "later")
        appears_at = db.session.scalar(query)
    assert appears_at is not None
    at(appears_at - timedelta(seconds=3))
    for address in ("/", "/articles/birds", "/about-me", "/privacy"):
        assert menu(app.test_client().get(address).text) == ["About me"]
    assert {entry.dependency.max_age for entry in cached_pages(app)} == {3.0}
    at(appears_at)
    assert menu(app.test_client().get("/articles/birds?at=0").text) == ["About me", "Later"]


def test_article_and_page_redirect_to_the_right_address(
    writer: FlaskClient, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article()
    form = new_page(writer)
    assert client.get("/articles/about-me?sort=newest").location == "/about-me?sort=newest"
    assert client.get("/birds").location == "/articles/birds"
    form.send("publish", **PAGE, slug="me")
    assert client.get("/about-me").location == "/me"
    assert client.get("/articles/about-me", follow_redirects=True).request.path == "/me"
    form.send("unpublish", **PAGE)
    assert client.get("/me").status_code == 410


def test_no_page_gets_an_address_of_the_site(app: Flask, writer: FlaskClient, session: Session) -> None:
    with app.app_context():
        firsts = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
        reserved = {first for first in firsts if is_slug(first)}
        assert {"articles", "owner", "comments", "privacy", "media"} <= reserved
        assert all(is_reserved(slug) for slug in reserved | {"static"})
        assert not is_reserved("about")
    refused = Form(writer).send("save", **PAGE, slug="privacy")
    assert refused.status_code == 422
    assert "The site itself uses this address." in refused.text
    assert "I *write*." in refused.text
    # An address made from the title gets a number; articles can have any.
    new_page(writer, title="Privacy")
    assert session.scalar(select(Article.slug)) == "privacy-2"
    form = Form(writer)
    assert form.send("publish", title="Privacy", body="Text", slug="privacy").status_code == 303
    # It cannot become a page, and an automatic save keeps the text.
    assert form.send("autosave", True, title="Privacy", body="New text", kind="page").status_code == 422
    assert "New text" in writer.get(form.address).text
    assert form.send("publish", title="Privacy", body="Text", kind="page").status_code == 422


def test_page_with_a_reserved_slug_is_not_imported(runner: FlaskCliRunner, tmp_path: Any) -> None:
    file = tmp_path / "search.md"
    file.write_text("---\ntitle: Owner\nslug: owner\npage: true\n---\nText\n")
    done = runner.invoke(args=["articles", "import", str(file)])
    assert done.exit_code == 1
    assert "the site itself uses the address /owner" in done.output


@pytest.mark.parametrize("htmx", [False, True])
def test_comments_of_a_page_work_as_those_of_an_article(
    writer: FlaskClient, client: FlaskClient, post: Callable[..., Any], htmx: bool
) -> None:
    new_page(writer, comments="open")
    answer = post("about-me", author_name="Bob", body="Nice to meet you.", htmx=htmx)
    assert answer.status_code == (201 if htmx else 303)
    if not htmx:
        assert answer.location == "/about-me#comment-1"
        assert client.get("/comments/1").location == "/about-me#comment-1"
    page = client.get("/about-me").text
    assert "Nice to meet you." in page
    assert 'href="/about-me?sort=newest#comments"' in page or "sort=newest" not in page


def test_page_without_comments_shows_and_takes_none(
    writer: FlaskClient, client: FlaskClient, post: Callable[..., Any]
) -> None:
    form = new_page(writer, comments="open")
    post("about-me", author_name="Bob", body="Nice to meet you.")
    form.send("publish", **PAGE)
    page = client.get("/about-me").text
    assert "Nice to meet you." not in page
    assert 'id="comments"' not in page
    assert client.get("/articles/about-me/comments").status_code == 404
    assert post("about-me", author_name="Bob").status_code == 409


def test_views_of_a_page_are_counted(writer: FlaskClient, app: Flask) -> None:
    new_page(writer)
    reader = app.test_client()
    assert 'hx-post="/articles/about-me/views"' in reader.get("/about-me").text
    assert reader.post("/articles/about-me/views").status_code == 204


def test_owner_lists_pages(writer: FlaskClient, publish_article: Publish) -> None:
    publish_article()
    new_page(writer)
    page = writer.get("/owner/articles?state=pages").text
    assert "About me" in page
    assert ">Birds<" not in page
    assert 'href="/about-me"' in page
    assert 'href="/owner/articles/new?kind=page"' in page


def test_page_is_shown_in_its_language(writer: FlaskClient, client: FlaskClient) -> None:
    new_page(writer, title="À propos", lang="fr")
    assert '<html lang="fr"' in client.get("/a-propos").text
    assert 'lang="fr" dir="auto">À propos' in client.get("/").text


def test_queries_of_pages_use_an_index(app: Flask, writer: FlaskClient, publish_article: Publish) -> None:
    for number in range(30):
        publish_article(slug=f"a{number}")
    new_page(writer)
    reader = app.test_client()
    query_cache.init_app(app)  # so that the menu is read again
    with recorded(app) as statements:
        for address in ("/", "/about-me", "/a3", "/nothing", "/privacy"):
            reader.get(address)
        writer.get("/owner/articles?state=pages")
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        lines = [line for each, values in statements for line in plan(engine, connection, each, values)]
    assert not [line for line in lines if re.search(r"^SCAN articles(?! USING COVERING)|Seq Scan on articles", line)]
    # SQLite would read all published articles to find the pages; PostgreSQL knows that they are few.
    expected = ("ix_articles_kind_in_menu_status_published_at", "ix_articles_kind_edited_at_id_status")
    for index in expected if engine.dialect.name == "sqlite" else ():
        assert any(index in line for line in lines), index


@pytest.mark.parametrize(
    "query", ["slug=x", "article=x", "endpoint=x", "_method=FOO", "_external=1&_scheme=ftp", "a=%E9"]
)
def test_redirect_to_a_page_keeps_any_query(
    publish_article: Callable[..., Article], client: FlaskClient, query: str
) -> None:
    publish_article(slug="birds")
    moved = client.get(f"/birds?{query}")
    assert moved.status_code == 301
    assert moved.headers["Location"] == f"/articles/birds?{query}"


def test_menu_has_one_page_of_several_translations(
    writer: FlaskClient, client: FlaskClient, publish_article: Publish
) -> None:
    new_page(writer, title="About", lang="en")
    new_page(writer, title="À propos", lang="fr", translation_of="about")
    new_page(writer, title="Contact", lang="fr")
    new_page(writer, title="Dessins", lang="fr")
    new_page(writer, title="Drawings", lang="en", translation_of="dessins")
    for lang, expected in (
        ("en", ["About", "Contact", "Drawings"]),
        ("fr", ["À propos", "Contact", "Dessins"]),
        # In a language that has no translation, the original.
        ("he", ["About", "Contact", "Dessins"]),
    ):
        publish_article(slug=lang, lang=lang)
        page = client.get(f"/articles/{lang}").text
        assert menu(page)[: len(expected)] == expected
        assert [name for name in menu(page) if name in {"About", "À propos", "Drawings", "Dessins"}] == expected[::2]
    # The page itself is marked as the current one.
    assert '<a href="/a-propos" aria-current="page">' in client.get("/a-propos").text
