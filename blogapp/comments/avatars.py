"""Avatars drawn from the commenter's name, without a request to another site."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from flask import Flask
from markupsafe import Markup

from blogapp.text import markup

TONES = 8
# Size of the cache below; a page shows a few hundred names at most.
KEPT = 500


def init_app(app: Flask) -> None:
    app.jinja_env.globals["avatar"] = avatar


@lru_cache(KEPT)
def avatar(name: str) -> Markup:
    """The picture of a name, as SVG."""
    drawing = '<svg class="avatar tone-{}" viewBox="-1 -1.5 7 7" aria-hidden="true"><path d="{}"/></svg>'
    return markup.element(drawing, tone(name), pattern(name))


def tone(name: str) -> int:
    """One of TONES colours; the same for the same name in upper or lower case."""
    return _number(name) % TONES


def pattern(name: str) -> str:
    """An SVG path of horizontal strokes, one unit thick: cells on a grid of 5 by 5, the right half the mirror image of
    the left."""
    bits = _number(name) >> 3
    rows = ["".join(str(bits >> (3 * y + min(x, 4 - x)) & 1) for x in range(5)) for y in range(5)]
    strokes = [
        f"M{match.start()} {y}h{len(match[0])}" for y, row in enumerate(rows) for match in re.finditer("1+", row)
    ]
    return "".join(strokes) or "M2 2h1"


def _number(name: str) -> int:
    return zlib.crc32(name.casefold().encode())
