"""The upload of an archive into an empty blog, in the browser."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import DELETED, DRAFT, Article
from blogapp.db.schema import REVISIONS
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.pages.archive import ArchiveError, verify_archive
from tests.owners.conftest import NAME, sign_in
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.pages.test_archive import filled as filled
from tests.pages.test_archive import page_of
from tests.site.test_settings import UNUSABLE


@pytest.fixture
def other(second_app: Flask, password_hash: str) -> FlaskClient:
    """The owner's browser on another, empty blog on SQLite."""
    with second_app.app_context(), write_transaction() as session:
        save_owner(session, NAME, password_hash)
    client = second_app.test_client()
    assert sign_in(client).status_code == 303
    return client


def upload(client: FlaskClient, file: bytes, name: str = "blog.zip") -> Any:
    return client.post("/owner/import", data={"archive": (io.BytesIO(file), name)})


def test_download_is_imported_into_an_empty_blog_with_the_same_result(
    filled: FlaskClient, app: Flask, other: FlaskClient
) -> None:
    file = filled.get("/owner/export.zip").data
    filled.post("/owner/articles/new", data={"action": "save", "title": "Later"})
    assert 'name="archive"' in other.get("/owner/settings").text
    answer = upload(other, file)
    assert answer.location == "/owner/settings?notice=imported"
    page = other.get(answer.location).text
    assert re.search(r'id="status"[^>]* autofocus>The archive is imported.', page)
    assert "A download can be imported into an empty blog only." in page
    assert page_of(other.application) == page_of(app)
    assert "/articles/birds" in other.application.test_client().get("/search?q=sing").text
    assert upload(other, file).status_code == 422


def test_import_into_a_blog_with_articles_is_refused(filled: FlaskClient, app: Flask) -> None:
    before = page_of(app)
    answer = upload(filled, filled.get("/owner/export.zip").data)
    assert answer.status_code == 422
    assert 'data-error-for="archive">This blog is not empty' in answer.text
    assert page_of(app) == before


def archive(**changes: Any) -> bytes:
    manifest = {"format": 1, "schema": REVISIONS[-1], "has_accounts": False, "made_at": "", "rows": {}, **changes}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("manifest.json", json.dumps(manifest))
    return file.getvalue()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the other blog is on SQLite
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "damaged or incomplete"),
        (b"no zip", "damaged or incomplete"),
        (archive(format=2), "another version"),
        (archive(schema="0001"), "another version"),
        (archive(rows=3), "not a download from this blog software"),
        (archive(more=3), "not a download from this blog software"),
        (archive(rows={"articles": 3}), "damaged or incomplete"),
        (archive(), "damaged or incomplete"),
    ],
)
def test_wrong_file_gets_a_message(other: FlaskClient, file: bytes, sentence: str) -> None:
    answer = upload(other, file)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert other.post("/owner/import", data={}).status_code == 422


def test_backup_with_accounts_is_refused(
    filled: FlaskClient, runner: FlaskCliRunner, other: FlaskClient, tmp_path: Path
) -> None:
    assert runner.invoke(args=["backup", str(tmp_path / "backup.zip")]).exit_code == 0
    answer = upload(other, (tmp_path / "backup.zip").read_bytes())
    assert answer.status_code == 422
    assert "a backup with accounts" in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the archive is imported on SQLite
def test_damaged_archive_changes_nothing(filled: FlaskClient, other: FlaskClient) -> None:
    whole = filled.get("/owner/export.zip").data
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    for changed in (
        {"tables/comments.jsonl": b'{"id": 1}\n' * parts["tables/comments.jsonl"].count(b"\n")},
        {"tables/articles.jsonl": parts["tables/articles.jsonl"].replace(b'"edit_version": ', b'"edit_version": "x')},
        {"tables/articles.jsonl": parts["tables/articles.jsonl"].replace(b'"title": "', b'"title": 1, "slug": "')},
    ):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as made:
            for name, content in {**parts, **changed}.items():
                made.writestr(name, content)
        answer = upload(other, file.getvalue())
        assert answer.status_code == 422
        assert "damaged or incomplete" in answer.text
    assert upload(other, whole).status_code == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_any_damage_is_found_before_anything_is_written(filled: FlaskClient) -> None:
    whole, numbers = filled.get("/owner/export.zip").data, random.Random(1)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(numbers.randint(1, 4)):
            broken[numbers.choice([numbers.randrange(len(whole)), -numbers.randrange(1, 2_000)])] = numbers.randrange(
                256
            )
        with contextlib.suppress(ArchiveError):
            verify_archive(io.BytesIO(bytes(broken)))


def test_unpacked_archive_has_a_limit(filled: FlaskClient) -> None:
    with pytest.raises(ArchiveError, match="too large"):
        verify_archive(io.BytesIO(filled.get("/owner/export.zip").data), most=1000)


def changed_archive(whole: bytes, changed: Callable[[str, bytes], bytes], **options: Any) -> bytes:
    """The archive with the content of each file changed, in its order."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as opened, zipfile.ZipFile(file, "w", **options) as made:
        for name in opened.namelist():
            made.writestr(name, changed(name, opened.read(name)))
    return file.getvalue()


def with_setting(whole: bytes, name: str, value: str) -> bytes:
    """The archive with one setting, and no others."""

    def change(part: str, content: bytes) -> bytes:
        if part == "tables/site_settings.jsonl":
            return json.dumps({"name": name, "value": value}).encode() + b"\n"
        if part == "manifest.json":
            manifest = json.loads(content)
            manifest["rows"]["site_settings"] = 1
            return json.dumps(manifest).encode()
        return content

    return changed_archive(whole, change)


def with_values(whole: bytes, table: str, **values: Any) -> bytes:
    """The archive with other values in all rows of a table."""

    def change(name: str, content: bytes) -> bytes:
        if name != f"tables/{table}.jsonl":
            return content
        return b"".join(json.dumps(json.loads(line) | values).encode() + b"\n" for line in content.splitlines())

    return changed_archive(whole, change)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_archive_with_unusable_values_is_refused_and_names_them(filled: FlaskClient, other: FlaskClient) -> None:
    whole = filled.get("/owner/export.zip").data
    for name, value in UNUSABLE.items():
        answer = upload(other, with_setting(whole, name, value))
        assert (name, answer.status_code) == (name, 422)
        assert f"does not know ({name})" in answer.text
    for table, column, value in (
        ("articles", "lang", "xx"),
        ("articles", "kind", "x"),
        ("articles", "comments", "x"),
        ("articles", "status", "x"),
        ("comments", "status", "x"),
    ):
        answer = upload(other, with_values(whole, table, **{column: value}))
        assert (table, column, answer.status_code) == (table, column, 422)
        assert f"does not know ({table}, {column}, 1)" in answer.text
    damaged: tuple[tuple[str, str, Any], ...] = (
        ("comments", "id", 10**30),
        ("articles", "tags", 5),
        ("articles", "published_at", "0001-01-01T00:00:00+00:00"),
    )
    for table, column, wrong in damaged:
        assert upload(other, with_values(whole, table, **{column: wrong})).status_code == 422
    assert other.get("/").status_code == 200
    assert upload(other, whole).status_code == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_oddly_packed_archives_are_refused(
    filled: FlaskClient, other: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = filled.get("/owner/export.zip").data
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        answer = upload(other, changed_archive(whole, lambda name, content: content, compression=compression))
        assert answer.status_code == 422
        assert "damaged or incomplete" in answer.text
    monkeypatch.setattr("blogapp.pages.archive.LARGEST_PART", 100)
    assert upload(other, whole).status_code == 422
    with pytest.raises(ArchiveError, match="too long"):
        verify_archive(io.BytesIO(whole))
    monkeypatch.setattr("blogapp.pages.archive.LARGEST_MANIFEST", 10)
    assert "not a download from this blog software" in upload(other, whole).text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_import_keeps_the_bin_and_the_library(
    filled: FlaskClient, app: Flask, session: Session, runner: FlaskCliRunner, tmp_path: Path
) -> None:
    whole = filled.get("/owner/export.zip").data
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Article).values(status=DELETED, status_before=DRAFT, deleted_at=clock.now()))
    answer = upload(filled, whole)
    assert answer.status_code == 422
    assert "The bin of this blog has articles" in answer.text
    assert "The bin of this blog has articles" in filled.get("/owner/settings").text
    assert session.scalar(select(func.count(Article.id))) == 2
    with app.app_context(), write_transaction() as writing:
        writing.execute(delete(Article))
    answer = upload(filled, whole)
    assert answer.status_code == 422
    assert "The library of this blog has pictures" in answer.text
    file = tmp_path / "export.zip"
    file.write_bytes(whole)
    result = runner.invoke(args=["restore", str(file)])
    assert (result.exit_code, "not empty (pictures)" in result.output) == (1, True)
    assert runner.invoke(args=["restore", "--force", str(file)]).exit_code == 0


def test_import_is_for_owners_only(app: Flask, publish_article: Callable[..., Any]) -> None:
    publish_article()
    assert upload(app.test_client(), b"x").status_code == 401
