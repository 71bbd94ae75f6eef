"""Normalize typed names and texts before they are validated or stored."""

from __future__ import annotations

import re
import unicodedata

MARKS_PER_LETTER = 3

# Characters that are letters or symbols in Unicode but invisible (Default_Ignorable_Code_Point, U+2800).
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# The categories Cc, without the tab and the line feed, and Cs.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_name(name: str) -> str:
    """The name in NFC on one line, without control, bidirectional, zero-width and invisible characters and with at most
    three combining marks per letter. Empty if no visible character is left."""
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


def first_letter(name: str) -> str:
    """The first letter or digit of a name, as a capital; empty if it has none."""
    return next((each.upper()[:1] for each in name if each.isalnum()), "")


def fold_case(name: str) -> str:
    """The name in a form for caseless comparison (Unicode standard, section 3.13, D145), without variation selectors,
    which select the text or the emoji form of a symbol."""
    decomposed = unicodedata.normalize("NFD", clean_name(name)).casefold()
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not "\ufe00" <= each <= "\ufe0f"))


def clean_body(body: str) -> str:
    """The text with `\\n` as its only line ending, without control characters, leading empty lines and trailing
    white space."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n")
    return CONTROLS.sub("", lines).rstrip().lstrip("\n")


def is_blank(text: str) -> bool:
    """Whether `text` has no visible character."""
    return not any(
        unicodedata.category(c)[0] not in "ZC" and unicodedata.category(c) != "Mn" and c not in BLANK_LETTERS
        for c in text
    )
