"""How long it takes to read a text."""

from __future__ import annotations

import re
from functools import lru_cache

# static/js/editor.js has the same three values.
WORDS_PER_MINUTE = 220
CHARACTERS_PER_MINUTE = 500
# Chinese characters and Japanese kana: such texts have no spaces between words, so their characters are counted.
CHARACTER = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

TAG = re.compile(r"<[^>]*>")
WORD = re.compile(r"\w+(?:['’-]\w+)*")


# Counting takes a fiftieth of the time of a page, and an article is rendered again after each comment.
@lru_cache(16)
def reading_minutes(rendered: str) -> int:
    """The minutes, at least 1, in which a reader reads rendered HTML."""
    text, characters = CHARACTER.subn(" ", TAG.sub(" ", rendered))
    words = len(WORD.findall(text))
    return max(1, int(words / WORDS_PER_MINUTE + characters / CHARACTERS_PER_MINUTE + 0.5))
