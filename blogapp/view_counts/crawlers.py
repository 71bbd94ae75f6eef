"""Search a user agent for the patterns of the package `crawleruseragents`, with the same result as its `is_crawler`
in a quarter of the time: each user agent that was not seen before is searched.

Nearly all of the 1,500 patterns are plain text. Such a text can only be in a user agent that has its first three
characters, so one look-up for each three consecutive characters finds the few that have to be searched for. The other
patterns are regular expressions, which are all tried.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

# The number of characters that plain texts are looked up by.
LENGTH = 3
# A regular expression without operators: every character stands for itself, after a backslash if it is punctuation.
PLAIN = re.compile(r"(?:[^\\.^$*+?{}\[\]|()]|\\[^\\a-zA-Z0-9])*")


class Patterns:
    """Case-sensitive regular expressions, without flags or references to groups, that are searched for together."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._plain: defaultdict[str, list[str]] = defaultdict(list)
        anchored, others = [], []
        for pattern in patterns:
            if PLAIN.fullmatch(pattern) and len(plain := pattern.replace("\\", "")) >= LENGTH:
                self._plain[plain[:LENGTH]].append(plain)
            elif pattern.startswith("^") and "|" not in pattern:
                anchored.append(pattern)
            else:
                others.append(pattern)
        # Those that can only match at the beginning are tried there alone.
        self._anchored, self._others = any_of(anchored), any_of(others)

    def search(self, text: str) -> bool:
        """Whether any pattern matches somewhere in `text`."""
        parts = {text[start : start + LENGTH] for start in range(len(text) - LENGTH + 1)}
        return (
            any(plain in text for part in self._plain.keys() & parts for plain in self._plain[part])
            or self._anchored.match(text) is not None
            or self._others.search(text) is not None
        )


def any_of(patterns: list[str]) -> re.Pattern[str]:
    """A regular expression that matches where one of `patterns` does; without patterns, nowhere."""
    return re.compile("|".join(patterns) if patterns else "(?!)")


@cache
def crawler_patterns() -> Patterns:
    """The patterns of the package. A worker that built them would copy 1 MB of the memory that it shares with others:
    the package's data is spread over it, and Python writes its reference counts to what it reads."""
    return Patterns(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA)


def is_crawler(user_agent: str) -> bool:
    """Whether the package knows the user agent as a crawler's."""
    return crawler_patterns().search(user_agent)
