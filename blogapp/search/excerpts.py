"""The part of a text that shows why it was found, with the words to mark. Plain text: templates escape it."""

from __future__ import annotations

from typing import NamedTuple

from blogapp.search.query import Query
from blogapp.text.search_terms import IS_UNSPACED, fold, word_pattern
from blogapp.values import frozen

EXCERPT_LENGTH = 220
# Characters before the first marked word.
LEAD = 60
# Matches among which the best part is looked for.
MOST_MATCHES = 50


class Piece(NamedTuple):
    text: str
    is_marked: bool


@frozen
class _Match:
    start: int
    end: int
    group: int


class Marker:
    """Marks the words of a query in texts in `lang`. Whether a word matches is remembered, because a text repeats its
    words."""

    def __init__(self, query: Query, langs: tuple[str, ...]) -> None:
        self._query = query
        self._langs = langs
        self._known: dict[str, list[tuple[int, int, int]]] = {}

    def mark(self, text: str) -> list[Piece]:
        """The whole text with its matches."""
        return _pieces(text, 0, len(text), self._matches(text))

    def excerpt(self, text: str) -> list[Piece]:
        """The part of the text, about EXCERPT_LENGTH characters, that has the most different words of the query."""
        matches = self._matches(text)
        first = _best(matches)
        start = max(0, first.start - LEAD) if first else 0
        if start:
            start = text.find(" ", start, first.start if first else None) + 1 or start
        end = start + EXCERPT_LENGTH
        if end < len(text):
            end = max(text.rfind(" ", start, end), first.end if first else 0) if " " in text[start:end] else end
        pieces = _pieces(text, start, end, matches)
        before = [Piece("…", False)] if start else []
        return before + pieces + ([Piece("…", False)] if end < len(text) else [])

    def _matches(self, text: str) -> list[_Match]:
        matches: list[_Match] = []
        for match in word_pattern().finditer(text):
            for start, end, group in self._parts_of(match[0]):
                matches.append(_Match(match.start() + start, match.start() + end, group))
            if len(matches) >= MOST_MATCHES:
                break
        return matches

    def _parts_of(self, word: str) -> list[tuple[int, int, int]]:
        """Where a word matches: as a whole, or in some of its characters."""
        found = self._known.get(word)
        if found is None:
            groups = enumerate(self._query.groups)
            whole = next((number for number, each in groups if each.matches(word, self._langs)), None)
            found = [(0, len(word), whole)] if whole is not None else self._in_unspaced(word)
            self._known[word] = found
        return found

    def _in_unspaced(self, word: str) -> list[tuple[int, int, int]]:
        """The characters of the query in a text without spaces."""
        if not IS_UNSPACED.search(word) or len(folded := fold(word)) != len(word):
            return []
        found = []
        for number, run in enumerate(self._query.runs):
            at = folded.find(run)
            while at >= 0:
                found.append((at, at + len(run), -1 - number))
                at = folded.find(run, at + len(run))
        return sorted(found)


def _best(matches: list[_Match]) -> _Match | None:
    """The match at which the part with the most different words begins; of several, the one with the shortest."""
    best, best_value = None, (0, 0)
    for number, first in enumerate(matches):
        groups = {first.group}
        last = first
        for each in matches[number + 1 :]:
            if each.end - first.start > EXCERPT_LENGTH - LEAD:
                break
            if each.group not in groups:
                groups.add(each.group)
                last = each
        value = (len(groups), first.start - last.end)
        if best is None or value > best_value:
            best, best_value = first, value
    return best


def _pieces(text: str, start: int, end: int, matches: list[_Match]) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for match in matches:
        if at <= match.start and match.end <= end:
            if at < match.start:
                pieces.append(Piece(text[at : match.start], False))
            pieces.append(Piece(text[match.start : match.end], True))
            at = match.end
    if at < end:
        pieces.append(Piece(text[at:end], False))
    return pieces
