"""The storage check says whether the host keeps the data."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from blogapp.site.storage import CONTAINER, HOST, MEMORY, Storage, current_storage, start_notice, storage_of

ROOT, OVERLAY = (Path("/"), "ext4"), (Path("/"), "overlay")
FOLDER = Path("/nowhere/data")


def mounted(kind: str) -> tuple[Path, str]:
    return FOLDER, kind


@pytest.mark.parametrize(
    ("environ", "mounts", "loss", "host"),
    [
        ({}, [ROOT], "", ""),
        ({}, [OVERLAY], CONTAINER, ""),
        ({}, [OVERLAY, mounted("ext4")], "", ""),
        ({}, [OVERLAY, (Path("/nowhere/data-of-others"), "ext4")], CONTAINER, ""),
        ({}, [ROOT, mounted("tmpfs")], MEMORY, ""),
        ({}, [], "", ""),
        ({"DYNO": "web.1"}, [ROOT], HOST, "Heroku"),
        ({"RENDER": "true"}, [OVERLAY], HOST, "Render"),
        ({"RENDER": "true"}, [OVERLAY, mounted("ext4")], "", "Render"),
        ({"FLY_APP_NAME": "blog"}, [ROOT, mounted("ext4")], "", "Fly.io"),
        ({"CC_PRETTY_INSTANCE_NAME": "Quiet Bird"}, [ROOT], HOST, "Clever Cloud"),
        ({"K_SERVICE": "blog"}, [], HOST, "Google Cloud Run"),
        ({"RAILWAY_ENVIRONMENT": ""}, [ROOT], "", ""),
    ],
)
def test_sqlite_is_kept_on_a_disk_or_a_mounted_volume(
    environ: dict[str, str], mounts: list[tuple[Path, str]], loss: str, host: str
) -> None:
    storage = storage_of(FOLDER / "blog.sqlite3", FOLDER, True, environ, mounts)
    assert (storage.loss, storage.host) == (loss, host)
    assert bool(start_notice(storage)) is bool(loss)


@pytest.mark.parametrize(("has_key_file", "loses_key"), [(True, True), (False, False)])
def test_database_server_is_kept_and_the_key_perhaps_not(has_key_file: bool, loses_key: bool) -> None:
    storage = storage_of(None, FOLDER, has_key_file, {"DYNO": "web.1"}, [ROOT])
    assert (storage.is_kept, storage.loses_key) == (True, loses_key)
    assert ("SECRET_KEY" in start_notice(storage)) is loses_key


def test_folder_and_free_space_are_those_of_the_database(tmp_path: Path) -> None:
    storage = storage_of(tmp_path / "blog.sqlite3", tmp_path, True, {}, [ROOT])
    assert storage.folder == tmp_path.resolve()
    assert storage.free is not None
    assert Storage(tmp_path, free=1000).is_full


def test_present_storage_can_be_read(app: Flask) -> None:
    with app.app_context():
        assert (current_storage().folder is not None) is (app.extensions["database_file"] is not None)
