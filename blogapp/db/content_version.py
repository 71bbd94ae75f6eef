"""The content version: changes whenever something that readers can see may have changed.

It is a small file of random bytes that all processes on a machine share: beside the database file on SQLite, in the
data folder on PostgreSQL. Pages kept in memory carry the version that they were rendered from; one with another
version may show something that was deleted since, and is not served. A file is used because the question is asked
while the database cannot answer.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

LENGTH = 16  # bytes


class ContentVersion:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The present version; None if it is not known, and then no page may be kept or served from memory."""
        try:
            version = self._path.read_bytes()
        except OSError:
            return None
        # Shorter while another process is writing it, or when the disk is full.
        return version if len(version) == LENGTH else None

    def ensure(self) -> None:
        """Create the file, and its folder, if they are missing."""
        if not self._path.exists():
            with suppress(OSError):  # change() logs why the file cannot be written
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self.change()

    def change(self) -> None:
        """Start a new version. Random bytes, not a counter: two processes that change it at once need no lock."""
        try:
            self._path.write_bytes(os.urandom(LENGTH))
        except OSError as error:
            log.warning("the content version cannot be written to %s: %s", self._path, error.strerror)
            # Without the file no process serves a page from memory, which is safe.
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                log.error("%s cannot be deleted either: pages in memory may be out of date", self._path)
