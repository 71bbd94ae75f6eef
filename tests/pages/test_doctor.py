"""`flask doctor` says what is wrong with an installation, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from blogapp import clock
from blogapp.db.base import db
from blogapp.pages.doctor import Finding, examine
from blogapp.settings import SECRET_KEY_FILE
from blogapp.site.storage import HOST, Storage
from tests.conftest import locked


def findings(app: Flask, storage: Storage | None = None, ahead: int = 0, **environ: str) -> dict[str, Finding]:
    with app.app_context():
        settings = app.extensions["storage_settings"]
        now = clock.now() + timedelta(minutes=ahead)
        return {each.name: each for each in examine(db.session(), settings, storage or Storage(None), environ, now)}


def test_every_line_of_a_good_installation_is_fine(app: Flask) -> None:
    found = findings(app)
    assert [each.text() for each in found.values() if not each.is_fine] == []
    assert list(found) == ["Database", "Schema", "Clock", "Storage", "Backups", "Proxies", "Secret key", "File rights"]


def test_command_prints_the_lines_and_fails_if_one_is_wrong(
    runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNO", "web.1")
    done = runner.invoke(args=["doctor"])
    assert done.exit_code == 1
    assert "ok     Schema: The tables of the database are those of this version." in done.output
    assert "WRONG  Proxies: Heroku has a proxy, but TRUSTED_PROXIES is 0" in done.output
    assert "sign in and open /owner/doctor" in done.output


def test_lost_data_and_a_full_disk_are_named(app: Flask, tmp_path: Path) -> None:
    found = findings(app, Storage(tmp_path, HOST, "Render", free=5_000_000))
    assert "Render does not keep your data here" in found["Storage"].text()
    assert found["Free space"].text() == "5 MB are free. Make some room."
    assert not found["Free space"].is_fine
    assert not findings(app, Storage(None, loses_key=True))["Secret key"].is_fine


@pytest.mark.settings(SITE_URL="https://example.org", TRUSTED_PROXIES="1")
def test_trusted_proxy_is_fine(app: Flask) -> None:
    assert findings(app, RENDER="true")["Proxies"].is_fine


@pytest.mark.settings(SITE_URL="https://example.org")
def test_proxy_that_is_not_trusted_is_named(app: Flask) -> None:
    assert "Set TRUSTED_PROXIES to the number of proxies" in findings(app)["Proxies"].text()


def test_start_warns_of_a_proxy_that_is_not_trusted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def warnings() -> list[str]:
        lines = [notice("http://127.0.0.1:8000") for notice in app.extensions["start_notices"]]
        return [line for line in lines if "TRUSTED_PROXIES" in line]

    assert warnings() == []
    monkeypatch.setenv("CC_PRETTY_INSTANCE_NAME", "Quiet Bird")
    assert warnings() == [
        "WARNING: Clever Cloud has a proxy, but TRUSTED_PROXIES is 0: all visitors seem to have the same address. "
        "Set TRUSTED_PROXIES to the number of proxies, usually 1."
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_clock_is_compared_with_that_of_the_server(app: Flask) -> None:
    assert findings(app, ahead=3)["Clock"].is_fine
    assert "min from that of the database server" in findings(app, ahead=10)["Clock"].text()


@pytest.mark.own_app
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_rights_of_files_are_named(app: Flask, tmp_path: Path) -> None:
    key = tmp_path / SECRET_KEY_FILE
    key.touch(mode=0o644)
    app.extensions["storage_settings"] = replace(app.extensions["storage_settings"], data_dir=tmp_path)
    app.extensions["database_file"].chmod(0o666)
    sentence = findings(app)["File rights"].text()
    assert f"chmod 600 {key}" in sentence
    assert f"chmod o-w {app.extensions['database_file']}" in sentence


def test_locked_database_is_no_fault(app: Flask, database_url: str) -> None:
    with locked(database_url, "comments", "EXCLUSIVE"):
        assert findings(app)["Database"].is_fine
