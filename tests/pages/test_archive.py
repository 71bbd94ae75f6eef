"""Backups and exports: one file with everything, restored with the same result on both databases."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.media.models import Picture
from blogapp.owners.accounts import all_owners, save_owner
from blogapp.owners.models import Owner
from blogapp.pages.archive import ACCOUNTS, LEFT_OUT, tables
from blogapp.site.models import SiteSetting
from blogapp.site.settings import SETUP_DONE_AT
from tests.media.conftest import picture
from tests.owners.conftest import NAME, sign_in
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash

Post = Callable[..., Any]


@pytest.fixture
def empty(second_app: Flask) -> Flask:
    """A blog that was not set up yet, on SQLite, whatever the database of the other one."""
    with second_app.app_context(), write_transaction() as session:
        session.execute(delete(SiteSetting).where(SiteSetting.name == SETUP_DONE_AT))
    return second_app


@pytest.fixture
def filled(app: Flask, client: FlaskClient, publish_article: Callable[..., Any], post: Post) -> FlaskClient:
    """A blog with articles, comments in several states, a picture and view counts; its owner is signed in."""
    sign_in(client)
    upload = {"pictures": (io.BytesIO(picture(size=(600, 300))), "bird.jpg")}
    stored = client.post("/owner/pictures", data=upload, headers={"Accept": "application/json"}).get_json()
    publish_article(body=f"They *sing*.\n\n![A bird]({stored['stored'][0]['address']})", views=40)
    publish_article(slug="draft", title="Draft", draft=True)
    readers = [app.test_client() for _ in range(2)]
    first = readers[0].post("/articles/birds/comments", data={"author_name": "Ada", "body": "First **comment**"})
    number = re.findall(r"comment-(\d+)", first.location)[0]
    reply = {"author_name": "Bob", "body": "A reply", "parent_id": number}
    readers[1].post("/articles/birds/comments", data=reply)
    readers[1].post("/articles/birds/comments", data={"author_name": "Trap", "body": "spam", "homepage": "x"})
    client.post(f"/comments/{number}/likes", data={"liked": "1"})
    return client


def page_of(app: Flask, path: str = "/articles/birds") -> str:
    return app.test_client().get(path).text


def backup(app: Flask, file: Path) -> str:
    result = app.test_cli_runner().invoke(args=["backup", str(file)])
    assert result.exit_code == 0, result.output
    return result.output


def test_backup_is_restored_with_the_same_result(app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    assert "2 articles, 3 comments and 1 pictures" in backup(app, file)
    assert file.stat().st_mode & 0o777 == 0o600
    result = empty.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 0, result.output
    assert page_of(empty) == page_of(app)
    assert page_of(empty, "/") == page_of(app, "/")
    address = re.findall(r'src="(/media/[^"]+)"', page_of(app))[0]
    assert empty.test_client().get(address).data == app.test_client().get(address).data != b""
    with empty.app_context():
        assert [each.name for each in all_owners(db.session())] == [NAME]
    again = empty.test_client()
    sign_in(again)
    assert again.get("/owner").status_code == 200


def test_new_rows_get_free_ids_after_a_restore(
    app: Flask, filled: FlaskClient, session: Session, tmp_path: Path, post: Post
) -> None:
    file = tmp_path / "backup.zip"
    backup(app, file)
    assert app.test_cli_runner().invoke(args=["restore", "--force", str(file)]).exit_code == 0
    assert (
        app.test_client().post("/articles/birds/comments", data={"author_name": "Eve", "body": "New"}).status_code
        == 303
    )
    assert "New" in page_of(app)


def test_export_has_no_accounts(app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(author_name="Ada"))  # else, the only account is the author
    answer = filled.get("/owner/export.zip")
    assert answer.mimetype == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        names = archive.namelist()
        assert archive.read("articles/birds.md").decode().startswith("---\n")
        assert b"password" not in b"".join(archive.read(name) for name in names)
    assert not [name for name in names if any(table in name for table in ACCOUNTS)]
    file = tmp_path / "export.zip"
    file.write_bytes(answer.data)
    assert empty.test_cli_runner().invoke(args=["restore", str(file)]).exit_code == 0
    setup = '<a href="/owner/setup">Set up this blog</a>'
    assert page_of(empty).replace(setup, "").split() == page_of(app).split()
    assert empty.test_client().get("/owner/setup").status_code == 200  # an export does not set up the blog


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the archive is restored on SQLite
@pytest.mark.parametrize(("name", "shown"), [("chloé martin", "chloé martin"), ("Zoé", "Chloé Martin")])
def test_exported_articles_keep_their_author_with_the_account_of_the_same_name_or_without(
    app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path, name: str, shown: str
) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(update(Article).values(owner_id=session.scalar(select(Owner.id))))
    assert "<bdi>Chloé Martin</bdi>" in page_of(app)
    file = tmp_path / "export.zip"
    file.write_bytes(filled.get("/owner/export.zip").data)
    with empty.app_context(), write_transaction() as session:
        save_owner(session, "Somebody else", "no hash")  # so that the ids differ
        save_owner(session, name, "no hash")
    assert empty.test_cli_runner().invoke(args=["restore", str(file)]).exit_code == 0
    assert f"<bdi>{shown}</bdi>" in page_of(empty)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize("owners", [[], {"x": "y"}, {"1": 2}, "x", None])
def test_damaged_owners_of_an_export_are_named(
    filled: FlaskClient, empty: Flask, tmp_path: Path, owners: object
) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(io.BytesIO(filled.get("/owner/export.zip").data)) as good, zipfile.ZipFile(file, "w") as bad:
        for each in good.namelist():
            content = good.read(each)
            if each == "manifest.json":
                content = json.dumps({**json.loads(content), "owners": owners}).encode()
            bad.writestr(each, content)
    result = empty.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 1
    assert "The owners in this archive cannot be read." in result.output


def test_visitor_data_of_the_day_is_left_out(app: Flask, filled: FlaskClient, tmp_path: Path) -> None:
    backup(app, tmp_path / "backup.zip")
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert not [name for name in archive.namelist() if name.removeprefix("tables/").partition(".")[0] in LEFT_OUT]
        comments = [json.loads(line) for line in archive.read("tables/comments.jsonl").splitlines()]
    assert [each["digest"] for each in comments] == [None] * 3


def test_restore_refuses_a_blog_in_use(app: Flask, filled: FlaskClient, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    backup(app, file)
    result = app.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code != 0
    assert "not empty" in result.output


def test_failed_restore_changes_nothing(app: Flask, filled: FlaskClient, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    backup(app, file)
    before = page_of(app)
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(damaged, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(
                name, content.replace(b'"article_id": 1', b'"article_id": 99') if "comments" in name else content
            )
    result = app.test_cli_runner().invoke(args=["restore", "--force", str(damaged)])
    assert result.exit_code != 0
    assert page_of(app) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: b"no zip",
        lambda content: content[: len(content) // 2],
        lambda content: content[:2000] + bytes(200) + content[2200:],
    ],
)
def test_damaged_archives_are_refused(
    app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "backup.zip"
    backup(app, file)
    file.write_bytes(spoil(file.read_bytes()))
    result = empty.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "archive" in result.output


def test_archive_of_another_version_is_refused(app: Flask, empty: Flask, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    with zipfile.ZipFile(file, "w") as archive:
        manifest = {"format": 1, "schema": "0001", "has_accounts": True, "made_at": "", "rows": {}}
        archive.writestr("manifest.json", json.dumps(manifest))
    result = empty.test_cli_runner().invoke(args=["restore", str(file)])
    assert "made by another version" in result.output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the archive is restored on SQLite
def test_html_of_an_archive_is_not_trusted(app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path) -> None:
    file, evil = tmp_path / "backup.zip", tmp_path / "evil.zip"
    backup(app, file)
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(evil, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"<strong>", b"<script>"))
    assert empty.test_cli_runner().invoke(args=["restore", str(evil)]).exit_code == 0
    assert "<script>c" not in page_of(empty)
    assert "<strong>comment</strong>" in page_of(empty)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the archive is restored on SQLite
@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://example.org/ada"])
def test_unsafe_author_link_of_an_archive_is_left_out(
    app: Flask, filled: FlaskClient, empty: Flask, tmp_path: Path, address: str
) -> None:
    file, changed = tmp_path / "backup.zip", tmp_path / "changed.zip"
    backup(app, file)
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(changed, "w") as bad:
        for name in good.namelist():
            link = f'"author_url": "{address}"'.encode()
            bad.writestr(name, good.read(name).replace(b'"author_url": ""', link))
    assert empty.test_cli_runner().invoke(args=["restore", str(changed)]).exit_code == 0
    assert (f'href="{address}"' in page_of(empty)) == address.startswith("https:")
    assert "javascript:" not in page_of(empty)


def test_unwritable_folder_is_named(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "missing" / "backup.zip")])
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_backup_does_not_replace_what_is_no_regular_file(app: Flask, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = app.test_cli_runner().invoke(args=["backup", str(pipe)])
    assert (result.exit_code, result.output) == (1, f"Error: {pipe} is not a regular file.\n")
    assert [each.is_fifo() for each in tmp_path.iterdir() if each.name == "pipe"] == [True]


@pytest.mark.own_app
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_backup_of_a_damaged_database_leaves_no_file_and_says_what_to_do(
    app: Flask, client: FlaskClient, publish_article: Callable[..., Any], database_url: str, tmp_path: Path
) -> None:
    publish_article()
    with app.app_context():
        db.engine.dispose()
    with sqlite3.connect(database_url.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size, page = (
            connection.execute("PRAGMA page_size").fetchone()[0],
            connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'articles'").fetchone()[0],
        )
    connection.close()
    with Path(database_url.removeprefix("sqlite:///")).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    folder = tmp_path / "backups"
    folder.mkdir()
    result = app.test_cli_runner().invoke(args=["backup", str(folder / "blog.zip")])
    assert (result.exit_code, result.output) == (
        1,
        "Error: The database cannot be used now: the SQLite database is damaged. Restore a backup.\n",
    )
    assert list(folder.iterdir()) == []
    assert client.get("/").status_code == 503


def test_every_table_is_in_a_backup_or_left_out_on_purpose() -> None:
    names = {table.name for table in tables(with_accounts=True)}
    assert names | LEFT_OUT == set(db.metadata.tables)
    assert not names & LEFT_OUT
    assert names >= ACCOUNTS


def test_many_pictures_are_not_sent_as_one_response(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    with app.app_context(), write_transaction() as session:
        session.add(
            Picture(hash="0" * 32, width=1, height=1, size=200_000_000, name="x", alt="", created_at=clock.now())
        )
    answer = client.get("/owner/export.zip")
    assert answer.status_code == 409
    assert "flask backup" in answer.text


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("comments", b'"article_id": 1,', b'"article_id": 99,'),
        ("comments", b'"created_at": "2', b'"created_at": "x'),
        ("articles", b'"slug"', b'"unknown"'),
        ("articles", b"{", b"["),
        ("articles", b'"tags": []', b'"tags": null'),
        ("picture_files", b'"width": 600', b'"width": 601'),
    ],
)
def test_rows_that_cannot_be_read_are_named(
    app: Flask, filled: FlaskClient, tmp_path: Path, table: str, old: bytes, new: bytes
) -> None:
    file, changed = tmp_path / "backup.zip", tmp_path / "changed.zip"
    backup(app, file)
    before = page_of(app)
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(changed, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            assert name != f"tables/{table}.jsonl" or old in content
            bad.writestr(name, content.replace(old, new) if name == f"tables/{table}.jsonl" else content)
    result = app.test_cli_runner().invoke(args=["restore", "--force", str(changed)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert table in result.output
    assert page_of(app) == before
