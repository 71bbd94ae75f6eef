"""The table in blogapp/text/confusables.json, computed from the package confusable_homoglyphs: the confusables of
Unicode Technical Standard 39. After an update of the package: `python -m tests.harness.confusables`."""

from __future__ import annotations

import json

from confusable_homoglyphs import confusables

from blogapp.text.confusables import TABLE


def compute_table() -> dict[str, str]:
    """Map what characters look like, an ASCII letter if possible, to all these characters (not ASCII) in one string."""
    groups: dict[str, set[str]] = {}
    sequences: dict[str, str] = {}
    for character, others in confusables.confusables_data.items():
        if len(character) != 1:
            continue
        looks = [str(other["c"]) for other in others]
        group = {character, *(each for each in looks if len(each) == 1)}
        for each in list(group):
            group |= groups.get(each, set())
        for each in group:
            groups[each] = group
        # A letter and a mark, or two letters: ð is o and a stroke, æ is ae.
        ascii_sequences = [each for each in looks if len(each) > 1 and each[0].isascii() and each[0].isalnum()]
        if ascii_sequences and not character.isascii():
            sequences[character] = ascii_sequences[0]
    found = {character: min(group, key=_plainness) for character, group in groups.items() if len(group) > 1}
    found |= {each: look for each, look in sequences.items() if not found.get(each, each).isascii()}
    table: dict[str, str] = {}
    for character, look in sorted(found.items()):
        if character != look and not character.isascii():
            table[look] = table.get(look, "") + character
    return dict(sorted(table.items()))


def _plainness(character: str) -> tuple[bool, bool, bool, str]:
    is_ascii = character.isascii() and character.isalnum()
    return not is_ascii, not character.isalnum(), not character.islower(), character


if __name__ == "__main__":
    TABLE.write_text(json.dumps(compute_table(), indent=0) + "\n", encoding="ascii")
