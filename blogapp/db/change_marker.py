"""The change marker: a small file that shows, during a database outage, whether anything has been removed.

During an outage, cached pages are served although the database cannot confirm that they are current. So every change
that readers can see also writes this file, which all processes on a machine share: next to the database file on SQLite,
in the data folder on PostgreSQL. On SQLite it also shows that there has been a database (`db/start.py`). It has two
parts of PART random bytes:

- The first changes with each change that may remove something (delete, edit, unpublish, settings). It begins with zeros
  while such a change is being committed: if the process is killed then, no process serves cached pages in an outage
  until the next removal. Random bytes after the zeros say which removal it is, because another may begin before the end
  of the first is written; only the last one that began ends this state. (Versions are raised just before, and the
  transaction that raises them excludes others until its commit, so the first one has been committed then.) Cached pages
  are served in an outage if they were compared with the database since the part last changed.
- The second changes with every change, also with one that only adds (a comment, a like). A page without the newest
  comment may be served in an outage; but while the database is available, no page is.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

log = logging.getLogger(__name__)

PART = 16  # bytes
LENGTH = 2 * PART
REMOVING = bytes(8)


def removals(marker: bytes) -> bytes:
    """The part of a marker that changes only if something may have been removed."""
    return marker[:PART]


class ChangeMarker:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._written: int | None = None  # the file, open for writing
        self._lock = Lock()

    def read(self) -> bytes | None:
        """The current marker; None during a removal, or if the file cannot be read."""
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

    def exists(self) -> bool:
        return self._path.exists()

    def ensure(self) -> None:
        """Create the file, and its folder, if they are missing. Replace one of another length, by another version."""
        try:
            is_there = self._path.stat().st_size == LENGTH
        except OSError:
            is_there = False
            with suppress(OSError):  # _write() logs why the file cannot be written
                self._path.parent.mkdir(parents=True, exist_ok=True)
        if not is_there:
            self.finish_removal(self.begin_removal())

    def begin_removal(self) -> bytes:
        """Call this before the commit of a change that may remove something, after its versions were raised. Returns
        the argument of `finish_removal`."""
        removal = REMOVING + os.urandom(PART - len(REMOVING))
        with self._without_file_if_failing(), self._locked() as file:
            os.pwrite(file, removal, 0)
        return removal

    def finish_removal(self, removal: bytes) -> None:
        """Call this after the commit."""
        with self._without_file_if_failing(), self._locked() as file:
            present = os.pread(file, PART, 0)
            if present == removal or not present.startswith(REMOVING):
                os.pwrite(file, os.urandom(LENGTH), 0)

    def add(self) -> None:
        """Call this after the commit of a change that only adds something. The bytes are random, so processes that
        write at the same time need no lock."""
        with self._without_file_if_failing(), self._lock:
            os.pwrite(self._open_for_writing(), os.urandom(PART), PART)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, opened for reading and writing, while no other thread or process begins or finishes a removal. It
        is opened each time: forked processes would share the lock of one that has been open before."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.ftruncate(file, LENGTH)
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _without_file_if_failing(self) -> Iterator[None]:
        """Delete the file if it cannot be written: without it no process serves cached pages in an outage."""
        try:
            yield
        except OSError as error:
            log.warning("the change marker cannot be written to %s: %s", self._path, error.strerror)
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
        return marker if len(marker) == LENGTH and not marker.startswith(REMOVING) else None
