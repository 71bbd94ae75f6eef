"""How a commenter looks on the page: drawn from the name, with no request to anybody."""

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
    app.jinja_env.filters.update(tone=tone, pattern=pattern, called=called, names_of_voices=names_of_voices)


def tone(name: str) -> int:
    """One of TONES colours, the same for the same name, whatever its case."""
    return _number(name) % TONES


def pattern(name: str) -> str:
    """The path of an SVG: squares on a grid of 5 by 5, the right half the mirror of the left."""
    bits = _number(name) >> 3
    cells = [(x, y) for y in range(5) for x in range(5) if bits >> (3 * y + min(x, 4 - x)) & 1]
    return "".join(f"M{x} {y}h1v1h-1z" for x, y in cells) or "M2 2h1v1h-1z"


def called(comment: Comment) -> str:
    """The name that others may see of a comment's author."""
    return comment.author_name if comment.is_published else gettext("a removed comment")


def names_of_voices(node: Node) -> str:
    """Who speaks in a thread, for its fold: three names and, where there are more, that there are."""
    # Isolated one by one (Unicode Standard Annex 9), so that a name from right to left does not turn the list round.
    names = [f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" for name in node.voices[:NAMES]]
    if names and (len(node.voices) > NAMES or node.hidden_replies):
        names.append(gettext("others"))
    return format_list(names, locale=current_locale())


def _number(name: str) -> int:
    return zlib.crc32(name.casefold().encode())
