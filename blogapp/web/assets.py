"""Stylesheets and scripts: bundled into one file each, named by a hash of their content, compressed, and served from
memory.

A page needs three requests: itself, one stylesheet, one script (an owner's page: one more of each). A file whose name
contains a hash of its content can be cached forever. The bundles are built when the application starts, so there is no
separate build step. The script contains htmx unchanged; of our own files, comments and indentation are left out.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import brotli
from flask import Flask, request
from werkzeug.http import parse_accept_header, parse_etags

from blogapp.web.headers import ONE_YEAR, security_fields
from blogapp.web.immediate import Answer, Environ, Responder

STATIC = Path(__file__).parent.parent.parent / "static"
VENDORED = ("vendor/htmx-4.0.1.js",)
STYLES = (
    "css/base.css",
    "css/looks.css",
    "css/articles.css",
    "css/lists.css",
    "css/article_body.css",
    "css/tables.css",
    "css/code.css",
    "css/comments.css",
    "css/threads.css",
    "css/comment.css",
    "css/forms.css",
    "css/search.css",
    "css/errors.css",
    "css/touch.css",
    "css/print.css",
)
SCRIPTS = (
    *VENDORED,
    "js/responses.js",
    "js/times.js",
    "js/comments.js",
    "js/refresh.js",
    "js/drafts.js",
    "js/writing.js",
    "js/search.js",
    "js/copy_link.js",
)
# Only for signed-in owners.
OWNER_STYLES = (
    "css/owner.css",
    "css/statistics.css",
    "css/pictures.css",
    "css/moderation.css",
    "css/owner_list.css",
    "css/editor.css",
    "css/editor_details.css",
    "css/merging.css",
    "css/revisions.css",
)
OWNER_SCRIPTS = ("js/owner.js", "js/passkeys.js", "js/pictures.js", "js/moderation.js", "js/editor.js")
# Only for the sign-in page.
SIGN_IN_SCRIPTS = ("js/passkeys.js",)
# Only for the first setup.
SETUP_SCRIPTS = ("js/setup.js",)
BUNDLES = {
    "site.css": STYLES,
    "site.js": SCRIPTS,
    "owner.css": OWNER_STYLES,
    "owner.js": OWNER_SCRIPTS,
    "sign-in.js": SIGN_IN_SCRIPTS,
    "setup.js": SETUP_SCRIPTS,
}
FILES = {"/static/icon.svg": "icon.svg"}

IMMUTABLE = f"public, max-age={ONE_YEAR}, immutable"
ONE_HOUR = "public, max-age=3600"
# Like Python's bytecode, compressed bundles are kept on disk: `make setup` fills the folder.
KEPT = STATIC / "__pycache__"
# Brotli's level: 11 saves 8 % more than 5 and takes 300 ms instead of 13 for all bundles.
BEST, FAST = 11, 5
COMMENTS = {
    ".css": re.compile(r"\s*/\*.*?\*/|^[ ]+", re.DOTALL | re.MULTILINE),
    ".js": re.compile(r"(?m)^ *//.*\n|^ +"),
}


class Asset:
    """A file in memory: its content plain and compressed, and its header fields."""

    def __init__(self, name: str, content: bytes, cache_control: str) -> None:
        self.etag = hashlib.sha256(content).hexdigest()[:12]
        bodies = {"br": brotli_of(name, content), "gzip": gzip.compress(content, mtime=0)}
        self._bodies = {coding: body for coding, body in bodies.items() if len(body) < len(content)} | {"": content}
        mimetype = mimetypes.types_map[Path(name).suffix]
        self._fields = [
            ("Content-Type", f"{mimetype}; charset=utf-8"),
            ("Cache-Control", cache_control),
            ("Vary", "Accept-Encoding"),
        ]

    def answer(self, environ: Environ) -> Answer:
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING", ""))
        coding = next((each for each in self._bodies if each and accepted.quality(each)), "")
        # Each coding is a representation of its own, so each has its own strong ETag (RFC 9110, section 8.8.3.3).
        etag = f"{self.etag}-{coding}" if coding else self.etag
        fields = [*security_fields(environ["wsgi.url_scheme"]), *self._fields, ("ETag", f'"{etag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(etag):
            return Answer(304, fields, b"")
        if coding:
            fields.append(("Content-Encoding", coding))
        body = self._bodies[coding]
        return Answer(200, [*fields, ("Content-Length", str(len(body)))], body)


def init_app(app: Flask) -> Responder:
    """Add the template function `asset(name)`, the URL of a bundle. Returns the function that responds to requests for
    assets."""
    addresses, assets = load()
    app.jinja_env.globals["asset"] = lambda name: f"{request.script_root}{addresses[name]}"

    def respond(environ: Environ) -> Answer | None:
        asset = assets.get(environ["PATH_INFO"])
        return asset.answer(environ) if asset else None

    return respond


@cache
def load() -> tuple[dict[str, str], dict[str, Asset]]:
    """The URL path of each bundle by its name, and each asset by its URL path."""
    addresses = {}
    assets = {path: Asset(name, (STATIC / name).read_bytes(), ONE_HOUR) for path, name in FILES.items()}
    for name, parts in BUNDLES.items():
        asset = Asset(name, bundle(parts), IMMUTABLE)
        stem, _, ending = name.partition(".")
        addresses[name] = f"/static/{stem}.{asset.etag}.{ending}"
        assets[addresses[name]] = asset
    return addresses, assets


def bundle(names: tuple[str, ...]) -> bytes:
    """The named files of `static/`, one after the other."""
    return b"\n".join(source(name) for name in names)


def source(name: str) -> bytes:
    """A file of `static/` without comments and indentation; a vendored file unchanged."""
    file = STATIC / name
    if name in VENDORED:
        return file.read_bytes()
    return COMMENTS[file.suffix].sub("", file.read_text()).encode()


def brotli_of(name: str, content: bytes) -> bytes:
    """`content` compressed with brotli: as well as possible if the result can be kept for the next start, else fast."""
    kept = KEPT / f"{name}.{hashlib.sha256(content).hexdigest()}.br"
    with suppress(OSError):
        return kept.read_bytes()
    if sys.dont_write_bytecode or not os.access(STATIC, os.W_OK):
        return bytes(brotli.compress(content, quality=FAST))
    best: bytes = brotli.compress(content, quality=BEST)
    with suppress(OSError):
        KEPT.mkdir(exist_ok=True)
        # Another process may read the folder, or this one may be killed: the file appears when it is complete.
        unfinished = kept.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(best)
        for older in KEPT.glob(f"{name}.*.br"):
            older.unlink(missing_ok=True)
        unfinished.replace(kept)
    return best
