"""Raw HTML in articles: remove what is not allowed, and note it. This does not make HTML safe: it is sanitized in
`markup.py`."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote

from bleach.html5lib_shim import HTML_TAGS
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.text.article_tokens import children_of, note, note_missing_picture, note_unreachable, short
from blogapp.text.links import OWN_PATH, is_safe_link

RAW_TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details", "dfn", "dl", "dt",
        "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol",
        "p", "pre", "q", "s", "samp", "small", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
        "thead", "tr", "u", "ul", "var", "wbr",
    }
)  # fmt: skip
# Elements that are removed with their content.
DROPPED = r"script|style|iframe|object|embed|svg|math|noscript|template|video|audio|select|textarea|form"
DROPPED_ELEMENT = re.compile(rf"<({DROPPED})\b[^<>]*(?:/>|>.*?(?:</\1\s*>|\Z))", re.IGNORECASE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)(?:\s[^<>]*)?/?>")
ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
MORE = re.compile(r"<!--[ \t]*(?:more\b[^<>]*|excerpt|end[ _-]?excerpt|pelican_end_summary)[ \t]*-->", re.IGNORECASE)


def clean_raw_html(state: StateCore) -> None:
    line = 1
    for token in state.tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "html_block":
            token.content = _clean_html_block(state.env, token.content, line)
        elif token.type == "inline":
            for child, child_line in children_of(token, line):
                if child.type == "html_inline":
                    _clean_html_inline(state.env, child, child_line)


def _clean_html_block(env: Any, content: str, line: int) -> str:
    def line_of(found: re.Match[str]) -> int:
        return line + found.string.count("\n", 0, found.start())

    def without_comment(found: re.Match[str]) -> str:
        return _note_comment(env, found.group(), line_of(found)) + "\n" * found.group().count("\n")

    def without_element(found: re.Match[str]) -> str:
        note(env, line_of(found), f"`<{found.group(1).lower()}>` is not allowed and is removed")
        return "\n" * found.group().count("\n")

    def clean_tag(found: re.Match[str]) -> str:
        return _clean_tag(env, found.group(), line_of(found))

    content = COMMENT.sub(without_comment, content)
    content = DROPPED_ELEMENT.sub(without_element, content)
    return TAG.sub(clean_tag, content)


def _clean_html_inline(env: Any, token: Token, line: int) -> None:
    if token.content.startswith("<!--"):
        token.content = _note_comment(env, token.content, line)
    else:
        token.content = _clean_tag(env, token.content, line)


def _note_comment(env: Any, comment: str, line: int) -> str:
    """The replacement for an HTML comment: an empty string, or the caller's mark for `<!--more-->`."""
    if MORE.fullmatch(comment):
        return str(env.get("more_mark", ""))
    if not comment.endswith("-->"):
        note(env, line, "this comment has no end (`-->`); everything after it is removed")
    return ""


def _clean_tag(env: Any, tag: str, line: int) -> str:
    """The replacement for a raw tag: the tag itself, an empty string, or its source as text if it is not an HTML
    tag."""
    match = TAG.match(tag)
    name = match.group(1).lower() if match else ""
    if name == "img":
        return _clean_img(env, tag, line)
    if name == "a":
        return re.sub(r"\bname(?=\s*=)", "id", tag)
    if name in RAW_TAGS:
        return tag
    if name in HTML_TAGS or re.fullmatch(DROPPED, name):
        if not tag.startswith("</"):
            note(env, line, f"`<{name}>` is not allowed; only the text inside it is shown")
        return ""
    if not tag.startswith("</"):
        note(env, line, f"`{short(tag)}` is not HTML and is shown as typed")
    return html.escape(tag)


def _clean_img(env: Any, tag: str, line: int) -> str:
    values = {name.lower(): html.unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(tag)}
    address, words = values.get("src", ""), values.get("alt", "")
    env.setdefault("pictures", set()).add(unquote(address))
    if OWN_PATH.match(address):
        note_missing_picture(env, address, line)
        return tag
    if is_safe_link(address):
        return f'<a href="{html.escape(address)}">{html.escape(words or address)}</a>'
    note_unreachable(env, "picture", address, line)
    return html.escape(words)
