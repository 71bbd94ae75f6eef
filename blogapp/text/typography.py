"""The typography of languages: quotation marks, apostrophes, dashes, ellipses and no-break spaces.

It is for articles and titles; comments get only the spaces of French. Code and URLs are never changed, nor is what was
escaped with a backslash. The stored source stays as it was typed.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_core.smartquotes import process_inlines
from markdown_it.token import Token

# Outer and inner quotation marks. Texts in other languages are not changed.
QUOTES = {"en": ("“", "”", "‘", "’"), "fr": ("«\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}»", "“", "”")}
# A paragraph with more keeps them as they are: pairing them takes quadratic time.
MOST_QUOTES = 1_000

URL = r"(?:https?://|www\.)\S+"
DASHES = re.compile(
    rf"(?P<url>{URL})|(?P<em>(?<!-)---(?!-))|(?P<en>(?<!\S)--(?!\S)|(?<=[^-\s])--(?=[^-\s]|\Z))"
    r"|(?P<ellipsis>(?<![./\\])\.\.\.(?![./\\]))"
)
SIGNS = {"em": "—", "en": "–", "ellipsis": "…"}
# 6'2": feet and inches, or minutes and seconds.
PRIMES = re.compile(r"""(?<=\d)'(\d+)(?:"|(?!\w))""")
# '90s, rock 'n' roll: an apostrophe before a word.
LEFT_OUT = re.compile(r"(?<![\w'])'(?=\d0s\b)|(?<=\s)'(?=n'\s)")
# Groups of three digits: 12 500. Two numbers that only look like one, as in "en 2020 300 personnes", do not match.
NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?: \d{3})+(?!\w)")
BEFORE_UNITS = re.compile(r"(?<=\d) (?=[%‰€$£°])")
CODE = re.compile(r"<(/?)(?:code|kbd|samp|var)\b", re.IGNORECASE)
KEPT = 2_000


def apply(parser: MarkdownIt, lang: str) -> None:
    """Add the typography of `lang` to a parser."""
    if lang in QUOTES:
        parser.options["quotes"] = QUOTES[lang]
        # Until then, escaped characters are tokens of their own.
        parser.core.ruler.before("text_join", "typography", lambda state: _typeset_tokens(state, lang))


@lru_cache(KEPT)
def typeset(text: str, lang: str) -> str:
    """A title or a summary, which are plain text, with the typography of `lang`."""
    if lang not in QUOTES:
        return text
    token = Token("text", "", 0, content=text)
    _typeset_inline([token], StateCore("", _parser(lang), {}, []), lang)
    return token.content


@cache
def _parser(lang: str) -> MarkdownIt:
    return MarkdownIt("zero", {"quotes": QUOTES[lang]})


def _typeset_tokens(state: StateCore, lang: str) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            _typeset_inline(token.children, state, lang)


def _typeset_inline(tokens: list[Token], state: StateCore, lang: str) -> None:
    _leave_out_code_and_urls(tokens)
    texts = [token for token in tokens if token.type == "text"]
    for token in texts:
        token.content = DASHES.sub(_sign, token.content)
        token.content = PRIMES.sub(
            lambda found: f"′{found[1]}″" if found[0][-1] == '"' else f"′{found[1]}", token.content
        )
        token.content = LEFT_OUT.sub("’", token.content)
    if sum(token.content.count('"') + token.content.count("'") for token in texts) <= MOST_QUOTES:
        process_inlines(tokens, state)
    if lang == "fr":
        for token in texts:
            token.content = _with_guillemets_apart(french_spaces(token.content))


def _leave_out_code_and_urls(tokens: list[Token]) -> None:
    """Make the text inside of `<code>` and of bare links a text that later rules skip."""
    is_url, depth = False, 0
    for token in tokens:
        if token.type == "link_open":
            is_url = token.info == "auto"
        elif token.type == "link_close":
            is_url = False
        elif token.type == "html_inline" and (tag := CODE.match(token.content)):
            depth = max(0, depth + (-1 if tag[1] else 1))
        elif token.type == "text" and (is_url or depth):
            token.type = "text_special"


def _sign(found: re.Match[str]) -> str:
    return SIGNS.get(str(found.lastgroup), found[0])


def _with_guillemets_apart(text: str) -> str:
    return re.sub(r"(?<=«)(?!\s)|(?<!\s)(?=»)", "\N{NO-BREAK SPACE}", text)


def french_spaces(text: str) -> str:
    """Replace spaces before `: ; ! ?`, inside guillemets, in numbers and before their units (1 500 €, 20 °C, 50 %) with
    no-break spaces.

    Only existing spaces are replaced, so `http://` and code do not change.
    """
    text = NUMBER.sub(lambda found: found[0].replace(" ", "\N{NARROW NO-BREAK SPACE}"), text)
    text = BEFORE_UNITS.sub("\N{NO-BREAK SPACE}", text)
    text = re.sub(r" (?=[;!?])", "\N{NARROW NO-BREAK SPACE}", text)
    return re.sub(r"(?<=«) | (?=[:»])", "\N{NO-BREAK SPACE}", text)
