"""How a commenter looks on the page: drawn from the name, with no request to anybody."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from flask import Flask

from blogapp.comments.models import Comment
from blogapp.i18n import gettext

TONES = 8


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(tone=tone, initial=initial, called=called)


def tone(name: str) -> int:
    """One of TONES colours, the same for the same name, whatever its case."""
    return zlib.crc32(name.casefold().encode()) % TONES


def initial(name: str) -> str:
    """The letter in the avatar."""
    return next(_letters(name), name[:1]).upper()


def called(comment: Comment) -> str:
    """The name that others may see of a comment's author."""
    return comment.author_name if comment.is_published else gettext("a removed comment")


def _letters(name: str) -> Iterator[str]:
    return (character for character in name if character.isalnum())
