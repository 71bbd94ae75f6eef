"""Keep compiled templates on disk, like Python's own bytecode: compiling all of them takes a fifth of a second.

`make setup` compiles all of them. An entry has the checksum of its template, so a changed template is compiled again.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """A folder of compiled templates. A folder that cannot be written is only read."""

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
