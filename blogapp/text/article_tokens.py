"""What the rules for articles share: the tokens with their lines, and the problems that they note in the parser's
environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.values import frozen


@frozen
class Problem:
    """A part of an article that is not shown as intended: its line in the text, from 1, and a description."""

    line: int
    sentence: str


def inline_tokens(state: StateCore) -> Iterator[tuple[Token, int]]:
    """The inline tokens, each with the line on which it begins."""
    line = 1
    for token in state.tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "inline":
            yield token, line


def children_of(token: Token, line: int) -> Iterator[tuple[Token, int]]:
    """The children of an inline token, each with its line."""
    for child in token.children or []:
        yield child, line
        line += child.type in {"softbreak", "hardbreak"}


def label(env: Any, name: str) -> str:
    return str(env.get("labels", {}).get(name, ""))


def note_missing_picture(env: Any, address: str, line: int) -> None:
    if not address.startswith(("/static/", "/media/")):
        note(env, line, f"the picture `{short(address)}` is not one of this site's (`/static/...`)")


def note_unreachable(env: Any, what: str, address: str, line: int) -> None:
    reason = env.get("reasons", {}).get(unquote(address))
    address = short(unquote(address))
    if reason:
        note(env, line, f"the picture `{address}` {reason}")
    elif what == "picture":
        note(env, line, f"the picture `{address}` cannot be shown; put it in static/ and write `/static/...`")
    else:
        note(env, line, f"the link to `{address}` does not work here; only its text is shown")


def note(env: Any, line: int, sentence: str) -> None:
    problem = Problem(line, sentence)
    if problem not in env.setdefault("problems", []):
        env["problems"].append(problem)


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:60] + "…"
