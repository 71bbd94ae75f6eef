"""The title of a page with a refused form begins with "Error:", which screen readers read first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password

Publish = Callable[..., Article]

PASSWORD = "correct horse battery"
# The address, the fields, and the beginning of the title.
OF_READERS = [
    ("/articles/birds/comments", {"body": ""}, "Birds"),
    ("/articles/birds/comments", {"body": "", "parent_id": "1"}, "Reply to Ada"),
    ("/comments/1/edit", {"body": ""}, "Edit comment"),
    ("/comments/preview", {"article": "birds", "body": "x" * 30_000}, "Preview"),
    ("/owner/sign-in", {"name": "Chloé", "password": "wrong"}, "Sign in"),
    ("/owner/recovery", {}, "Choose a new password"),
    ("/owner/recovery", {"reset_code": "wrong", "password": PASSWORD}, "Choose a new password"),
]
OF_OWNERS = [
    ("/owner/settings", {"site_title": ""}, "Settings"),
    ("/owner/import", {}, "Settings"),
    ("/owner/security/password", {}, "Security"),
    ("/owner/security/password", {"present_password": "wrong", "password": PASSWORD}, "Security"),
    ("/owner/security/recovery-codes", {"present_password": "wrong"}, "Security"),
    ("/owner/security/passkeys", {"credential": "x"}, "Security"),
    ("/owner/articles/new", {"action": "publish"}, "New article"),
    ("/owner/articles/1/edit", {"action": "publish", "title": "", "body": "", "revision": "1"}, "Edit article"),
    ("/owner/articles/1/edit", {"action": "save", "title": "Old", "body": "Old", "revision": "0"}, "Edit article"),
    ("/owner/pictures", {}, "Pictures"),
    ("/owner/settings/logo", {}, "Logo"),
    ("/owner/comments/bulk", {"action": "approve"}, "Comments"),
    ("/comments/1/approval", {"revision": "7"}, "Approve"),
]


@pytest.mark.settings(SITE_LOCALE="en", RESET_CODE="a secret of the host")
def test_title_of_every_refused_form_begins_with_error(app: Flask, publish_article: Publish) -> None:
    publish_article(slug="birds", lang="en")
    with app.app_context(), write_transaction() as session:
        save_owner(session, "Chloé", hash_password(PASSWORD))
    reader, owner = app.test_client(), app.test_client()
    reader.post("/articles/birds/comments", data={"author_name": "Ada", "body": "Hello"})
    assert owner.post("/owner/sign-in", data={"name": "Chloé", "password": PASSWORD}).status_code == 303
    for client, forms in ((reader, OF_READERS), (owner, OF_OWNERS)):
        for address, fields, title in forms:
            page = client.post(address, data=fields).text
            assert f"<title>Error: {title}" in page, (address, fields)


def test_title_of_a_refused_form_is_in_the_language_of_the_page(app: Flask, publish_article: Publish) -> None:
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    page = app.test_client().post("/articles/oiseaux/comments", data={"body": ""}).text
    assert "<title>Erreur\N{NO-BREAK SPACE}: Oiseaux" in page
