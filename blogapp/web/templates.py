"""Keep compiled templates on disk, like Python's own bytecode: compiling all of them takes a fifth of a second.

`make setup` compiles all of them. An entry has the checksum of its template, so a changed template is compiled again.
"""

from __future__ import annotations

import marshal
import pickle
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from flask import Flask
from flask.templating import Environment
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket, bc_magic


class SharedGlobals(Environment):
    """Templates without globals of their own share a view of the environment's. Jinja makes a `ChainMap` for each
    template, and reads it as a whole for each page, include and import, in a fiftieth of the time of a page."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Read-only, because `get_template(name, globals)` would write into it.
        return super().make_globals(d) if d else cast(Any, MappingProxyType(self.globals))


class CompiledTemplates(FileSystemBytecodeCache):
    """A folder of compiled templates. A folder that cannot be written is only read."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """As in Jinja, but reads the file at once: `marshal.load` asks for a few bytes at a time, in twice the time."""
        with suppress(OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
            file = BytesIO(Path(self._get_cache_filename(bucket)).read_bytes())
            if file.read(len(bc_magic)) == bc_magic and pickle.load(file) == bucket.checksum:
                bucket.code = marshal.loads(file.read())

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


def init_app(app: Flask, folder: Path) -> None:
    app.jinja_env.bytecode_cache = CompiledTemplates(str(folder / "__pycache__"))


def load_all(app: Flask) -> None:
    """Load every template. A server does so before it forks, so that its workers share them."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)
