"""Detect names that look alike, so that nobody can impersonate the owner.

Names are compared by their skeletons. For a skeleton, a name is decomposed (NFKD), and each character is replaced with
the plain letter that it looks like, from its Unicode name ("LATIN LETTER SMALL CAPITAL R", "LATIN SMALL LETTER O WITH
STROKE", "NEGATIVE CIRCLED LATIN CAPITAL LETTER A") or the confusables of Unicode Technical Standard 39. Case, accents,
spaces and punctuation are removed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

# Computed from the package confusable_homoglyphs (tests/harness/confusables.py), whose own table takes 7 MB of memory.
TABLE = Path(__file__).with_suffix(".json")

# Digits and symbols that are used in place of letters.
SUBSTITUTES = str.maketrans("0234578@$€", "ozeastbase")
# Used for an i or an l inside a word; at its end they are punctuation.
STROKES = re.compile(r"[!|¡](?=\w)")
# Characters that look similar. A lower-case i does not look like an l, nor an upper-case I like an L: Ian, Lan.
SIMILAR = {"i": "I1", "I": "il1", "l": "LI1", "L": "l", "1": "iIl"}

# Letters whose look-alike follows neither from their Unicode name nor from the table of confusables.
MORE = dict(zip("ðþŋʉʊʒȝꞻꞽꞿꟁꟗꟙᴖᴗᏆ", "dpnuu33aiuossooI", strict=True))

BASE_LETTER = re.compile(
    r"(?:LATIN(?: (?:SMALL|CAPITAL|SUBSCRIPT SMALL|SUPERSCRIPT SMALL))?|INDICATOR SYMBOL|MODIFIER) LETTER "
    r"(?:(?:SMALL|CAPITAL|TURNED|REVERSED|INVERTED|SIDEWAYS|BARRED|DOTLESS|INSULAR|SCRIPT|OPEN|CLOSED|LONG|BROKEN|"
    r"BLACKLETTER|STRETCHED|LAZY|BASELINE|AFRICAN|EGYPTOLOGICAL|VOLAPUK|ANGLICANA|SWASH-TAIL) )*([A-Z])"
    r"(?: (?:WITH|ROTUNDA|DIGRAPH) .*)?$"
)


def look_alike(name: str, other: str) -> bool:
    """Whether readers could mistake one name for the other.

    Two names in the same script other than Latin are compared letter by letter: people who read Greek, Armenian or
    Chinese can distinguish letters that the table lists as confusable.
    """
    script = _script(name)
    if script not in {"", "LATIN"} and script == _script(other):
        return _letters(name) == _letters(other)
    ours, theirs = skeleton(name), skeleton(other)
    return len(ours) == len(theirs) and all(
        a == b or b in SIMILAR.get(a, "") for a, b in zip(ours, theirs, strict=True)
    )


def _script(name: str) -> str:
    """The script of a name, from the Unicode names of its letters; "" if there is none or more than one."""
    scripts = {unicodedata.name(each, "").split(" ")[0] for each in name if each.isalpha()}
    return scripts.pop() if len(scripts) == 1 else ""


def _letters(name: str) -> str:
    """Letters and digits without case and accents."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return "".join(each for each in decomposed if not _is_accent(each) and _is_letter(each))


def skeleton(name: str) -> str:
    """The letters and digits that a name looks like, in lower case except for I and L; its symbols if it has no letter
    and no digit."""
    decomposed = unicodedata.normalize("NFKD", name)
    shapes = "".join(map(_shape, STROKES.sub("1", decomposed))).translate(SUBSTITUTES)
    letters = "".join(filter(_is_letter, shapes))
    if not any(map(str.isalnum, letters)):
        return "".join(each for each in decomposed if unicodedata.category(each)[0] in "PS")
    return letters.replace("rn", "m").replace("vv", "w")


@lru_cache(4096)
def _shape(character: str) -> str:
    """What a character looks like: a letter in lower case (or I or L), a digit, or itself; empty for an accent."""
    if _is_accent(character):
        return ""
    for _ in range(3):
        if character in "IL":
            return character
        if character.isascii():
            return character.lower()
        plain = _plain(character)
        if plain == character:
            break
        if len(plain) > 1:
            return "".join(map(_shape, plain))
        character = plain
    return character


def _plain(character: str) -> str:
    """One step of reducing a character to a plain letter."""
    if "CHEROKEE SMALL" in unicodedata.name(character, ""):
        character = character.upper()  # the table knows what the capital letters look like
    if character in MORE:
        return MORE[character]
    found = BASE_LETTER.search(unicodedata.name(character, ""))
    if found:
        letter = found.group(1)
        return letter if letter in "IL" and not character.islower() else letter.lower()
    look = _look_alikes().get(character, character)
    if look == "l" and character.isupper():
        return "I"  # the standard's table says l for every capital I
    if look != character:
        return look
    return unicodedata.normalize("NFKD", character.casefold())


def _is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _is_accent(character: str) -> bool:
    """Whether readers may overlook this mark: accents and strokes, Hebrew and Arabic points, variation selectors. Not
    vowel signs (as in Hindi or Thai) and the Japanese voicing mark, which make another letter."""
    combining_class = unicodedata.combining(character)
    is_overlooked = combining_class == 1 or 10 <= combining_class <= 35 or combining_class >= 200
    return is_overlooked or "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) == "Cf"


@cache
def _look_alikes() -> dict[str, str]:
    """Map each confusable character to the representative of its group, an ASCII letter if possible."""
    table: dict[str, str] = json.loads(TABLE.read_text(encoding="ascii"))
    return {character: look for look, characters in table.items() for character in characters}
