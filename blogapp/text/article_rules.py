"""markdown-it rules for articles, which may contain more than comments.

Each rule changes the tokens of a parsed article (pictures, links, task lists; `raw_html.py`, `headings.py` and
`tables.py` have the others) and adds a `Problem` to the parser's environment for everything that will not be shown as
intended. These rules do not make HTML safe: it is sanitized in `markup.py`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.text.article_tokens import (
    children_of,
    inline_tokens,
    label,
    note,
    note_missing_picture,
    note_unreachable,
    short,
)
from blogapp.text.headings import number_headings
from blogapp.text.links import OWN_PATH, is_safe_link
from blogapp.text.pictures import attributes_of
from blogapp.text.raw_html import clean_raw_html
from blogapp.text.tables import align_cells, wrap_raw_tables, wrap_tables

# Template tags and Markdown extensions of other tools, which are not supported.
FOREIGN = re.compile(
    r"\{\{.{0,500}?\}\}|\{%.{0,500}?%\}|\{:.{0,200}?\}|\[\[[^\[\]\n]{1,200}\]\]|\[TOC\]|\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]"
    r"|\[/?(?:caption|gallery|embed|video|audio|youtube|playlist|contact-form)\b[^\[\]\n]{0,300}\]"
    r"|\]\((?:javascript|vbscript|file|data):|^:::[ \t]*\w*|^!!![ \t]+\w+|\$\$",
    re.MULTILINE,
)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`]{1,1000}(?<!`)\1(?!`)")


def apply(parser: MarkdownIt) -> None:
    """Add the rules for articles to a parser."""
    # Before the typography, so that it has no effect on the ids of headings.
    for name, rule in (
        ("leading_title", _remove_leading_title),
        ("foreign_syntax", _note_foreign_syntax),
        ("raw_html", clean_raw_html),
        ("pictures_and_links", _pictures_and_links),
        ("figures", _caption_pictures),
        ("headings", number_headings),
        ("task_lists", _draw_task_boxes),
        ("alignment", align_cells),
        ("tables", wrap_tables),
        ("raw_tables", wrap_raw_tables),
    ):
        parser.core.ruler.before("replacements", name, rule)
    parser.add_render_rule("footnote_anchor", _footnote_back_link)
    parser.add_render_rule("footnote_caption", _footnote_mark)


def _remove_leading_title(state: StateCore) -> None:
    """Remove a first heading that repeats the title, which the page shows already."""
    title = state.env.get("title", "")
    if title and len(state.tokens) > 2 and state.tokens[0].type == "heading_open" and state.tokens[0].tag == "h1":
        heading = "".join(child.content for child in state.tokens[1].children or [])
        if _bare(title) and _bare(heading) == _bare(title):
            del state.tokens[:3]


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def without_code(source: str, tokens: list[Token]) -> str:
    """The text with spaces in place of code, so that positions and lines stay the same."""
    lines = source.split("\n")
    line = 0
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type in {"fence", "code_block"} and token.map:
            for number in range(*token.map):
                lines[number] = " " * len(lines[number])
        elif token.type == "inline":
            end = token.map[1] if token.map else line + 1
            lines[line:end] = _without_spans("\n".join(lines[line:end])).split("\n")
    return "\n".join(lines)


def _without_spans(text: str) -> str:
    return CODE_SPAN.sub(lambda span: re.sub(r"[^\n]", " ", span.group()), text)


def _note_foreign_syntax(state: StateCore) -> None:
    for token, first_line in inline_tokens(state):
        text = _without_spans(token.content)
        for found in FOREIGN.finditer(text):
            line = first_line + text.count("\n", 0, found.start())
            note(state.env, line, f"`{short(found.group())}` is not supported here and is shown as typed")


def _pictures_and_links(state: StateCore) -> None:
    """Replace pictures of other sites, which the content security policy would block, with links to them, and replace
    pictures and links that cannot work with their text."""
    for token, first_line in inline_tokens(state):
        kept: list[Token] = []
        inside: Token | None = None
        for child, line in children_of(token, first_line):
            if child.type == "link_open":
                inside = child
                address = str(child.attrs.get("href", ""))
                if not is_safe_link(address, own_paths=True):
                    if child.info != "auto":
                        note_unreachable(state.env, "link", address, line)
                    child.hidden = True
                    continue
            elif child.type == "link_close":
                is_dropped = inside is not None and inside.hidden
                inside = None
                if is_dropped:
                    continue
            elif child.type == "image":
                kept += _picture(state.env, child, line, inside is not None and not inside.hidden)
                continue
            kept.append(child)
        token.children = kept


def _picture(env: Any, token: Token, line: int, is_in_link: bool) -> list[Token]:
    address = str(token.attrs.get("src", ""))
    env.setdefault("pictures", set()).add(unquote(address))
    if OWN_PATH.match(address):
        note_missing_picture(env, address, line)
        if attributes := attributes_of(address):
            # The first picture is probably on the first screen; the others are loaded when they are scrolled to.
            is_first = not env.get("has_picture")
            env["has_picture"] = True
            token.attrs |= {**attributes, "loading": "eager" if is_first else "lazy"}
        return [token]
    words = Token("text", "", 0, content=token.content)
    if not is_safe_link(address):
        note_unreachable(env, "picture", address, line)
        return [words]
    words.content = token.content or address
    if is_in_link:
        return [words]
    return [Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1)]


def _caption_pictures(state: StateCore) -> None:
    """Show the title of a picture that is alone in its paragraph as a caption."""
    for opening, inline, closing in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if opening.type != "paragraph_open" or opening.hidden or not inline.children:
            continue
        pictures = [child for child in inline.children if child.type not in {"link_open", "link_close"}]
        if len(pictures) == 1 and pictures[0].type == "image" and (title := pictures[0].attrs.pop("title", "")):
            opening.tag = closing.tag = "figure"
            caption = Token("text", "", 0, content=str(title))
            inline.children += [
                Token("caption_open", "figcaption", 1), caption, Token("caption_close", "figcaption", -1)
            ]  # fmt: skip


def _draw_task_boxes(state: StateCore) -> None:
    """Show the box of `- [x] done` as a character, in an item with the class `task`, because a checkbox would have no
    effect."""
    for position in range(2, len(state.tokens)):
        token = state.tokens[position]
        if token.type != "inline" or state.tokens[position - 2].type != "list_item_open" or not token.children:
            continue
        first = token.children[0]
        if first.type == "text" and (box := re.match(r"\[([ xX])\](?=\s)", first.content)):
            first.content = ("☐" if box.group(1) == " " else "☑") + first.content[3:]
            state.tokens[position - 2].attrSet("class", "task")


def _footnote_back_link(renderer: Any, tokens: Sequence[Token], position: int, options: Any, env: Any) -> str:
    note = tokens[position].meta
    number = f"{note['id'] + 1}:{note['subId']}" if note["subId"] else str(note["id"] + 1)
    # The variation selector asks for a character and not for a picture of one.
    place = f" ({note['subId'] + 1})" if note["subId"] else ""
    words = html.escape(label(env, "back") + place)
    return f' <a href="#fnref{number}" class="footnote-backref" aria-label="{words}">↩\ufe0e</a>'


def _footnote_mark(renderer: Any, tokens: Sequence[Token], position: int, options: Any, env: Any) -> str:
    """The same number at each reference to the same note."""
    return f"[{tokens[position].meta['id'] + 1}]"
