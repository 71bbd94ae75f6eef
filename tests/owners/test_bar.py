"""The bar that a signed-in owner sees above every page, and the sections of the owner's first page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.owners import bar
from blogapp.owners.models import Owner
from tests.owners.conftest import NAME, sign_in

Publish = Callable[..., Article]


def count_owners(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Owner)) or 0


@pytest.mark.parametrize("address", ["/", "/articles/birds", "/privacy", "/owner", "/nowhere"])
def test_every_page_has_the_bar_for_a_signed_in_owner_only(
    app: Flask, client: FlaskClient, publish_article: Publish, address: str
) -> None:
    publish_article(slug="birds")
    assert "owner-bar" not in app.test_client().get(address).text
    sign_in(client)
    page = client.get(address).text
    assert page.count('<nav class="owner-bar"') == 1
    assert NAME in page
    assert 'action="/owner/sign-out"' in page


def test_reader_gets_the_same_page_after_an_owner_has_seen_it(
    app: Flask, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article(slug="birds")
    before = app.test_client().get("/articles/birds")
    sign_in(client)
    assert "owner-bar" in client.get("/articles/birds").text
    after = app.test_client().get("/articles/birds")
    assert after.data == before.data
    assert after.headers["Cache-Control"] == "public, no-cache"


def test_registered_links_are_shown_in_order_with_their_counts(app: Flask, client: FlaskClient) -> None:
    bar.add_link(app, bar.Link("privacy.show", lambda: "Second", order=92))
    bar.add_link(app, bar.Link("owner_dashboard.show", lambda: "First", order=91, count=count_owners))
    sign_in(client)
    page = client.get("/privacy").text
    links = re.search('<nav class="owner-bar".*?</nav>', page, re.DOTALL)
    assert links is not None
    words = " ".join(re.sub("<[^>]*>", " ", links[0]).split())
    assert f"First 1 Second {NAME} Sign out" in words
    assert re.search(r'href="/privacy" aria-current="page"', links[0])


def test_bar_is_in_the_language_of_the_site(app: Flask, client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="oiseaux", lang="fr")
    sign_in(client)
    page = client.get("/articles/oiseaux").text
    assert '<html lang="fr"' in page
    assert "Sign out" in page
    assert "Settings" in page
    assert "Aller au contenu" in page
    assert "Commentaires" in page


def test_registered_panels_are_sections_of_the_first_page(app: Flask, client: FlaskClient) -> None:
    bar.add_panel(app, bar.Panel("view_counts/_words.html", lambda session: None, order=91))
    sign_in(client)
    before = client.get("/owner").text.count('class="owner-panel"')
    bar.add_panel(app, bar.Panel("owners/_signed_in_again.html", lambda session: {}, order=92))
    page = client.get("/owner").text
    assert page.count('class="owner-panel"') == before + 1
    assert f"You are signed in as {NAME}." in page


def test_owner_is_looked_up_once_in_a_request(app: Flask, client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds")
    sign_in(client)
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    client.get("/articles/birds")
    assert len([each for each in statements if "owner_sessions" in each]) == 1
