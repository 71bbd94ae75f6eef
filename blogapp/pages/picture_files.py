"""Pictures beside article files: `flask articles import` stores them in the library, `export` writes them."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from blogapp.articles.files import printable
from blogapp.articles.picture_files import PictureNotStored, replace_addresses
from blogapp.db.base import db
from blogapp.media.library import LARGEST_UPLOAD, file_of, find_by_hash, hash_of, upload_picture
from blogapp.media.refusals import Damaged, NotAPicture, RefusedPicture
from blogapp.text.pictures import ADDRESS, COPY, address_of

FOLDER = "pictures"


class PictureImport:
    """Stores each file once. With `is_dry_run`, it is only checked."""

    def __init__(self, now: datetime, is_dry_run: bool) -> None:
        self._now = now
        self._is_dry_run = is_dry_run
        self._addresses: dict[Path, str] = {}

    def store(self, path: Path) -> str:
        """The address of the picture in this file. Raises PictureNotStored."""
        if path not in self._addresses:
            self._addresses[path] = _exported(path) or self._store(path)
        return self._addresses[path]

    def _store(self, path: Path) -> str:
        upload = _read(path)
        try:
            if not self._is_dry_run:
                picture = upload_picture(upload, path.name, self._now)
                return address_of(picture.hash, picture.width, picture.height)
            hash = hash_of(upload)
            if found := find_by_hash(db.session(), hash):
                return address_of(hash, found.width, found.height)
            from blogapp.media.encoding import encode  # imports Pillow

            encoded = encode(upload)
            return address_of(hash, encoded.width, encoded.height)
        except NotAPicture:
            raise PictureNotStored("is not a JPEG, PNG, GIF, WebP, AVIF or HEIC picture") from None
        except Damaged:
            raise PictureNotStored("is damaged or incomplete") from None
        except RefusedPicture:
            raise PictureNotStored("has too many megapixels") from None


def write_pictures(session: Session, body: str, folder: Path) -> str:
    """Write the stored pictures that a text shows to `folder`/pictures; returns the text with their new addresses.
    Raises OSError."""
    return replace_addresses(body, lambda address: write_picture(session, address, folder))


def write_picture(session: Session, address: str, folder: Path) -> str | None:
    """Write one picture; returns its path in `folder`, or None if it is not stored here."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return None
    file = file_of(session, found[1], int(found[2]), int(found[3]), int(found[2]))
    if file is None:
        return None
    name = address.rpartition("/")[2]
    (folder / FOLDER).mkdir(exist_ok=True)
    (folder / FOLDER / name).write_bytes(file)
    return f"{FOLDER}/{name}"


def _exported(path: Path) -> str | None:
    """The address of the stored picture that this file was exported from, if it has not been changed since."""
    found = COPY.fullmatch(path.name)
    if found is None or found[4]:
        return None
    hash, width, height = found[1], int(found[2]), int(found[3])
    file = file_of(db.session(), hash, width, height, width)
    return address_of(hash, width, height) if file is not None and file == _read(path) else None


def _read(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise PictureNotStored(f"is not a file ({printable(path)})")
        if found.st_size > LARGEST_UPLOAD:
            raise PictureNotStored(f"is larger than {LARGEST_UPLOAD // 1024 // 1024} MiB")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise PictureNotStored(f"is missing: there is no file {printable(path)}") from None
    except OSError as error:
        raise PictureNotStored(f"cannot be read: {error.strerror}") from None
