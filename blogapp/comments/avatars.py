"""Avatars drawn from the commenter's name, without a request to another site; and names as the page displays them."""

from __future__ import annotations

import zlib

from babel.lists import format_list
from flask import Flask

from blogapp.comments.models import Comment
from blogapp.comments.threads import Node
from blogapp.text.i18n import current_locale, gettext

TONES = 8
NAMES = 3


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        tone=tone, pattern=pattern, displayed_name=displayed_name, reply_author_names=reply_author_names
    )


def tone(name: str) -> int:
    """One of TONES colours; the same for the same name in upper or lower case."""
    return _number(name) % TONES


def pattern(name: str) -> str:
    """An SVG path: squares on a grid of 5 by 5, the right half the mirror image of the left."""
    bits = _number(name) >> 3
    cells = [(x, y) for y in range(5) for x in range(5) if bits >> (3 * y + min(x, 4 - x)) & 1]
    return "".join(f"M{x} {y}h1v1h-1z" for x, y in cells) or "M2 2h1v1h-1z"


def displayed_name(comment: Comment) -> str:
    """The name of a comment's author, or what stands for it if readers may not see it."""
    return comment.author_name if comment.is_published else gettext("a hidden comment")


def reply_author_names(node: Node) -> str:
    """Who replied in a thread, for its summary: up to three names, and "others" if there are more."""
    # Each name is isolated (Unicode Standard Annex 9), so that a right-to-left name does not reverse the list.
    authors = node.reply_authors
    names = [f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" for name in authors[:NAMES]]
    if names and (len(authors) > NAMES or node.hidden_replies):
        names.append(gettext("others"))
    return format_list(names, locale=current_locale())


def _number(name: str) -> int:
    return zlib.crc32(name.casefold().encode())
