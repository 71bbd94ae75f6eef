"""The change marker: a small file that shows, during a database outage, whether content has changed.

During an outage, cached pages are served although the database cannot confirm that they are current. So every change
that readers can see also writes this file, which all processes on a machine share: next to the database file on SQLite,
in the data folder on PostgreSQL. It contains LENGTH random bytes, or zeros while a change is being committed: if the
process is killed then, no process serves cached pages in an outage until the next change.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

log = logging.getLogger(__name__)

LENGTH = 16  # bytes
CHANGING = bytes(LENGTH)


class ChangeMarker:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._written: int | None = None  # the file, open for writing
        self._lock = Lock()

    def read(self) -> bytes | None:
        """The current marker; None during a change, or if the file cannot be read."""
        try:
            marker = self._path.read_bytes()
        except OSError:
            return None
        return self._valid(marker)

    def read_open(self) -> bytes | None:
        """Like `read()`, but from a file that stays open, which takes a microsecond. The file may have been replaced in
        the meantime: compare the result with `read()` before relying on it."""
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            return self._valid(os.pread(self._file, LENGTH + 1, 0))
        except OSError:
            return None

    def ensure(self) -> None:
        """Create the file, and its folder, if they are missing."""
        if not self._path.exists():
            with suppress(OSError):  # change() logs why the file cannot be written
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self.finish_change()

    def begin_change(self) -> None:
        """Call this before the commit of a change."""
        self._write(CHANGING)

    def finish_change(self) -> None:
        """Call this after the commit. The bytes are random, so processes that write at the same time need no lock."""
        self._write(os.urandom(LENGTH))

    def _write(self, marker: bytes) -> None:
        try:
            with self._lock:
                os.pwrite(self._open_for_writing(), marker, 0)
        except OSError as error:
            log.warning("the change marker cannot be written to %s: %s", self._path, error.strerror)
            # Without the file no process serves cached pages in an outage, which is safe.
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                log.error("%s cannot be deleted either: pages served in an outage may be out of date", self._path)

    def _open_for_writing(self) -> int:
        """The file, opened once: to open and truncate it takes a hundred times as long as to write it."""
        if self._written is not None:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._written), self._path.stat()):
                    return self._written
            os.close(self._written)  # the file has been replaced, for example from a backup
            self._written = None
        self._written = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._written, LENGTH)
        return self._written

    @staticmethod
    def _valid(marker: bytes) -> bytes | None:
        # Shorter while another process is writing it, or when the disk is full.
        return marker if len(marker) == LENGTH and marker != CHANGING else None
