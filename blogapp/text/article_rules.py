"""markdown-it rules for articles, which may contain more than comments.

Each rule changes the tokens of a parsed article (headings, pictures, links, raw HTML, task lists) and adds a `Problem`
to the parser's environment for everything that will not be shown as intended. These rules do not make HTML safe: it is
sanitized in `markup.py`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from bleach.html5lib_shim import HTML_TAGS
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.text.links import OWN_PATH, is_safe_link
from blogapp.text.pictures import attributes_of

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
RAW_TABLE = re.compile(r"<(/?)table\b[^<>]*>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""\b(src|alt)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
MORE = re.compile(r"<!--[ \t]*(?:more\b[^<>]*|excerpt|end[ _-]?excerpt|pelican_end_summary)[ \t]*-->", re.IGNORECASE)

# Template tags and Markdown extensions of other tools, which are not supported.
FOREIGN = re.compile(
    r"\{\{.{0,500}?\}\}|\{%.{0,500}?%\}|\{:.{0,200}?\}|\[\[[^\[\]\n]{1,200}\]\]|\[TOC\]|\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]"
    r"|\[/?(?:caption|gallery|embed|video|audio|youtube|playlist|contact-form)\b[^\[\]\n]{0,300}\]"
    r"|\]\((?:javascript|vbscript|file|data):|^:::[ \t]*\w*|^!!![ \t]+\w+|\$\$",
    re.MULTILINE,
)
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`]{1,1000}(?<!`)\1(?!`)")
HEADING_ID = re.compile(r"[ \t]*\{#([\w.:-]+)\}[ \t]*\Z")
ALIGNMENT = {"text-align:left": "align-left", "text-align:center": "align-center", "text-align:right": "align-right"}

# Ids that the page itself uses. If a heading had one, links and live updates would target the wrong element.
PAGE_ID = re.compile(
    r"top|bottom|main|print-comments|comments|comments-heading|status|news|next-page|true|kept|details|typed-text|objection|logs|"
    r"cookies|views|view-count|heart|popular(-title)?|refresh(-cursor)?|comment-(count|list|form.*)|(owner|preview|objection|sign-in|lost-draft)(-.*)?|"
    r"(comment|item|like|like-button|month|summary|replies|reply-link|reply-slot|reply-form|edit-link|delete-link|"
    r"more-replies|change-form|change-body|ban-link|erase-link|history-link)-\d+.*|article-(closed|moderation)|search-(form|field|hint|count|results)|fn(ref)?\d.*"
)


@dataclass(frozen=True)
class Problem:
    """A part of an article that is not shown as intended: its line in the text, from 1, and a description."""

    line: int
    sentence: str


def apply(parser: MarkdownIt) -> None:
    """Add the rules for articles to a parser."""
    # Before the typography, so that it has no effect on the ids of headings.
    for name, rule in (
        ("leading_title", _remove_leading_title),
        ("foreign_syntax", _note_foreign_syntax),
        ("raw_html", _clean_raw_html),
        ("pictures_and_links", _pictures_and_links),
        ("figures", _caption_pictures),
        ("headings", _number_headings),
        ("task_lists", _draw_task_boxes),
        ("alignment", _align_cells),
        ("tables", _wrap_tables),
        ("raw_tables", _wrap_raw_tables),
    ):
        parser.core.ruler.before("replacements", name, rule)
    parser.add_render_rule("footnote_anchor", _footnote_back_link)
    parser.add_render_rule("footnote_caption", _footnote_mark)


# The tokens of a heading whose text is in its id.
IN_SLUG = {"text", "text_special", "code_inline", "image"}


def heading_slug(text: str) -> str:
    """A heading's id as on GitHub: in lower case, only letters, digits, `_` and `-`, with hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")[:150]


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
    for token, first_line in _inline_tokens(state):
        text = _without_spans(token.content)
        for found in FOREIGN.finditer(text):
            line = first_line + text.count("\n", 0, found.start())
            _note(state.env, line, f"`{_short(found.group())}` is not supported here and is shown as typed")


def _clean_raw_html(state: StateCore) -> None:
    line = 1
    for token in state.tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "html_block":
            token.content = _clean_html_block(state.env, token.content, line)
        elif token.type == "inline":
            for child, child_line in _children(token, line):
                if child.type == "html_inline":
                    _clean_html_inline(state.env, child, child_line)


def _clean_html_block(env: Any, content: str, line: int) -> str:
    def line_of(found: re.Match[str]) -> int:
        return line + found.string.count("\n", 0, found.start())

    def without_comment(found: re.Match[str]) -> str:
        return _note_comment(env, found.group(), line_of(found)) + "\n" * found.group().count("\n")

    def without_element(found: re.Match[str]) -> str:
        _note(env, line_of(found), f"`<{found.group(1).lower()}>` is not allowed and is removed")
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
        _note(env, line, "this comment has no end (`-->`); everything after it is removed")
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
            _note(env, line, f"`<{name}>` is not allowed; only the text inside it is shown")
        return ""
    if not tag.startswith("</"):
        _note(env, line, f"`{_short(tag)}` is not HTML and is shown as typed")
    return html.escape(tag)


def _clean_img(env: Any, tag: str, line: int) -> str:
    values = {name.lower(): html.unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(tag)}
    address, words = values.get("src", ""), values.get("alt", "")
    env.setdefault("pictures", set()).add(unquote(address))
    if OWN_PATH.match(address):
        _note_missing_picture(env, address, line)
        return tag
    if is_safe_link(address):
        return f'<a href="{html.escape(address)}">{html.escape(words or address)}</a>'
    _note_unreachable(env, "picture", address, line)
    return html.escape(words)


def _pictures_and_links(state: StateCore) -> None:
    """Replace pictures of other sites, which the content security policy would block, with links to them, and replace
    pictures and links that cannot work with their text."""
    for token, first_line in _inline_tokens(state):
        kept: list[Token] = []
        inside: Token | None = None
        for child, line in _children(token, first_line):
            if child.type == "link_open":
                inside = child
                address = str(child.attrs.get("href", ""))
                if not is_safe_link(address, own_paths=True):
                    if child.info != "auto":
                        _note_unreachable(state.env, "link", address, line)
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
        _note_missing_picture(env, address, line)
        if attributes := attributes_of(address):
            # The first picture is probably on the first screen; the others are loaded when they are scrolled to.
            is_first = not env.get("has_picture")
            env["has_picture"] = True
            token.attrs |= {**attributes, "loading": "eager" if is_first else "lazy"}
        return [token]
    words = Token("text", "", 0, content=token.content)
    if not is_safe_link(address):
        _note_unreachable(env, "picture", address, line)
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


def _number_headings(state: StateCore) -> None:
    """Shift heading levels so that the highest is h2 (the title is the only h1), and give each heading an id as on
    GitHub. A heading whose id is used by the page gets another one, and links to it are changed."""
    headings = [token for token in state.tokens if token.type in {"heading_open", "heading_close"}]
    shift = 2 - min((int(token.tag[1]) for token in headings), default=2)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) + shift, 6)}"
    taken: set[str] = set()
    last_number: dict[str, int] = {}
    moved: dict[str, str] = {}
    for position, token in enumerate(state.tokens):
        if token.type != "heading_open":
            continue
        wanted = _wanted_id(state.tokens[position + 1])
        given = _free_id(wanted)
        while given in taken:
            last_number[wanted] = last_number.get(wanted, 0) + 1
            given = _free_id(f"{wanted}-{last_number[wanted]}")
        if given:
            taken.add(given)
            token.attrs["id"] = given
            if PAGE_ID.fullmatch(wanted):
                moved.setdefault(wanted, given)
    if moved:
        _move_links(state, moved)
    _link_headings(state)


def _link_headings(state: StateCore) -> None:
    """Add to each heading a link to it, without text: texts for lists and feeds are made from the same HTML."""
    for heading, inline in pairwise(state.tokens):
        if heading.type == "heading_open" and heading.tag in {"h2", "h3", "h4"} and "id" in heading.attrs:
            target = f"#{heading.attrs['id']}"
            attributes: dict[str, str | int | float] = {
                "class": "anchor",
                "href": target,
                "aria-label": _label(state.env, "section"),
            }
            link = [Token("link_open", "a", 1, attrs=attributes), Token("link_close", "a", -1)]
            inline.children = [*(inline.children or []), *link]


def _label(env: Any, name: str) -> str:
    return str(env.get("labels", {}).get(name, ""))


def _free_id(wanted: str) -> str:
    """Return `section-comments` for `comments`, which the page itself uses; no id of the page begins with
    `section-`."""
    return f"section-{wanted}" if PAGE_ID.fullmatch(wanted) else wanted


def _wanted_id(heading: Token) -> str:
    children = heading.children or []
    last = children[-1] if children else None
    if last is not None and last.type == "text" and (stated := HEADING_ID.search(last.content)):
        last.content = last.content[: stated.start()]
        return stated.group(1)
    return heading_slug("".join(child.content for child in children if child.type in IN_SLUG))


def _move_links(state: StateCore, moved: dict[str, str]) -> None:
    for token, _ in _inline_tokens(state):
        for child in token.children or []:
            target = unquote(str(child.attrs.get("href", "")))
            if child.type == "link_open" and target.startswith("#") and target[1:] in moved:
                child.attrs["href"] = f"#{moved[target[1:]]}"


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


def _align_cells(state: StateCore) -> None:
    """Set the alignment of cells with a class, because the content security policy forbids `style`."""
    for token in state.tokens:
        if token.type in {"th_open", "td_open"} and "style" in token.attrs:
            token.attrs = {"class": ALIGNMENT.get(str(token.attrs["style"]), "align-left")}


def _wrap_tables(state: StateCore) -> None:
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


def _wrap_raw_tables(state: StateCore) -> None:
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
    return {"class": "table", "role": "group", "aria-label": _label(env, "table"), "tabindex": "0"}


def _footnote_back_link(renderer: Any, tokens: Sequence[Token], position: int, options: Any, env: Any) -> str:
    note = tokens[position].meta
    number = f"{note['id'] + 1}:{note['subId']}" if note["subId"] else str(note["id"] + 1)
    # The variation selector asks for a character and not for a picture of one.
    place = f" ({note['subId'] + 1})" if note["subId"] else ""
    label = html.escape(_label(env, "back") + place)
    return f' <a href="#fnref{number}" class="footnote-backref" aria-label="{label}">↩\ufe0e</a>'


def _footnote_mark(renderer: Any, tokens: Sequence[Token], position: int, options: Any, env: Any) -> str:
    """The same number at each reference to the same note."""
    return f"[{tokens[position].meta['id'] + 1}]"


def _inline_tokens(state: StateCore) -> Iterator[tuple[Token, int]]:
    """The inline tokens, each with the line on which it begins."""
    line = 1
    for token in state.tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "inline":
            yield token, line


def _children(token: Token, line: int) -> Iterator[tuple[Token, int]]:
    """The children of an inline token, each with its line."""
    for child in token.children or []:
        yield child, line
        line += child.type in {"softbreak", "hardbreak"}


def _note_missing_picture(env: Any, address: str, line: int) -> None:
    if not address.startswith(("/static/", "/media/")):
        _note(env, line, f"the picture `{_short(address)}` is not one of this site's (`/static/...`)")


def _note_unreachable(env: Any, what: str, address: str, line: int) -> None:
    reason = env.get("reasons", {}).get(unquote(address))
    address = _short(unquote(address))
    if reason:
        _note(env, line, f"the picture `{address}` {reason}")
    elif what == "picture":
        _note(env, line, f"the picture `{address}` cannot be shown; put it in static/ and write `/static/...`")
    else:
        _note(env, line, f"the link to `{address}` does not work here; only its text is shown")


def _note(env: Any, line: int, sentence: str) -> None:
    problem = Problem(line, sentence)
    if problem not in env.setdefault("problems", []):
        env["problems"].append(problem)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:60] + "…"
