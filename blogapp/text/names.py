"""Clean names and texts as they were typed, before anything else looks at them."""

from __future__ import annotations

import unicodedata

MARKS_PER_LETTER = 3

# Characters that Unicode calls letters or symbols and that are blank (Default_Ignorable_Code_Point, U+2800).
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def clean_name(name: str) -> str:
    """The name in NFC on one line: no control, bidirectional, zero-width or blank characters, and at most three
    combining marks on a letter. Empty if nothing visible is left."""
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


def fold_case(name: str) -> str:
    """The form in which two spellings of one name are equal: NFC, without case, and without variation selectors,
    which choose between a text sign and its coloured form (Unicode standard, section 3.13, D145)."""
    decomposed = unicodedata.normalize("NFD", clean_name(name)).casefold()
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not "\ufe00" <= each <= "\ufe0f"))


def clean_body(body: str) -> str:
    """The text with `\\n` as its only line ending, without control characters and without blank lines at its start
    or blanks at its end."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    return kept.rstrip().lstrip("\n")


def is_blank(text: str) -> bool:
    """Whether `text` has no visible character."""
    return not any(
        unicodedata.category(c)[0] not in "ZC" and unicodedata.category(c) != "Mn" and c not in BLANK_LETTERS
        for c in text
    )
