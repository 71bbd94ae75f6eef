"""Choose a picture of the library, or add one, in a form of another feature (the cover of an article)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from blogapp import clock
from blogapp.media.library import ListedPicture, find_by_hash, upload_picture
from blogapp.media.models import Picture
from blogapp.text.pictures import ADDRESS

LATEST = 12


def add(file: FileStorage) -> ListedPicture:
    """Store an uploaded file, unless it is stored already. Raises RefusedPicture."""
    return ListedPicture(upload_picture(file.stream.read(), file.filename or "", clock.now()), [])


def find(session: Session, address: str) -> ListedPicture | None:
    """The picture with this address, if there is one."""
    found = ADDRESS.fullmatch(address)
    picture = find_by_hash(session, found[1]) if found else None
    listed = ListedPicture(picture, []) if picture else None
    return listed if listed and listed.address == address else None


def latest(session: Session) -> list[ListedPicture]:
    query = select(Picture).order_by(Picture.id.desc()).limit(LATEST)
    return [ListedPicture(picture, []) for picture in session.scalars(query)]
