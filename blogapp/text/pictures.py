"""The addresses of uploaded pictures. An address contains the size, so a text can be rendered without the database:
`/media/0123456789abcdef0123456789abcdef-1600x900.webp`, and `...-1600x900-480.webp` for the copy of that width."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# The widths of the copies, in pixels. The column of text is about 520 CSS pixels wide, and screens have up to three
# pixels for each.
WIDTHS = (480, 960, 1600)
# How wide the text column shows a picture, for the browser's choice of a copy.
SIZES = "(max-width: 40rem) 100vw, 32rem"

HASH = r"[0-9a-f]{32}"
ADDRESS = re.compile(rf"/media/({HASH})-(\d{{1,4}})x(\d{{1,5}})\.webp")
COPY = re.compile(rf"({HASH})-(\d{{1,4}})x(\d{{1,5}})(?:-(\d{{1,4}}))?\.webp")
COPIES = re.compile(rf"/media/{HASH}-\d{{1,4}}x\d{{1,5}}(?:-\d{{1,4}})?\.webp \d{{1,4}}w(?:, (?=/)|\Z)")


def address_of(hash: str, width: int, height: int, copy: int | None = None) -> str:
    """The path of a picture, or of its copy with a smaller width."""
    suffix = f"-{copy}" if copy and copy != width else ""
    return f"/media/{hash}-{width}x{height}{suffix}.webp"


def widths_of(width: int) -> list[int]:
    """The widths of the files that are stored for a picture with this width, ascending."""
    return [*(each for each in WIDTHS if each < width), width]


class Copy(NamedTuple):
    """A copy of a picture: its path, and the size of the picture in it."""

    path: str
    width: int
    height: int


def copy_of_height(address: str, height: int) -> Copy | None:
    """The smallest copy of a picture that is at least `height` pixels high, else the largest; None if `address` is not
    that of an uploaded picture."""
    found = ADDRESS.fullmatch(address)
    if found is None or int(found[2]) == 0:
        return None
    hash, width, full_height = found[1], int(found[2]), int(found[3])
    copies = [(each, max(1, round(full_height * each / width))) for each in widths_of(width)]
    chosen = next((copy for copy in copies if copy[1] >= height), copies[-1])
    return Copy(address_of(hash, width, full_height, chosen[0]), *chosen)


def attributes_of(address: str) -> dict[str, str]:
    """The attributes of an `img` element with this `src`; empty if it is no uploaded picture."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return {}
    hash, width, height = found[1], int(found[2]), int(found[3])
    copies = ", ".join(f"{address_of(hash, width, height, each)} {each}w" for each in widths_of(width))
    return {"width": str(width), "height": str(height), "srcset": copies, "sizes": SIZES}


def is_srcset(value: str) -> bool:
    """Whether a `srcset` attribute names only uploaded pictures."""
    rest = COPIES.sub("", value)
    return bool(value) and not rest


def hashes_in(texts: Iterable[str]) -> set[str]:
    """The hashes of all pictures whose address is in one of the texts."""
    return {found[1] for text in texts for found in ADDRESS.finditer(text)}
