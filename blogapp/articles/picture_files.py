"""Pictures beside an article's file, which an import stores and an export writes. In the text, only their addresses
change."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from blogapp.text import markup

# `![words](address "title")`, `[name]: address` and `<img src="address">`, each with its address as the second group.
# Addresses in Markdown may be in angle brackets, and contain pairs of parentheses.
WORDS = r"!\[(?:[^\[\]\\]|\\.|\[[^\[\]]{0,200}\]){0,1000}\]"
PLACES = (
    re.compile(rf"({WORDS}\([ \t]*\n?[ \t]*)(<[^<>\n]*>|(?:[^\s()<>\\]|\\.|\([^\s()]*\))+)"),
    re.compile(r"(^[ \t>]*\[[^\[\]\n]{1,200}\]:[ \t]*\n?[ \t]*)(<[^<>\n]*>|\S+)", re.MULTILINE),
    re.compile(r"(<img\s(?:[^<>]*?\s)?src\s*=\s*)(\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+)", re.IGNORECASE),
)
PICTURE = re.compile(r"!\[|<img\s", re.IGNORECASE)
BRACKETS = {"<": ">", '"': '"', "'": "'"}
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|[/\\#?]", re.IGNORECASE)


class PictureNotStored(Exception):
    """A picture beside a file cannot be stored. `str()` says why, after "the picture `photo.jpg` "."""


def store_pictures(body: str, file: Path, store: Callable[[Path], str]) -> tuple[str, dict[str, str]]:
    """The text of `file` with the addresses of the stored pictures, and for each picture that cannot be stored, by its
    address, why. `store` returns the address of a picture's file, or raises PictureNotStored."""
    reasons: dict[str, str] = {}

    def address_of(address: str) -> str | None:
        if SCHEME.match(address):
            return None
        try:
            return store(file.parent / re.split(r"[?#]", address, maxsplit=1)[0])
        except PictureNotStored as error:
            reasons[address] = str(error)
            return None

    return replace_addresses(body, address_of), reasons


def replace_addresses(source: str, address_of: Callable[[str], str | None]) -> str:
    """The Markdown with other addresses of its pictures; `address_of` returns None to keep one. Code is not changed."""
    if not PICTURE.search(source):
        return source
    code, pictures = markup.code_and_pictures(source)
    changes: list[tuple[int, int, str]] = []
    new: dict[str, str | None] = {}
    for place in PLACES:
        for found in place.finditer(code):
            typed = source[found.start(2) : found.end(2)]
            opening = typed[:1] if BRACKETS.get(typed[:1]) == typed[-1:] else ""
            address = _decoded(typed[len(opening) : len(typed) - len(opening)])
            if address not in pictures:
                continue
            if address not in new:
                new[address] = address_of(address)
            if (changed := new[address]) is not None:
                changes.append((found.start(2), found.end(2), f"{opening}{changed}{BRACKETS.get(opening, '')}"))
    for start, end, address in sorted(changes, reverse=True):
        source = source[:start] + address + source[end:]
    return source


def _decoded(typed: str) -> str:
    """The address that stands in a text, without backslashes before punctuation, entities and percent encoding."""
    return unquote(html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", typed)))
