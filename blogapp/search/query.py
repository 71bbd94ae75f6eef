"""Read what a reader typed into the search field, and say it in the language of each database."""

from __future__ import annotations

import re
from functools import cached_property

from blogapp.db.search_index import COMMENT_LANGS
from blogapp.text.search_terms import IS_UNSPACED, RUN, STEM, TITLE, fold, neighbours_in, parts_of, stems_of, words_of
from blogapp.values import frozen

LONGEST_QUERY = 200
MOST_WORDS = 12
# The beginnings of words are searched from this length on: a single letter begins too many.
SHORTEST_PREFIX = 2
# Quotation marks around a phrase. Between two Hebrew letters the straight one is part of an acronym.
QUOTES = re.compile('(?<![א-ת])["“”„«»]|["“”„«»](?![א-ת])')


@frozen
class Group:
    """A word of the query. A text has to have one of its terms or, with `prefix`, a word that begins with it."""

    terms: tuple[str, ...]
    prefix: str = ""

    def matches(self, word: str, langs: tuple[str, ...]) -> bool:
        """Whether a word, as it is written in a text, has made the text match."""
        folded = fold(word)
        if self.prefix and folded.startswith(self.prefix):
            return True
        return folded in self.terms or not self._stems.isdisjoint(stems_of(word, langs))

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(self.terms[1:])


@frozen
class Query:
    """The words that a text has to have, all of them; the phrases as parts of `SearchComment.words`; whether something
    that was typed is left out; and the parts of words in scripts without spaces, to mark them."""

    groups: tuple[Group, ...]
    phrases: tuple[str, ...] = ()
    is_cut: bool = False
    runs: tuple[str, ...] = ()

    @cached_property
    def neighbours(self) -> tuple[str, ...]:
        """The terms that every text with the phrases has."""
        return tuple(dict.fromkeys(term for phrase in self.phrases for term in neighbours_in(_whole_words(phrase))))

    def fts5(self, before: str = "") -> str:
        """The query for SQLite's FTS5; `before` is put before the term of each word (TITLE)."""
        words = [f"({' OR '.join(_fts5_terms(group, before))})" for group in self.groups]
        return " AND ".join(words + [f'"{term}"' for term in self.neighbours])

    def tsquery(self, before: str = "") -> str:
        """The query for PostgreSQL's `tsquery`."""
        words = [f"({' | '.join(_tsquery_terms(group, before))})" for group in self.groups]
        return " & ".join(words + [f"'{term}'" for term in self.neighbours])

    def in_title(self, dialect: str) -> str:
        return self.tsquery(TITLE) if dialect == "postgresql" else self.fts5(TITLE)

    def anywhere(self, dialect: str) -> str:
        return self.tsquery() if dialect == "postgresql" else self.fts5()


# Terms consist of letters, digits and marks (search_terms.py), so no quotation mark has to be escaped.
def _fts5_terms(group: Group, before: str) -> list[str]:
    return [f'"{before}{term}"' for term in group.terms] + ([f'"{before}{group.prefix}" *'] if group.prefix else [])


def _tsquery_terms(group: Group, before: str) -> list[str]:
    return [f"'{before}{term}'" for term in group.terms] + ([f"'{before}{group.prefix}':*"] if group.prefix else [])


def parse(typed: str) -> Query:
    """Read a query. Words are combined with "and"; words in quotation marks are a phrase. The last word may be
    unfinished. Everything else, such as operators, is ignored; nothing is an error."""
    pieces = QUOTES.split(typed[:LONGEST_QUERY])
    is_cut = len(typed.strip()) > LONGEST_QUERY
    groups: dict[Group, None] = {}
    phrases: list[str] = []
    runs: list[str] = []
    left = MOST_WORDS
    for number, piece in enumerate(pieces):
        words = [match[0] for match in words_of(piece)]
        is_cut |= len(words) > left
        words = words[:left]
        left -= len(words)
        is_phrase, is_last = number % 2 == 1, number == len(pieces) - 1
        for position, word in enumerate(words):
            may_go_on = is_last and position == len(words) - 1
            groups |= dict.fromkeys(_groups(word, is_phrase, may_go_on))
            for run in RUN.findall(fold(word)):
                if IS_UNSPACED.match(run):
                    runs.append(run)
                    if len(run) > 2 and not is_phrase:
                        phrases.append(f" {' '.join(_pairs(run))} ")
        if is_phrase and words:
            phrases.append(_phrase(words, is_open=is_last))
    several = dict.fromkeys(phrase for phrase in phrases if " " in phrase.strip())
    return Query(tuple(groups), tuple(several), is_cut, tuple(runs))


def _groups(word: str, is_exact: bool, may_go_on: bool) -> list[Group]:
    folded = fold(word)
    if IS_UNSPACED.search(folded):
        return [group for run in RUN.findall(folded) for group in _groups_of_run(run)]
    prefix = folded if may_go_on and len(folded) >= SHORTEST_PREFIX else ""
    # A word that is its own stem is only in the index as a word.
    stems = [form for stem in stems_of(word, COMMENT_LANGS) for form in (stem, stem.removeprefix(STEM))]
    return [Group((folded,) if is_exact else tuple(dict.fromkeys((folded, *stems))), prefix)]


def _groups_of_run(run: str) -> list[Group]:
    if not IS_UNSPACED.match(run):
        return [Group((run,))]
    return [Group((pair,)) for pair in _pairs(run)] if len(run) > 1 else [Group((run,), prefix=run)]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _phrase(words: list[str], is_open: bool) -> str:
    """A part of the `words` of a text that has the phrase. The last word of a phrase without its closing quotation mark
    may be unfinished, and a text may go on after the last character of a script without spaces."""
    parts = [part for word in words for part in parts_of(fold(word))]
    if IS_UNSPACED.match(parts[-1]):
        return f" {' '.join(parts[:-1] if len(parts) > 1 and IS_UNSPACED.match(parts[-2]) else parts)}"
    return f" {' '.join(parts)}{'' if is_open else ' '}"


def _whole_words(phrase: str) -> str:
    """The phrase without its last word, if that may be unfinished. A pair of characters is whole."""
    start, _, last = phrase.rpartition(" ")
    return phrase if IS_UNSPACED.match(last) and len(last) == 2 else start
