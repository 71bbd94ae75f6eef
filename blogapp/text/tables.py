"""The tables of articles: the alignment of their cells, and a box that scrolls sideways, also by the keyboard."""

from __future__ import annotations

import html
import re
from typing import Any

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.text.article_tokens import label

ALIGNMENT = {"text-align:left": "align-left", "text-align:center": "align-center", "text-align:right": "align-right"}
RAW_TABLE = re.compile(r"<(/?)table\b[^<>]*>", re.IGNORECASE)


def align_cells(state: StateCore) -> None:
    """Set the alignment of cells with a class, because the content security policy forbids `style`."""
    for token in state.tokens:
        if token.type in {"th_open", "td_open"} and "style" in token.attrs:
            token.attrs = {"class": ALIGNMENT.get(str(token.attrs["style"]), "align-left")}


def wrap_tables(state: StateCore) -> None:
    """Put each table into a box that scrolls sideways, also by the keyboard."""
    kept: list[Token] = []
    for token in state.tokens:
        if token.type == "table_open":
            box = Token("box_open", "div", 1, block=True)
            box.attrs = _box_attributes(state.env)
            kept += [box, token]
        elif token.type == "table_close":
            kept += [token, Token("box_close", "div", -1, block=True)]
        else:
            kept.append(token)
    state.tokens = kept


def wrap_raw_tables(state: StateCore) -> None:
    """Put tables of raw HTML into such a box, too: each that is not in another one and has an end tag. A table can go
    on over several blocks of HTML."""
    attributes = "".join(f' {name}="{html.escape(str(value))}"' for name, value in _box_attributes(state.env).items())
    depth, start = 0, (Token("", "", 0), 0)
    places: list[tuple[Token, int, str]] = []
    for token in state.tokens:
        for tag in RAW_TABLE.finditer(token.content) if token.type == "html_block" else ():
            if not tag.group(1):
                start = (token, tag.start()) if depth == 0 else start
                depth += 1
            elif depth:
                depth -= 1
                if depth == 0:
                    places += [(*start, f"<div{attributes}>"), (token, tag.end(), "</div>")]
    for token, position, added in reversed(places):
        token.content = token.content[:position] + added + token.content[position:]


def _box_attributes(env: Any) -> dict[str, str | int | float]:
    return {"class": "table", "role": "group", "aria-label": label(env, "table"), "tabindex": "0"}
