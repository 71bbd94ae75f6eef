"""Numbers in URLs, limited to what a database column can hold."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.routing import IntegerConverter, Map

from blogapp.web.errors import NotFound

# A BigInteger column holds more, but JavaScript does not.
LARGEST = 2**53
# An Integer column of PostgreSQL.
LARGEST_INTEGER = 2**31 - 1


class RowIdConverter(IntegerConverter):
    """`<id:comment_id>` matches a row's id; larger numbers match no URL."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=LARGEST)


def init_app(app: Flask) -> None:
    app.url_map.converters["id"] = RowIdConverter


def whole_number(text: str, largest: int = LARGEST) -> int:
    """Parse a whole number, for `request.args.get(..., type=whole_number)`. One above `largest` is read as `largest`.
    Raises ValueError for everything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise ValueError("not a whole number")
    return min(int(text), largest)


def cursor() -> int | None:
    """The row after which a page of a list begins (`?before=`); None for the first page. Else the address is no page:
    each wrong one would show the first page again."""
    text = request.args.get("before")
    try:
        return None if text is None else whole_number(text)
    except ValueError:
        raise NotFound from None
