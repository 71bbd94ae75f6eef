"""An error on an article's page, or about one of its comments, is in the article's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX
from tests.comments.test_threads import counted

Publish = Callable[..., Article]
OTHER_SITE = {"Sec-Fetch-Site": "cross-site"}
TOO_LARGE = {"author_name": "Ada", "body": "x" * 70_000}


@pytest.fixture
def hidden(app: Flask, client: FlaskClient, publish_article: Publish) -> int:
    """The number of a hidden comment on a French article, on a site in English."""
    publish_article(slug="oiseaux", lang="fr")
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Bonjour"})
    with app.app_context(), write_transaction() as session:
        session.execute(update(Comment).values(shown=False))
    return 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_errors_are_in_the_language_of_the_article(client: FlaskClient, hidden: int, headers: dict[str, str]) -> None:
    post = client.post
    for answer, sentence in (
        (post("/articles/oiseaux/comments", headers=headers | OTHER_SITE), "La requête vient d’un autre site"),
        (post("/articles/oiseaux/comments", data=TOO_LARGE, headers=headers), "Votre envoi est trop volumineux"),
        (post("/articles/oiseaux/views", headers=headers | OTHER_SITE), "La requête vient d’un autre site"),
        (post(f"/comments/{hidden}/likes", headers=headers), "Ce commentaire n’existe pas ou n’est plus affiché."),
        (client.get(f"/comments/{hidden}/reply", headers=headers), "Commentaire introuvable"),
        (post(f"/comments/{hidden}/edit", headers=headers | OTHER_SITE), "La requête vient d’un autre site"),
    ):
        assert answer.status_code >= 400
        assert sentence in answer.text.replace("\u202f", " ")
        if not headers:
            assert '<html lang="fr"' in answer.text


def test_htmx_keeps_the_form_that_is_too_large(client: FlaskClient, hidden: int) -> None:
    answers = [client.post("/articles/oiseaux/comments", data=TOO_LARGE, headers=each).text for each in ({}, HTMX)]
    assert ["revenez en arrière" in each for each in answers] == [True, False]


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_limit_of_likes_is_in_the_language_of_the_article(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="oiseaux", lang="fr")
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Bonjour"})
    answers = [client.post("/comments/1/likes", headers=HTMX) for _ in range(21)]
    assert answers[-1].status_code == 429
    assert "Trop de requêtes depuis votre réseau." in answers[-1].text


@pytest.mark.parametrize(
    "address", ["/articles/brouillon", "/articles/demain", "/articles/x%00y", "/articles/no", "/comments/99", "/no"]
)
def test_language_does_not_reveal_what_readers_do_not_see(
    client: FlaskClient, publish_article: Publish, address: str
) -> None:
    publish_article(slug="brouillon", lang="fr", draft=True)
    publish_article(slug="demain", lang="fr", published_at=datetime(2126, 1, 2, tzinfo=UTC))
    answer = client.get(address)
    assert answer.status_code == 404
    assert '<html lang="en"' in answer.text


def test_language_costs_one_query(app: Flask, client: FlaskClient, hidden: int) -> None:
    client.get("/articles/oiseaux")  # the settings are cached
    with counted(app) as statements:
        client.post("/articles/oiseaux/comments", headers=HTMX | OTHER_SITE)
    assert len([each for each in statements if "articles" in each]) == 1
