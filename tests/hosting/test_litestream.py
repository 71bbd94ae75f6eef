"""Litestream, the real program, copies a blog while it is used, with the configuration of docs/hosting."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import clock, create_app
from blogapp.site import daily_backups, storage
from blogapp.view_counts import batch_writer
from tests.conftest import SECRET_KEY, dispose, eventually
from tests.harness.programs import packaged
from tests.harness.server import ROOT

pytestmark = [pytest.mark.own_app, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
CONFIGURATION = str(ROOT / "docs" / "hosting" / "litestream.yml")


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    folder = Path(database_url.removeprefix("sqlite:///")).parent
    return {**os.environ, "DATA_DIR": str(folder), "LITESTREAM_REPLICA": f"file://{tmp_path / 'replica'}"}


@pytest.fixture
def litestream(app: Flask, environ: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [packaged("litestream"), "replicate", "-config", CONFIGURATION],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: any((tmp_path / "replica").rglob("*.ltx")), True)
    yield process
    process.kill()
    process.wait()


def test_comments_are_in_the_copy_that_litestream_restores(
    app: Flask,
    litestream: subprocess.Popen[bytes],
    environ: dict[str, str],
    tmp_path: Path,
    publish_article: object,
    post: object,
) -> None:
    publish_article(slug="birds")  # type: ignore[operator]
    for number in range(5):
        post("birds", body=f"Comment number {number}")  # type: ignore[operator]
    litestream.terminate()  # copies the rest before it ends
    litestream.wait(30)
    restored = tmp_path / "restored" / "blog.sqlite3"
    restored.parent.mkdir()
    subprocess.run(
        [
            packaged("litestream"),
            "restore",
            "-config",
            CONFIGURATION,
            "-o",
            str(restored),
            f"{environ['DATA_DIR']}/blog.sqlite3",
        ],
        env=environ,
        check=True,
        timeout=60,
    )
    copy = create_app({"SECRET_KEY": SECRET_KEY}, restored.parent)
    page = copy.test_client().get("/articles/birds").text
    dispose(copy)
    assert [number for number in range(5) if f"Comment number {number}" in page] == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("litestream")
def test_daily_backups_are_made_beside_litestream(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "mounts", list)  # the tests' folder may be in memory
    monkeypatch.setattr(daily_backups, "LEAST_FREE", 0)
    monkeypatch.setattr(batch_writer, "BEGIN_AFTER", 0)
    client.get("/")
    backups = tmp_path / "instance" / "backups"
    eventually(lambda: [each.day for each in daily_backups.backups_in(backups)], [clock.now().date()])
