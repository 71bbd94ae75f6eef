"""The colours of the looks, for the pictures that the server draws. They are those of `static/css` on light screens
(tests/site/test_looks.py compares them)."""

from __future__ import annotations

from typing import NamedTuple


class Colours(NamedTuple):
    """Colours of a look, by the names of its custom properties."""

    paper: str
    ink: str
    quiet: str
    rule: str
    accent: str
    accent_ink: str


COLOURS = {
    "paper": Colours("#fdfcf9", "#23201b", "#655e53", "#e2dccf", "#8c3a14", "#fffdf9"),
    "slate": Colours("#fbfcfd", "#1c2126", "#56616d", "#dbe1e7", "#1f5fa8", "#ffffff"),
    "garden": Colours("#fbfcf7", "#1f241b", "#59614f", "#d9e0cb", "#2f6b2f", "#ffffff"),
    "print": Colours("#ffffff", "#111111", "#595959", "#d6d6d6", "#111111", "#ffffff"),
}
WITHOUT_SERIFS = frozenset({"slate"})
