"""Whether the host keeps what the blog stores: shown in the settings, in the log of a starting server, and by
`flask doctor` and its page.

A container's own file system is deleted with the container, which many hosts replace at each deployment or restart.
Only a database server, or a folder that the host has mounted, outlasts that.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy.orm import Session

from blogapp.db.base import db
from blogapp.hosts import host_in
from blogapp.settings import SECRET_KEY_FILE, Settings
from blogapp.text.i18n import N_, gettext
from blogapp.values import frozen

IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
OF_CONTAINER = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})
# Below this, a blog cannot be expected to work for long: SQLite needs room for its log and for backups.
LEAST_FREE = 100_000_000  # bytes

MEMORY, CONTAINER, HOST = "memory", "container", "host"
LOSSES = {
    MEMORY: N_("This host does not keep your data: the database is in memory and is lost at a restart."),
    CONTAINER: N_(
        "This host may not keep your data: the database is inside the container and is lost with it, usually when "
        "a new version is installed."
    ),
    HOST: N_("%(host)s does not keep your data here: its disk is emptied at each deployment or restart."),
}
LOST_KEY = N_(
    "The secret key is in a file that this host deletes; everybody is signed out then. Set SECRET_KEY at your host."
)


@frozen
class Storage:
    """Where the blog stores its data. `folder` is that of the SQLite database, None for a database server. `loss` is
    why the data will be lost: MEMORY, CONTAINER, HOST (whose name is `host`), or empty if it is kept. `free` is the
    number of free bytes, None if it is not known. `loses_key`: the secret key is lost, though the data is not."""

    folder: Path | None
    loss: str = ""
    host: str = ""
    free: int | None = None
    loses_key: bool = False

    @property
    def is_kept(self) -> bool:
        return not self.loss

    @property
    def is_full(self) -> bool:
        return self.free is not None and self.free < LEAST_FREE


def init_app(app: Flask, settings: Settings) -> None:
    """Warn in the log of a starting server if the data will be lost."""
    app.extensions["storage_settings"] = settings
    app.extensions["start_notices"].append(lambda address: start_notice(current_storage(app)))


def current_storage(app: Flask | None = None, environ: Mapping[str, str] = os.environ) -> Storage:
    settings: Settings = (app or current_app).extensions["storage_settings"]
    has_key_file = settings.sources["SECRET_KEY"] == str(settings.data_dir / SECRET_KEY_FILE)
    return storage_of(settings.database_file, settings.data_dir, has_key_file, environ, mounts())


def storage_of(
    database: Path | None,
    data_folder: Path,
    has_key_file: bool,
    environ: Mapping[str, str],
    mounted: Iterable[tuple[Path, str]],
) -> Storage:
    """`database` is the file of SQLite, None for a server; `has_key_file`: the secret key is a file in `data_folder`;
    `mounted` has the folders and types of all file systems."""
    mounted = list(mounted)
    if database is None:
        lost, host = _loss_of(data_folder, environ, mounted)
        return Storage(None, host=host, loses_key=has_key_file and bool(lost))
    folder = database.parent.resolve()
    lost, host = _loss_of(folder, environ, mounted)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = None
    return Storage(folder, lost, host, free)


def _loss_of(folder: Path, environ: Mapping[str, str], mounted: list[tuple[Path, str]]) -> tuple[str, str]:
    """Why files in the folder are lost, and the name of the host, if it is a known one."""
    host = host_in(environ)
    folder = folder.resolve()
    around = [(place, kind) for place, kind in mounted if place == folder or place in folder.parents]
    place, kind = max(around, key=lambda each: len(each[0].parts), default=(Path("/"), ""))
    if kind in IN_MEMORY:
        return MEMORY, host
    # A folder that is mounted into the container is kept: it is a volume.
    if place == Path("/") and host:
        return HOST, host
    return (CONTAINER, host) if kind in OF_CONTAINER else ("", host)


def mounts() -> list[tuple[Path, str]]:
    """The folders and types of the mounted file systems; empty where the system does not say."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    parts = [line.split(" ") for line in lines]
    return [(Path(_unescaped(part[1])), part[2]) for part in parts if len(part) > 2]


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def start_notice(storage: Storage) -> str:
    """The line for the log; empty if the data is kept."""
    if storage.loses_key:
        return "The secret key is in a file that this host deletes: set SECRET_KEY, or everybody is signed out then."
    if storage.is_kept:
        return ""
    where = {MEMORY: "in a file system in memory", CONTAINER: "in the container's own file system"}
    place = where.get(storage.loss, f"on a disk that {storage.host} empties")
    return (
        f"WARNING: all data will be lost when the blog is deployed or started again: the database is {place} "
        f"({storage.folder}). Set DATABASE_URL to a PostgreSQL database, or DATA_DIR to a mounted volume."
    )


def panel(session: Session, error: str) -> dict[str, Any]:
    """The variables of the storage check in the settings."""
    storage = current_storage()
    return {"storage": storage, "is_sqlite": db.engine.dialect.name == "sqlite", "sentence": loss_sentence(storage)}


def loss_sentence(storage: Storage) -> str:
    """What the owner reads, in the language of the page; empty if the data is kept."""
    message = loss_message(storage)
    return gettext(message) % {"host": storage.host} if message else ""


def loss_message(storage: Storage) -> str:
    """The message that says what is lost, with a place for `host`; empty if nothing is."""
    return LOST_KEY if storage.loses_key else LOSSES.get(storage.loss, "")
