"""Every change that readers can see raises the version of its article and of the site, and the change marker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.comments.models import PENDING, Comment
from blogapp.db.change_marker import removals
from blogapp.db.content_versions import EVERYTHING, SITE, ContentVersion

PASSWORD = "a long pass phrase for tests"
Post = Callable[..., TestResponse]
Publish = Callable[..., Article]


class Site:
    """An article "birds" with a published comment 1 of `author`, a pending comment 2, and a signed-in owner."""

    def __init__(self, app: Flask, author: FlaskClient, runner: FlaskCliRunner, folder: Path) -> None:
        self.author, self.runner, self.folder = author, runner, folder
        self.reader, self.owner = app.test_client(), app.test_client()
        self.command("owner", "create", "--name", "Chloe", "--password", PASSWORD)
        self.owner.post("/owner/sign-in", data={"name": "Chloe", "password": PASSWORD})

    def command(self, *arguments: str) -> None:
        result = self.runner.invoke(args=list(arguments))
        assert result.exit_code == 0, result.output

    def import_file(self, front_matter: str, text: str = "They sing.") -> None:
        file = self.folder / "birds.md"
        file.write_text(f"---\ntitle: Birds\nslug: birds\n{front_matter}---\n{text}\n")
        self.command("articles", "import", str(file))


def send(client: FlaskClient, address: str, **form: str) -> None:
    assert client.post(address, data=form).status_code == 303


CHANGES: dict[str, Callable[[Site], None]] = {
    "post": lambda site: send(site.reader, "/articles/birds/comments", author_name="Bea", body="Hello"),
    "edit": lambda site: send(site.author, "/comments/1/edit", body="Other words", revision="0"),
    "delete": lambda site: send(site.author, "/comments/1/delete"),
    "edit by the owner": lambda site: send(site.owner, "/comments/1/edit", body="Other words", revision="0"),
    "remove": lambda site: send(site.owner, "/comments/1/removal"),
    "approve": lambda site: send(site.owner, "/comments/2/approval", revision="0"),
    "spam": lambda site: send(site.owner, "/comments/1/spam"),
    "delete for good": lambda site: send(site.owner, "/comments/1/erasure"),
    "lock": lambda site: send(site.owner, "/comments/1/lock", on="1"),
    "pin": lambda site: send(site.owner, "/comments/1/pin", on="1"),
    "close": lambda site: send(site.owner, "/owner/comments/settings", article="birds", closed="1"),
    "remove many": lambda site: send(site.owner, "/owner/comments/bulk", all="1", status="published", action="remove"),
    "remove by command": lambda site: site.command("comments", "remove", "1"),
    "approve by command": lambda site: site.command("comments", "approve", "2"),
    "like": lambda site: send(site.reader, "/comments/1/likes", liked="1"),
    "import": lambda site: site.import_file("", "They sing again."),
    "unpublish": lambda site: site.import_file("draft: true\n"),
    "remove the article": lambda site: site.command("articles", "remove", "birds", "--yes"),
}


# After these, cached pages of earlier content may be served while the database is unavailable.
ADDITIONS = {"post", "like"}


@pytest.fixture
def site(
    app: Flask, client: FlaskClient, runner: FlaskCliRunner, publish_article: Publish, post: Post, tmp_path: Path
) -> Site:
    publish_article(slug="birds")
    post("birds", body="First text")
    return Site(app, client, runner, tmp_path)


def versions(session: Session) -> dict[int, int]:
    return {row.id: row.version for row in session.scalars(select(ContentVersion))}


@pytest.mark.parametrize("change", CHANGES)
def test_change_raises_versions_and_marker(site: Site, app: Flask, session: Session, change: str) -> None:
    app.extensions["site"] = replace(app.extensions["site"], comment_moderation="all")
    send(site.reader, "/articles/birds/comments", author_name="Eve", body="Awaiting approval")
    app.extensions["site"] = replace(app.extensions["site"], comment_moderation="open")
    assert session.scalars(select(Comment.status).where(Comment.id == 2)).one() == PENDING
    article_id = session.scalars(select(Article.id)).one()
    marker = app.extensions["writing"].marker
    before, marked = versions(session), marker.read()
    CHANGES[change](site)
    after = versions(session)
    assert after[article_id] > before[article_id]
    assert after[SITE] > before[SITE]
    assert marker.read() not in {marked, None}
    assert (removals(marker.read()) == removals(marked)) is (change in ADDITIONS)


SETTINGS = {"site_title": "Birds", "lang": "en", "time_zone": "Europe/Paris"}
# What is the same on all pages is cached until one of these (db/query_cache.py).
CHANGES_TO_EVERYTHING: dict[str, Callable[[Site], None]] = {
    "settings": lambda site: send(site.owner, "/owner/settings", **SETTINGS),
    "new owner": lambda site: site.command("owner", "create", "--name", "Zoe", "--password", PASSWORD),
    "title": lambda site: site.import_file("tags: [larks]\n"),
    "page in the menu": lambda site: site.import_file("kind: page\n"),
    "unpublish": CHANGES["unpublish"],
    "remove the article": CHANGES["remove the article"],
}


@pytest.mark.parametrize("change", CHANGES_TO_EVERYTHING)
def test_change_of_what_all_pages_show_raises_all_versions(site: Site, session: Session, change: str) -> None:
    before = versions(session)
    assert EVERYTHING in before
    CHANGES_TO_EVERYTHING[change](site)
    after = versions(session)
    assert all(after[key] > before[key] for key in before)


CHANGES_TO_RULES: dict[str, Callable[[Site], None]] = {
    "list of spam": lambda site: send(site.owner, "/owner/comments/rules", terms="pills"),
    "ban": lambda site: send(site.owner, "/comments/1/ban", days="1"),
}


@pytest.mark.parametrize("change", CHANGES_TO_RULES)
def test_change_of_rules_raises_only_the_version_of_what_is_cached(
    site: Site, app: Flask, session: Session, change: str
) -> None:
    before, marked = versions(session), app.extensions["writing"].marker.read()
    CHANGES_TO_RULES[change](site)
    assert versions(session) == {**before, EVERYTHING: before[EVERYTHING] + 1}
    assert app.extensions["writing"].marker.read() == marked


def test_restoring_a_comment_raises_versions(site: Site, session: Session) -> None:
    site.command("comments", "remove", "1")
    before = versions(session)
    send(site.owner, "/comments/1/restoration")
    after = versions(session)
    assert all(after[key] > before[key] for key in before if key != EVERYTHING)


def test_signing_in_raises_no_version(site: Site, app: Flask, session: Session) -> None:
    before, marked = versions(session), app.extensions["writing"].marker.read()
    send(app.test_client(), "/owner/sign-in", name="Chloe", password=PASSWORD)
    send(site.owner, "/owner/sign-out")
    assert (versions(session), app.extensions["writing"].marker.read()) == (before, marked)
