"""What visitors may call themselves and write: names and texts made fit, before anything judges them."""

from __future__ import annotations

import unicodedata

MARKS_PER_LETTER = 3

# Letters by their category, blanks by their looks (Unicode 16, Default_Ignorable_Code_Point and U+2800).
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def clean_name(name: str) -> str:
    """The name in NFC on one line: no control, bidirectional, zero-width or blank characters, and at most three
    combining marks on a letter. Empty where nothing visible is left."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", name):
        category = unicodedata.category(character)
        if category in {"Cf", "Cs", "Co", "Cn"} or character in BLANK_LETTERS:
            continue
        if category.startswith("M"):
            marks += 1
            if marks > MARKS_PER_LETTER or not kept:
                continue
        else:
            marks = 0
        kept.append(" " if category.startswith("Z") or category == "Cc" else character)
    return " ".join("".join(kept).split())


def clean_body(body: str) -> str:
    """The text with plain line ends and without control characters or blank ends; all else as it was typed."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return kept.rstrip().lstrip("\n")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of `text`."""
    return not any(
        unicodedata.category(c)[0] not in "ZC" and unicodedata.category(c) != "Mn" and c not in BLANK_LETTERS
        for c in text
    )
