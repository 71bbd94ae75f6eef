"""The redirect of an unpublished article never leads back to it."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from tests.articles.conftest import Form

MESSAGE = r'data-error-for="redirect_to"[^>]*>This address leads back to this article'


def publish(writer: FlaskClient, title: str, **fields: str) -> Form:
    form = Form(writer)
    assert form.send("publish", False, title=title, body="They sing.", **fields).status_code == 303
    return form


def unpublish(form: Form, title: str, target: str, htmx: bool = False, **fields: str) -> int:
    answer = form.send("unpublish", htmx, title=title, body="They sing.", redirect_to=target, **fields)
    if answer.status_code == 422:
        assert re.search(MESSAGE, answer.text)
    return answer.status_code


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    "target",
    [
        "/articles/birds",
        "/birds",
        "/articles/birds?a=1#b",
        "/articles/%62irds",
        "/articles/../articles/./birds/",
        "/a/%2e%2E/articles/birds",
        "/articles/birds/comments",
        "/articles/old-birds",
        "http://localhost/articles/birds",
        "HTTPS://LOCALHOST/articles/birds#comments",
    ],
)
def test_redirect_of_an_article_to_itself_is_refused(
    writer: FlaskClient, client: FlaskClient, target: str, htmx: bool
) -> None:
    form = publish(writer, "Birds", slug="old-birds")
    assert form.send("publish", title="Birds", body="They sing.", slug="birds").status_code == 303
    assert unpublish(form, "Birds", target, htmx) == 422
    assert client.get("/articles/birds").status_code == 200
    assert unpublish(form, "Birds", "/articles/owls") == 303
    assert client.get("/articles/birds").location == "/articles/owls"


def test_redirect_to_the_slug_of_the_same_form_is_refused(writer: FlaskClient, client: FlaskClient) -> None:
    form = publish(writer, "Birds")
    assert unpublish(form, "Birds", "/articles/robins", slug="robins") == 422
    assert client.get("/articles/birds").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/tags",
        "/articles/tags-of-birds",
        "/articles/a%00",
        "https://example.org/articles/tags",
        "/media/tags",
        "/a/b",
    ],
)
def test_other_redirect_is_stored(writer: FlaskClient, client: FlaskClient, target: str) -> None:
    assert unpublish(publish(writer, "Tags", slug="tags"), "Tags", target) == 303
    assert client.get("/articles/tags").location == target


def test_page_does_not_redirect_to_itself(writer: FlaskClient, client: FlaskClient) -> None:
    form = publish(writer, "About birds", kind="page")
    assert client.get("/about-birds").status_code == 200
    assert unpublish(form, "About birds", "/about-birds/", kind="page") == 422
    assert unpublish(form, "About birds", "/articles/about-birds", kind="page") == 422
    assert client.get("/about-birds").status_code == 200


def test_loop_of_several_unpublished_articles_is_refused(writer: FlaskClient, client: FlaskClient) -> None:
    birds, owls, geese = publish(writer, "Birds"), publish(writer, "Owls"), publish(writer, "Geese")
    assert unpublish(birds, "Birds", "/articles/owls") == 303
    assert unpublish(owls, "Owls", "http://localhost/articles/geese") == 303
    assert unpublish(geese, "Geese", "/articles/birds") == 422
    answer = client.get("/articles/birds", follow_redirects=True)
    assert (answer.status_code, answer.request.path) == (200, "/articles/geese")


def test_loop_below_a_path_prefix_is_refused(app: Flask, writer: FlaskClient) -> None:
    form = publish(writer, "Birds")
    root = "http://localhost/blog"
    fields = {**form.hidden, "action": "unpublish", "title": "Birds", "body": "They sing."}
    for target in ("/articles/birds", f"{root}/articles/birds"):
        answer = writer.post(form.address, data={**fields, "redirect_to": target}, base_url=root)
        assert (answer.status_code, bool(re.search(MESSAGE, answer.text))) == (422, True)
    answer = writer.post(form.address, data={**fields, "redirect_to": "http://localhost/articles/birds"}, base_url=root)
    assert answer.status_code == 303
    assert app.test_client().get("/articles/birds", base_url=root).location == "http://localhost/articles/birds"


@pytest.mark.parametrize("target", ["/articles/birds", "/articles/owls", "/articles/birds/comments.xml"])
def test_redirect_that_leads_back_later_ends_at_gone(
    app: Flask, writer: FlaskClient, client: FlaskClient, target: str
) -> None:
    """Another article gets the address, or an old version of the blog has stored the redirect."""
    birds, owls = publish(writer, "Birds"), publish(writer, "Owls")
    assert unpublish(birds, "Birds", "/articles/owls") == 303
    assert unpublish(owls, "Owls", "") == 303
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).where(Article.slug == "owls").values(redirect_to=target))
    for slug in ("birds", "owls"):
        address = f"/articles/{slug}"
        for _ in range(20):
            answer = client.get(address)
            if answer.location is None:
                break
            address = urlsplit(urljoin(address, answer.location)).path
        assert answer.status_code == 410


def test_long_chain_of_redirects_ends(app: Flask, writer: FlaskClient, client: FlaskClient) -> None:
    for number in range(14):
        unpublish(publish(writer, f"Bird {number}"), f"Bird {number}", "")
    with app.app_context(), write_transaction() as session:
        for number in range(13):
            here = Article.slug == f"bird-{number}"
            session.execute(update(Article).where(here).values(redirect_to=f"/articles/bird-{number + 1}"))
    assert client.get("/articles/bird-0").status_code == 410
    assert client.get("/articles/bird-5").location == "/articles/bird-6"
