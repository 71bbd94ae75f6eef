"""The page of owners' accounts: a second owner is added and removed in the browser."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from blogapp.articles.models import Article, ArticleRevision
from blogapp.db.base import db
from blogapp.owners.models import Owner, RecoveryCode
from tests.owners.conftest import PASSWORD, sign_in

ADA = "Ada Lovelace"
ADAS_PASSWORD = "another correct horse"


@pytest.fixture
def chloe(client: FlaskClient) -> FlaskClient:
    sign_in(client)
    return client


def add(client: FlaskClient, name: str = ADA, password: str = PASSWORD) -> str:
    """Add an owner; returns the code."""
    page = client.post("/owner/accounts", data={"name": name, "present_password": password})
    assert page.status_code == 200
    found = re.search(r"<code>([^<]+)</code>", page.text)
    assert found
    return found.group(1)


def join(app: Flask, code: str) -> FlaskClient:
    """The browser of a new owner, who has chosen a password with the code."""
    browser = app.test_client()
    answer = browser.post("/owner/recovery", data={"reset_code": code, "password": ADAS_PASSWORD})
    assert answer.status_code == 200
    return browser


def names(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Owner.name).order_by(Owner.id)))


def removal_of(app: Flask, name: str) -> str:
    with app.app_context():
        return f"/owner/accounts/{db.session.scalar(select(Owner.id).where(Owner.name == name))}/removal"


def is_known(browser: FlaskClient, name: str) -> bool:
    return f"You are signed in as {name}." in browser.get("/owner/sign-in").text


def errors(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-error-for="(\w+)">([^<]+)<', page))


def test_added_owner_chooses_a_password_with_the_code_and_writes(app: Flask, chloe: FlaskClient) -> None:
    code = add(chloe)
    ada = join(app, code)
    assert is_known(ada, ADA)
    answer = ada.post("/owner/articles/new", data={"title": "Notes", "body": "On the engine.", "action": "publish"})
    assert answer.status_code == 303
    assert ADA in app.test_client().get("/articles/notes").text
    # The code works once, and the password from then on.
    again = app.test_client().post("/owner/recovery", data={"reset_code": code, "password": "yet another horse"})
    assert again.status_code == 422
    other = app.test_client()
    sign_in(other, name=ADA, password=ADAS_PASSWORD)
    assert is_known(other, ADA)


def test_added_owner_gets_recovery_codes_that_work(app: Flask, chloe: FlaskClient) -> None:
    form = {"reset_code": add(chloe), "password": ADAS_PASSWORD}
    answer = app.test_client().post("/owner/recovery", data=form)
    assert answer.headers["Cache-Control"] == "private, no-store"
    codes = re.findall(r"<li><code>([^<]+)</code>", answer.text)
    assert len(set(codes)) == 10
    other = app.test_client()
    again = other.post("/owner/recovery", data={"reset_code": codes[0], "password": "yet another horse"})
    assert again.location == "/owner/security?notice=password"
    assert is_known(other, ADA)


def test_second_owner_changes_cached_pages_of_articles_without_author(app: Flask, chloe: FlaskClient) -> None:
    file = "---\ntitle: Birds\nslug: birds\nlang: en\ndate: 2026-01-02\n---\nThey sing.\n"
    path = Path(app.instance_path) / "birds.md"
    path.write_text(file)
    assert app.test_cli_runner().invoke(args=["articles", "import", str(path)]).exit_code == 0
    reader = app.test_client()
    assert '<meta name="author" content="Chloé Martin">' in reader.get("/articles/birds").text
    add(chloe)
    assert '<meta name="author"' not in reader.get("/articles/birds").text


def test_code_is_the_only_one_and_not_stored(app: Flask, chloe: FlaskClient) -> None:
    code = add(chloe)
    with app.app_context():
        ada = db.session.scalar(select(Owner).where(Owner.name == ADA))
        assert ada is not None
        (kept,) = db.session.scalars(select(RecoveryCode).where(RecoveryCode.owner_id == ada.id))
        assert code.encode() not in kept.code_hash
    assert code not in chloe.get("/owner/accounts").text


@pytest.mark.parametrize(
    ("data", "field", "status"),
    [
        ({"name": "", "present_password": PASSWORD}, "name", 422),
        ({"name": "x" * 61, "present_password": PASSWORD}, "name", 422),
        ({"name": ADA, "present_password": "wrong"}, "present_password", 422),
        ({"name": ADA}, "present_password", 422),
        ({"name": "CHLOÉ martin", "present_password": PASSWORD}, "name", 422),
        ({"name": "Сhloé Мartin", "present_password": PASSWORD}, "name", 422),  # Cyrillic letters
    ],
)
def test_wrong_input_adds_nobody_and_is_kept(
    app: Flask, chloe: FlaskClient, data: dict[str, str], field: str, status: int
) -> None:
    before = names(app)
    page = chloe.post("/owner/accounts", data=data)
    assert page.status_code == status
    assert list(errors(page.text)) == [field]
    assert f'value="{data["name"]}"' in page.text
    assert PASSWORD not in page.text
    assert names(app) == before


def test_removed_owner_is_signed_out_and_their_articles_keep_the_name(app: Flask, chloe: FlaskClient) -> None:
    ada = join(app, add(chloe))
    ada.post("/owner/articles/new", data={"title": "Notes", "body": "On the engine.", "action": "publish"})
    reader = app.test_client()
    assert ADA in reader.get("/articles/notes").text
    address = removal_of(app, ADA)
    assert f"Remove the owner {ADA}?" in chloe.get(address).text
    answer = chloe.post(address, data={"present_password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/owner/accounts?notice=removed")
    assert "The owner has been removed." in chloe.get(answer.location).text
    assert not is_known(ada, ADA)
    assert ada.post("/owner/sign-in", data={"name": ADA, "password": ADAS_PASSWORD}).status_code == 422
    assert ADA in reader.get("/articles/notes").text
    with app.app_context():
        article = db.session.scalars(select(Article).where(Article.slug == "notes")).one()
        assert (article.owner_id, article.author_name) == (None, ADA)
        revisions = db.session.scalars(select(ArticleRevision).where(ArticleRevision.article_id == article.id)).all()
        assert {each.author_name for each in revisions} == {ADA}


def test_owner_is_removed_only_with_the_password(app: Flask, chloe: FlaskClient) -> None:
    add(chloe)
    page = chloe.post(removal_of(app, ADA), data={"present_password": "wrong"})
    assert page.status_code == 422
    assert list(errors(page.text)) == ["present_password"]
    assert ADA in names(app)


def test_nobody_removes_their_own_account(app: Flask, chloe: FlaskClient) -> None:
    (name,) = names(app)
    address = removal_of(app, name)
    assert chloe.get(address).status_code == 404
    assert chloe.post(address, data={"present_password": PASSWORD}).status_code == 404
    assert names(app) == [name]


def test_of_two_owners_who_remove_each_other_one_stays(app: Flask, chloe: FlaskClient) -> None:
    (first,) = names(app)
    ada = join(app, add(chloe))
    posts = [(chloe, removal_of(app, ADA), PASSWORD), (ada, removal_of(app, first), ADAS_PASSWORD)]
    threads = [
        Thread(target=browser.post, args=[address], kwargs={"data": {"present_password": password}})
        for browser, address, password in posts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(app)) == 1


def test_page_is_for_owners_only(app: Flask, client: FlaskClient, runner: FlaskCliRunner) -> None:
    for address in ("/owner/accounts", "/owner/accounts/1/removal"):
        assert client.get(address).status_code == 302
        assert client.post(address, data={"name": ADA}).status_code == 401
    assert ADA not in names(app)
