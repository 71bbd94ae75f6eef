"""Highlight code with Pygments, as classes for the stylesheet."""

from __future__ import annotations

import html
from functools import lru_cache
from itertools import groupby
from time import thread_time
from typing import Any

# Longer blocks, and those for which a lexer needs more processor time, are shown without colours.
LONGEST = 20_000
SECONDS = 0.5
# Pygments' short names of the kinds of tokens that static/css/code.css distinguishes; others look like their
# supertypes, or like text.
CLASSES = frozenset({"c", "k", "s", "m", "nf", "nc", "nt", "na", "nb", "gd", "gi", "gh"})


def highlight(code: str, language: str, attributes: str = "") -> str:
    """The HTML of a block of code in `language`, a name or alias that Pygments knows; empty if it stays as it is."""
    lexer_class = _lexer_class(language.lower()) if language and len(code) <= LONGEST else None
    if lexer_class is None:
        return ""
    lexer = lexer_class(stripnl=False)  # compiles its patterns at the first use, which may take longer
    # Not the time that passes: on a busy machine a text would be stored without colours.
    until = thread_time() + SECONDS
    parts: list[tuple[str, str]] = []
    for kind, text in lexer.get_tokens(code):
        parts.append((_class(kind), text))
        if thread_time() > until:
            return ""
    return "".join(
        _span(name, "".join(text for _, text in group)) for name, group in groupby(parts, lambda each: each[0])
    )


@lru_cache(200)
def _lexer_class(language: str) -> Any:
    # Servers do not load Pygments until an owner writes such a block.
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    try:
        return find_lexer_class_by_name(language)
    except ClassNotFound:
        return None


@lru_cache(1_000)
def _class(kind: Any) -> str:
    """The class of a kind of token, or of the nearest of its supertypes that has one."""
    from pygments.token import STANDARD_TYPES

    while kind.parent is not None:
        if (name := STANDARD_TYPES.get(kind, "")) in CLASSES:
            return name
        kind = kind.parent
    return ""


def _span(name: str, text: str) -> str:
    escaped = html.escape(text, quote=False)
    return f'<span class="{name}">{escaped}</span>' if name and text.strip() else escaped
