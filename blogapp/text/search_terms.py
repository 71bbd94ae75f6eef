"""The words of a text as the search compares them, made here so that both databases find the same.

A word is folded: case, accents, Hebrew and Arabic vowel points and the forms of some letters make no difference. Its
French and English stems are terms, too, so that a search for one form of a word finds the others. Scripts without
spaces between words become pairs of characters. Two neighbours have a term together, for phrases. The databases only
store terms and compare them.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

# Stored with every indexed text. Increment it when the terms of stored texts should change: `flask db upgrade` then
# indexes them again.
TERMS_VERSION = 2
# PostgreSQL stores at most 1 MB of terms for a text; each term is at most LONGEST_TERM characters (4 bytes each). The
# terms of neighbours, which come on top, are at most 400 KB.
LONGEST_TERM = 40
MOST_BYTES = 500_000
# Folded words and stems that are remembered, with about 300 bytes each: most words of a text are among the frequent
# ones. Numbers are not remembered, and neither are folded words without accents, because folding those is quick.
REMEMBERED = 5_000

# The first characters of terms that are not words as typed. No word contains them.
TITLE = "^"
STEM = "~"
NEIGHBOURS = "~~"
ALGORITHMS = {"fr": "french", "en": "english"}
# Neighbours have one of this many terms, so that these take little room. The phrase itself is compared afterwards.
NEIGHBOUR_TERMS = 0x10000

# Letters that Unicode does not decompose.
LETTERS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n",
        "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": "",
        "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "",
    }
)  # fmt: skip
# Marks that make no difference: accents, Hebrew points, Arabic vowels and hamza above or below a letter. Marks of other
# scripts are part of their words.
MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f]"
)
# Scripts that are written without spaces, and Korean, whose words have endings: Thai to Khmer, kana, Han, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003fffd"
)
RUN = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")
IS_UNSPACED = re.compile(f"[{UNSPACED}]")
# French words whose vowel is replaced by an apostrophe: `l’été` is found as `été`.
ELIDED = frozenset({"c", "d", "j", "l", "m", "n", "qu", "s", "t", "jusqu", "lorsqu", "puisqu", "quoiqu"})
APOSTROPHES = frozenset("'’ʼ")


@cache
def word_pattern() -> re.Pattern[str]:
    """A letter or digit, and what follows it within a word: letters, digits, marks, invisible joiners, and in Hebrew
    the quotation mark of an acronym."""
    marks = "".join(chr(code) for code in range(0x300, 0x20F1) if unicodedata.category(chr(code)).startswith("M"))
    joined = f"[^\\W_]|[{marks}\u0640\u00ad\u200b-\u200d\u2060\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f]"
    return re.compile(f"[^\\W_](?:{joined}|(?<=[א-ת])[\"'״׳”’](?=[א-ת]))*")


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text as they are written. Elided French words are left out."""
    for match in word_pattern().finditer(text):
        if text[match.end() : match.end() + 1] in APOSTROPHES and match[0].lower() in ELIDED:
            continue
        if fold(match[0]):
            yield match


def fold(word: str) -> str:
    """A word in the form in which words are compared; empty if nothing is left of it."""
    return word.lower()[:LONGEST_TERM] if word.isascii() else _without_marks(word)


@lru_cache(REMEMBERED)
def _without_marks(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", word).casefold())
    plain = unicodedata.normalize("NFC", MARKS.sub("", decomposed)).translate(LETTERS)
    kept = (str(unicodedata.digit(each, "")) or each for each in plain if each.isalnum() or not each.isascii())
    return "".join(each for each in kept if unicodedata.category(each)[0] in "LNM")[:LONGEST_TERM]


def parts_of(word: str) -> list[str]:
    """What the index has of a folded word: the word itself, or the pairs of characters of scripts without spaces and
    the last of these characters. A search for one character finds it as the beginning of a pair."""
    if not IS_UNSPACED.search(word):
        return [word]
    parts: list[str] = []
    for run in RUN.findall(word):
        if IS_UNSPACED.match(run):
            parts += [run[at : at + 2] for at in range(len(run))]
        else:
            parts.append(run)
    return parts


def terms_of(text: str, langs: tuple[str, ...]) -> dict[str, None]:
    """The different terms of a text, in their order: its words, and their stems in `langs` unless the word is one."""
    terms: dict[str, None] = {}
    for word in dict.fromkeys(match[0] for match in words_of(text)):
        folded = fold(word)
        terms.update(dict.fromkeys(parts_of(folded)))
        terms.update(dict.fromkeys(stem for stem in stems_of(word, langs) if stem != STEM + folded))
    return terms


def stems_of(word: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    """The terms for the stems of a word; none for a number or a word in another script. The rules for French need the
    accents, but a search may be typed without them: both forms have a stem."""
    folded = fold(word)
    return _stems(word, folded, langs) if folded.isascii() and folded.isalpha() else ()


@lru_cache(REMEMBERED)
def _stems(word: str, folded: str, langs: tuple[str, ...]) -> tuple[str, ...]:
    forms = dict.fromkeys((unicodedata.normalize("NFC", word).lower()[:LONGEST_TERM], folded))
    stems = [fold(_stemmers.of(ALGORITHMS[lang]).stemWord(form)) for lang in langs for form in forms]
    return tuple(dict.fromkeys(STEM + stem for stem in stems))


class _Stemmers(threading.local):
    """One stemmer per thread and language: they are not thread-safe."""

    def __init__(self) -> None:
        self.of = cache(_new_stemmer)


def _new_stemmer(algorithm: str) -> Any:
    import Stemmer  # not needed by most processes' first requests

    return Stemmer.Stemmer(algorithm, 0)


_stemmers = _Stemmers()


def text_of_words(text: str) -> str:
    """The folded words of a text, separated by spaces, to compare phrases with."""
    return " ".join(part for match in words_of(text) for part in parts_of(fold(match[0])))


def neighbours_in(words: str) -> dict[str, None]:
    """The different terms for each two neighbours in a result of `text_of_words`. Databases could compare the positions
    of words instead, but PostgreSQL keeps only the first 256 of a word and none in its index."""
    parts = words.split()
    return dict.fromkeys(_neighbours(*both) for both in pairwise(parts))


def _neighbours(first: str, second: str) -> str:
    return f"{NEIGHBOURS}{zlib.crc32(f'{first} {second}'.encode()) % NEIGHBOUR_TERMS:04x}"


def joined(terms: dict[str, None]) -> str:
    """The terms as one string, at most MOST_BYTES long."""
    whole = " ".join(terms)
    if len(whole) * 4 <= MOST_BYTES or len(whole.encode()) <= MOST_BYTES:
        return whole
    return whole.encode()[:MOST_BYTES].decode(errors="ignore").rpartition(" ")[0]
