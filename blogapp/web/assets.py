"""Stylesheets and scripts: joined into one file each, named by their content, compressed once, served by WhiteNoise.

A page makes as few requests as it can (the page, one stylesheet, one script), and what has a hash for a name can be
kept for ever. The bundles are made when the app starts: there is no build step to forget. htmx goes into the script
unmodified, byte for byte.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from pathlib import Path

import brotli
from flask import Flask
from whitenoise import WhiteNoise

STATIC = Path(__file__).parent.parent.parent / "static"
VENDORED = ("vendor/htmx-4.0.1.js",)
STYLES = ("css/base.css", "css/articles.css", "css/comments.css", "css/forms.css", "css/errors.css")
SCRIPTS = (
    *VENDORED,
    "js/responses.js",
    "js/times.js",
    "js/comments.js",
    "js/refresh.js",
    "js/drafts.js",
    "js/writing.js",
)


def init_app(app: Flask, data_folder: Path) -> None:
    """Make the bundles and serve them under /static/; `asset(name)` in a template is the address of one."""
    names = {"site.css": bundle(STYLES), "site.js": bundle(SCRIPTS)}
    folder = _writable(data_folder / "static")
    addresses = {}
    for name, content in names.items():
        stem, _, ending = name.partition(".")
        hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        _store(folder, hashed, content)
        addresses[name] = f"/static/{hashed}"
    server = WhiteNoise(
        app.wsgi_app,
        max_age=3600,
        allow_all_origins=False,
        add_headers_function=_add_headers,
        immutable_file_test=lambda path, url: url in addresses.values(),
    )
    app.wsgi_app = server  # type: ignore[method-assign]
    server.add_files(str(STATIC), prefix="static/")
    # Browsers ask for it unbidden; a link to it in the page would cost every first visit a request all the same.
    server.add_file_to_dictionary("/favicon.ico", str(STATIC / "icon.svg"))
    for address in addresses.values():
        server.add_file_to_dictionary(address, str(folder / address.rsplit("/", 1)[1]))
    app.jinja_env.globals["asset"] = addresses.__getitem__


def bundle(names: tuple[str, ...]) -> bytes:
    """The named files of `static/`, one after the other, each unchanged."""
    return b"\n".join((STATIC / name).read_bytes() for name in names)


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="blogapp-static-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="blogapp-static-"))


def _store(folder: Path, name: str, content: bytes) -> None:
    """Write a file and its compressed twins, unless they are there; each whole or not at all."""
    for ending, compress in (("", bytes), (".br", brotli.compress), (".gz", _gzip)):
        path = folder / (name + ending)
        if not path.exists():
            draft = folder / f"{path.name}.{os.getpid()}"
            draft.write_bytes(compress(content))
            draft.replace(path)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _add_headers(headers: dict[str, str], path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
