"""Merge two versions of an article that were written at the same time, with the version that both began with.

What only one of them has changed is taken over. Where both have changed the same sentence or field, both versions are
kept as an overlap, and the owner chooses. Nothing is stored here: the result is a proposal in the form.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping

from blogapp.values import frozen

# A text is compared by sentences and lines: a paragraph of Markdown is often one long line. Empty lines belong to the
# line before.
SENTENCE = re.compile(r"(?<=[.!?…])(?=[^\S\n])|(?<=\n)(?!\n)")
# In longer texts, difflib leaves out sentences that occur often: it would take minutes.
LONG_TEXT = 1_000
MINE, OTHER, BOTH = CHOICES = ("mine", "other", "both")


@frozen
class Overlap:
    """A place that both have changed: `field` of the form, and both versions of it, either of which may be empty."""

    field: str
    mine: str
    other: str

    @property
    def key(self) -> str:
        """The name of the choice in a form. It depends on both versions, so a choice cannot be for another place."""
        return hashlib.sha256(f"{self.field}\0{self.mine}\0{self.other}".encode()).hexdigest()[:16]

    @property
    def can_have_both(self) -> bool:
        """Whether both versions can stand in the text, one after the other."""
        return self.field == "body" and bool(self.mine and self.other)


@frozen
class Merged:
    """The fields of the proposal, and the places for which no choice was made; there, the proposal has the version of
    the form."""

    fields: dict[str, str]
    overlaps: list[Overlap]


def merge(
    base: Mapping[str, str] | None, mine: Mapping[str, str], other: Mapping[str, str], choices: Mapping[str, str]
) -> Merged:
    """Merge the fields of two forms. `base` has those that both began with; if it is not known, each difference is an
    overlap. `choices` has one of CHOICES for the keys of overlaps."""
    overlaps: list[Overlap] = []

    def choose(overlap: Overlap) -> str:
        return _chosen(overlap, choices, overlaps)

    fields = {}
    for name, value in mine.items():
        before = base[name] if base is not None else None
        if name == "body":
            fields[name] = merge_texts(before, value, other[name], choose)
        else:
            fields[name] = _merge_values(name, before, value, other[name], choose)
    return Merged(fields, overlaps)


def choose_in_text(
    base: str | None, typed: str, other: str, proposal: str, choices: Mapping[str, str]
) -> tuple[str, list[Overlap]]:
    """`proposal` is the merged text, which the owner may have edited since: apply `choices` to it. Returns it with the
    places for which no choice was made. `typed` is the text that was merged."""
    left: list[Overlap] = []

    def choose(overlap: Overlap) -> str:
        return _chosen(overlap, choices, left)

    before = merge_texts(base, typed, other, lambda overlap: overlap.mine)
    after = merge_texts(base, typed, other, choose)
    return merge_texts(before, proposal, after, lambda overlap: overlap.mine), left


def merge_texts(base: str | None, mine: str, other: str, choose: Callable[[Overlap], str]) -> str:
    """The merged text, with what `choose` returns where both have changed it."""
    return "".join(
        part if isinstance(part, str) else choose(Overlap("body", *part)) for part in _parts(base, mine, other)
    )


def _merge_values(name: str, base: str | None, mine: str, other: str, choose: Callable[[Overlap], str]) -> str:
    if mine == other or other == base:
        return mine
    return other if mine == base else choose(Overlap(name, mine, other))


def _parts(base: str | None, mine: str, other: str) -> Iterator[str | tuple[str, str]]:
    """The parts of the merged text; a pair where both have changed it."""
    if base is None:
        yield from _parts_without_base(SENTENCE.split(mine), SENTENCE.split(other))
        return
    old, one, two = (SENTENCE.split(text) for text in (base, mine, other))
    old_at = one_at = two_at = 0
    for old_start, old_end, one_start, two_start in _unchanged(old, one, two):
        before = "".join(old[old_at:old_start])
        here, there = "".join(one[one_at:one_start]), "".join(two[two_at:two_start])
        if here == there or there == before:
            yield here
        elif here == before:
            yield there
        else:
            yield here, there
        yield "".join(old[old_start:old_end])
        old_at, length = old_end, old_end - old_start
        one_at, two_at = one_start + length, two_start + length


def _unchanged(old: list[str], one: list[str], two: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """The ranges of `old` that both others still have, with where they begin there; at last an empty one at the end.
    This is the algorithm of diff3."""
    in_one, in_two = _matches(old, one), _matches(old, two)
    first = second = 0
    while first < len(in_one) and second < len(in_two):
        (old_one, at_one, length_one), (old_two, at_two, length_two) = in_one[first], in_two[second]
        start, end = max(old_one, old_two), min(old_one + length_one, old_two + length_two)
        if start < end:
            yield start, end, at_one + start - old_one, at_two + start - old_two
        if old_one + length_one < old_two + length_two:
            first += 1
        else:
            second += 1
    yield len(old), len(old), len(one), len(two)


def _matches(old: list[str], new: list[str]) -> list[tuple[int, int, int]]:
    """The parts that both have: where they begin in each, and their lengths; at last an empty one at the end."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    end = next((at for at in range(shorter - start) if old[-1 - at] != new[-1 - at]), shorter - start)
    within, changed = old[start : len(old) - end], new[start : len(new) - end]
    matcher = difflib.SequenceMatcher(None, within, changed, autojunk=len(changed) > LONG_TEXT)
    *found, _ = matcher.get_matching_blocks()
    middle = [(start + match.a, start + match.b, match.size) for match in found]
    return [(0, 0, start), *middle, (len(old) - end, len(new) - end, end), (len(old), len(new), 0)]


def _parts_without_base(one: list[str], two: list[str]) -> Iterator[str | tuple[str, str]]:
    one_at = two_at = 0
    for one_start, two_start, length in _matches(one, two):
        here, there = "".join(one[one_at:one_start]), "".join(two[two_at:two_start])
        if here or there:
            yield here, there
        yield "".join(one[one_start : one_start + length])
        one_at, two_at = one_start + length, two_start + length


def _chosen(overlap: Overlap, choices: Mapping[str, str], left: list[Overlap]) -> str:
    """The version that was chosen; without a choice, the form's, and the overlap is added to `left`."""
    choice = choices.get(overlap.key)
    if choice not in CHOICES:
        left.append(overlap)
    if choice == BOTH and overlap.can_have_both:
        return _both(overlap)
    return overlap.other if choice == OTHER else overlap.mine


def _both(overlap: Overlap) -> str:
    """Both versions, the form's first, in paragraphs of their own if they end with a line."""
    return f"{overlap.mine}{'' if overlap.mine[-1:].isspace() or overlap.other[:1].isspace() else ' '}{overlap.other}"
