"""Store pictures, list them with the articles that use them, and delete those that nothing uses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRevision
from blogapp.articles.pictures import ArticlePicture
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import wait_for_disk, write_transaction
from blogapp.media.models import Picture, PictureFile
from blogapp.media.refusals import InUse, IsLogo
from blogapp.site.models import SiteSetting
from blogapp.site.settings import LOGO, current_site
from blogapp.text.names import clean_name
from blogapp.text.pictures import WIDTHS, address_of, hashes_in
from blogapp.values import frozen
from blogapp.web.errors import NotFound

PICTURES_PER_PAGE = 24
# A picture of a phone; without JavaScript, several at once.
LARGEST_UPLOAD = 24 * 1024 * 1024
NAME_LENGTH = 200
# How long an uploaded picture that no article uses is kept.
UNUSED_DAYS = 1
IS_LOGO = exists().where(SiteSetting.name == LOGO, SiteSetting.value.contains(Picture.hash))
IS_IN_TEXT = or_(
    exists().where(ArticlePicture.hash == Picture.hash),
    exists().where(SiteSetting.name == "about", SiteSetting.value.contains(Picture.hash)),
)
IS_USED = or_(IS_IN_TEXT, IS_LOGO)


@frozen
class ListedPicture:
    """A picture in the library, the articles that use it, and whether it is the logo of the blog."""

    picture: Picture
    articles: list[Article] = field(default_factory=list)
    is_logo: bool = False

    @property
    def alt(self) -> str:
        return self.picture.alt

    @property
    def address(self) -> str:
        return address_of(self.picture.hash, self.picture.width, self.picture.height)

    @property
    def thumbnail(self) -> str:
        width = self.picture.width
        return address_of(self.picture.hash, width, self.picture.height, min(width, WIDTHS[0]))


@frozen
class PictureList:
    """A page of pictures, newest first; `before` is the cursor of the next page, None on the last page."""

    pictures: list[ListedPicture]
    before: int | None


def hash_of(upload: bytes) -> str:
    """The hash that identifies an uploaded file: 128 bits in hexadecimal digits."""
    return hashlib.sha256(upload).hexdigest()[:32]


def find_by_hash(session: Session, hash: str) -> Picture | None:
    return session.scalar(select(Picture).where(Picture.hash == hash))


def upload_picture(upload: bytes, name: str, now: datetime) -> Picture:
    """Store an uploaded file, if it is not stored already. No write transaction may be open. Raises RefusedPicture."""
    hash = hash_of(upload)
    if found := find_by_hash(db.session(), hash):
        wait_for_disk()
        return found
    from blogapp.media.encoding import encode  # imports Pillow, which only uploads need

    encoded = encode(upload)
    with write_transaction(Changes.NOTHING) as session:
        return store(session, hash, encoded, clean_name(name)[:NAME_LENGTH], now)


def store(session: Session, hash: str, encoded: Any, name: str, now: datetime) -> Picture:
    """Store an encoded picture (`encoding.Encoded`). A write transaction must be open. If the same file was uploaded
    meanwhile, that picture is returned."""
    found = find_by_hash(session, hash)
    if found is not None:
        return found
    picture = Picture(
        hash=hash, width=encoded.width, height=encoded.height, size=encoded.size, name=name, alt="", created_at=now
    )
    session.add(picture)
    session.flush()
    session.add_all(PictureFile(picture_id=picture.id, width=width, body=body) for width, body in encoded.files.items())
    return picture


def list_pictures(session: Session, before: int | None = None) -> PictureList:
    """A page of the library; `before` is the id of the last picture on the previous page. Two queries."""
    query = select(Picture).order_by(Picture.id.desc()).limit(PICTURES_PER_PAGE + 1)
    if before is not None:
        query = query.where(Picture.id < before)
    found = list(session.scalars(query))
    shown = found[:PICTURES_PER_PAGE]
    uses = _articles_with(session, [picture.hash for picture in shown])
    logo = hashes_in([current_site().logo])
    listed = [ListedPicture(picture, uses.get(picture.hash, []), picture.hash in logo) for picture in shown]
    return PictureList(listed, shown[-1].id if len(found) > PICTURES_PER_PAGE else None)


def total_size(session: Session) -> tuple[int, int]:
    """The number of pictures and the bytes of all their files."""
    number, size = session.execute(select(func.count(Picture.id), func.coalesce(func.sum(Picture.size), 0))).one()
    return int(number), int(size)


def find_picture(session: Session, picture_id: int) -> Picture:
    """The picture with this id. Raises NotFound."""
    picture = session.get(Picture, picture_id)
    if picture is None:
        raise NotFound
    return picture


def describe(session: Session, picture_id: int, alt: str) -> Picture:
    """Set a picture's alternative text. A write transaction must be open. Raises NotFound."""
    picture = find_picture(session, picture_id)
    picture.alt = alt
    return picture


def delete_picture(session: Session, picture_id: int) -> None:
    """Delete a picture. A write transaction must be open. Raises NotFound, IsLogo, or InUse if a text shows it."""
    picture = find_picture(session, picture_id)
    if session.scalar(select(Picture.id).where(Picture.id == picture.id, IS_LOGO)):
        raise IsLogo
    if session.scalar(select(Picture.id).where(Picture.id == picture.id, IS_IN_TEXT)):
        raise InUse
    session.execute(delete(PictureFile).where(PictureFile.picture_id == picture.id))
    session.execute(delete(Picture).where(Picture.id == picture.id))


def file_of(session: Session, hash: str, width: int, height: int, copy: int) -> bytes | None:
    """The bytes of a picture in the width `copy`, or in the next larger one that is stored; None if there is no picture
    with this hash and size."""
    return session.scalar(
        select(PictureFile.body)
        .join(Picture, Picture.id == PictureFile.picture_id)
        .where(Picture.hash == hash, Picture.width == width, Picture.height == height, PictureFile.width >= copy)
        .order_by(PictureFile.width)
        .limit(1)
    )


def smallest_file_of(session: Session, hash: str) -> bytes | None:
    """The bytes of the smallest copy of a picture; None if there is no picture with this hash."""
    return session.scalar(
        select(PictureFile.body)
        .join(Picture, Picture.id == PictureFile.picture_id)
        .where(Picture.hash == hash)
        .order_by(PictureFile.width)
        .limit(1)
    )


def delete_unused(session: Session, now: datetime) -> int:
    """Delete the pictures older than UNUSED_DAYS that neither an article nor an earlier text of one shows; returns
    their number."""
    old = select(Picture.id, Picture.hash).where(Picture.created_at < now - timedelta(days=UNUSED_DAYS), ~IS_USED)
    ids = [row.id for row in session.execute(old) if not _is_in_revision(session, row.hash)]
    if ids:
        session.execute(delete(PictureFile).where(PictureFile.picture_id.in_(ids)))
        session.execute(delete(Picture).where(Picture.id.in_(ids)))
    return len(ids)


def _is_in_revision(session: Session, hash: str) -> bool:
    shown = exists().where(or_(ArticleRevision.body_source.contains(hash), ArticleRevision.cover.contains(hash)))
    return bool(session.scalar(select(shown)))


def delete_unused_at_new_day(session: Session, *, day: date, previous: date | None) -> None:
    """Called when a day begins (visitors/day.py)."""
    delete_unused(session, datetime(day.year, day.month, day.day, tzinfo=UTC))


def _articles_with(session: Session, hashes: Iterable[str]) -> dict[str, list[Article]]:
    query = (
        select(ArticlePicture.hash, Article)
        .join(Article, Article.id == ArticlePicture.article_id)
        .where(ArticlePicture.hash.in_(list(hashes)))
        .order_by(Article.id)
    )
    found: dict[str, list[Article]] = {}
    for hash, article in session.execute(query):
        found.setdefault(hash, []).append(article)
    return found
