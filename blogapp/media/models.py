"""The tables of pictures. They are in the database, so that one backup holds everything and a host needs no disk."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, Moment, RowId


class Picture(Model):
    """An uploaded picture. `hash` is derived from the uploaded file, so the same file is stored once; `name` is the
    file's name and `alt` the text for people who do not see the picture. `size` is the total of its files in bytes."""

    __tablename__ = "pictures"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    hash: Mapped[str] = mapped_column(String(32), unique=True)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(200))
    alt: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


class PictureFile(Model):
    """A picture as WebP in one width."""

    __tablename__ = "picture_files"

    picture_id: Mapped[int] = mapped_column(ForeignKey(Picture.id, ondelete="CASCADE"), primary_key=True)
    width: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
