"""Names that look alike: nobody else may look like the owner."""

from __future__ import annotations

import unicodedata
from functools import cache

from confusable_homoglyphs import confusables


def skeleton(name: str) -> str:
    """What is left of a name for the eye: every letter replaced by the first of those that look like it."""
    letters = _look_alikes()
    kept: list[str] = []
    for character in unicodedata.normalize("NFKD", name):
        # Once before lower case and once after: a capital I looks like an l, and its small i does not.
        for part in unicodedata.normalize("NFKD", letters.get(character, character).casefold()):
            kept.append(letters.get(part, part))
    plain = "".join(character for character in kept if character.isalnum())
    return plain.translate(ONE_STROKE).replace("rn", "m").replace("vv", "w")


# Capital and small letters blur what the tables keep apart: O and 0 are one to the eye, and so are I, l, 1 and i.
ONE_STROKE = str.maketrans("01i", "oll")


@cache
def _look_alikes() -> dict[str, str]:
    """Each character that looks like others -> one that stands for them all, a plain letter if possible."""
    groups: dict[str, set[str]] = {}
    for character, others in confusables.confusables_data.items():
        group = {character, *(other["c"] for other in others if len(other["c"]) == 1)}
        group = {each for each in group if len(each) == 1}
        for each in list(group):
            group |= groups.get(each, set())
        for each in group:
            groups[each] = group
    return {character: min(group, key=_plainness) for character, group in groups.items() if len(group) > 1}


def _plainness(character: str) -> tuple[bool, bool, str]:
    return not (character.isascii() and character.isalnum()), not character.islower(), character
