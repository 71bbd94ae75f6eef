"""Markdown -> HTML -> bleach -> nh3: the one place where somebody's text becomes HTML.

A comment's raw HTML is escaped by markdown-it-py (`html=False`); an article's goes through the rules of
`article_rules.py`. Then bleach cleans what was made by an allow-list, and nh3 cleans it once more by the same list,
because bleach gets no security fixes any more. Nothing changes the text after nh3.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import nh3
from bleach.sanitizer import Cleaner
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

from blogapp.text import article_rules
from blogapp.text.article_rules import PAGE_ID, Problem
from blogapp.text.links import OWN_PATH, BareLinks
from blogapp.text.links import is_safe_link as is_safe_link
from blogapp.text.names import is_blank

# Stored beside every rendered text. Raise it when the HTML of old texts should change; `flask comments render`
# and `flask articles render` then render them again.
RENDERER_VERSION = 2

FOOTNOTE_ID = re.compile(r"fn(?:ref)?\d+(?::\d+)?")
FOOTNOTES = re.compile(
    r'<sup class="footnote-ref">.*?</sup>|<section class="footnotes">.*?(?:</section>|\Z)', re.DOTALL
)
BLOCK = re.compile(r"<(?=/?(?:p|br|li|[uod]l|h\d|hr|blockquote|pre|t[rdh]|d[td]|figcaption|summary)\b)")
MORE_MARK = "\ue000"  # a private character, which stands for the mark while the text before it is cut out
CLASSES = frozenset(
    {
        "footnote-ref", "footnotes", "footnotes-sep", "footnotes-list", "footnote-item", "footnote-backref",
        "align-left", "align-center", "align-right", "task",
    }
)  # fmt: skip

# Embeddings, overrides and isolates (Unicode Technical Report 36, section 3.1): they could turn the page around them.
BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Dialect:
    """What one kind of author may write: the Markdown rules that are off, and the HTML that may come out."""

    rules_off: tuple[str, ...]
    tags: frozenset[str]
    attributes: dict[str, frozenset[str]]
    own_paths: bool
    link_rel: str


COMMENT = Dialect(
    rules_off=("image", "heading", "lheading", "reference", "hr", "table", "html_block", "html_inline"),
    tags=frozenset({"p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}),
    attributes={"a": frozenset({"href"}), "ol": frozenset({"start"})},
    own_paths=False,
    link_rel="nofollow ugc noopener",
)

ARTICLE = Dialect(
    rules_off=(),
    tags=COMMENT.tags | article_rules.RAW_TAGS | {"section"},
    attributes={
        "a": frozenset({"href", "title", "id", "class"}),
        "ol": frozenset({"start", "class"}),
        "img": frozenset({"src", "alt", "title", "width", "height"}),
        "abbr": frozenset({"title"}),
        "details": frozenset({"open"}),
        "li": frozenset({"id", "class"}),
        **{tag: frozenset({"class"}) for tag in ("hr", "section", "sup", "td", "th")},
        **{tag: frozenset({"id"}) for tag in ("h2", "h3", "h4", "h5", "h6")},
    },
    own_paths=True,
    link_rel="noopener",
)


def render_comment(source: str, lang: str) -> str:
    """The safe HTML of a visitor's Markdown `source`; `lang` ("fr", "en") sets its typography.

    A text of which Markdown would leave nothing to see (`*`, `1.`) is shown as it was typed.
    """
    source = source.translate(BIDI_CONTROLS)
    rendered = _clean(COMMENT, _parser(False, lang).render(source))
    if is_blank(plain_text(rendered)):
        rendered = _clean(COMMENT, f"<p>{html.escape(source.strip()).replace(chr(10), '<br>')}</p>")
    return rendered


def render_article(source: str, lang: str, title: str = "") -> str:
    """The safe HTML of the owner's Markdown: as a comment's, with headings, images of this site, tables, footnotes and
    safe raw HTML. A first heading that repeats `title` is left out."""
    return _clean(ARTICLE, _parser(True, lang).render(source.translate(BIDI_CONTROLS), {"title": title}))


def problems_of_article(source: str) -> list[Problem]:
    """What in the owner's Markdown readers will not get as it was meant, by line."""
    env: dict[str, Any] = {}
    _parser(True, "en").parse(source, env)
    return sorted(env.get("problems", []), key=lambda problem: problem.line)


def words_before_more(source: str, lang: str, title: str = "") -> str:
    """The words of an article in front of its `<!--more-->` mark; empty where there is no such mark."""
    if not article_rules.MORE.search(source):
        return ""
    env = {"title": title, "more_mark": MORE_MARK}
    made = _parser(True, lang).render(source.translate(BIDI_CONTROLS).replace(MORE_MARK, ""), env)
    before, found, _ = plain_text(_clean(ARTICLE, made)).partition(MORE_MARK)
    return before.strip() if found else ""


def trusted(rendered: str) -> Markup:
    """Rendered text on its way into a page: what one of the functions above returned, and nothing else."""
    return Markup(rendered)


def plain_text(rendered: str) -> str:
    """The words of rendered HTML on one line, for a summary. Text, not HTML: whoever shows it escapes it."""
    words = html.unescape(nh3.clean(BLOCK.sub(" <", FOOTNOTES.sub("", rendered)), tags=set()))
    return re.sub(r"[ \n\t]+", " ", words).strip()


def count_links(rendered: str) -> int:
    """How many links rendered HTML holds."""
    return rendered.count("<a ")


def french_spaces(text: str) -> str:
    """The spaces that French typography wants unbroken: before `: ; ! ?` and inside guillemets.

    Only a space that the author wrote is changed, so `http://` and code are left alone.
    """
    text = re.sub(r" (?=[;!?])", "\N{NARROW NO-BREAK SPACE}", text)
    return re.sub(r"(?<=«) | (?=[:»])", "\N{NO-BREAK SPACE}", text)


class _Parser(MarkdownIt):
    """markdown-it with our own idea of which links are links. A comment's others stay the text that was typed; an
    article's are seen by the rules in `article_rules.py`."""

    is_for_article = False

    def validateLink(self, url: str) -> bool:
        return super().validateLink(url) if self.is_for_article else is_safe_link(url)


@cache
def _parser(is_for_article: bool, lang: str) -> MarkdownIt:
    dialect = ARTICLE if is_for_article else COMMENT
    # "js-default" bounds the nesting at 100; 20 is CommonMark's own and enough for people.
    parser = _Parser("js-default", {"html": is_for_article, "linkify": True, "breaks": True, "maxNesting": 20})
    parser.disable(list(dialect.rules_off))
    parser.is_for_article = is_for_article
    # Only whole addresses and e-mail addresses become links by themselves: "bien.Mais" is a missing space.
    parser.linkify = BareLinks(options={"fuzzy_link": False, "fuzzy_email": True})
    if is_for_article:
        parser.use(footnote_plugin)
        article_rules.apply(parser)
    else:
        parser.core.ruler.push("empty_lists", _show_empty_lists)
    if lang == "fr":
        parser.core.ruler.push("french_spaces", _space_tokens)
    return parser


def _show_empty_lists(state: StateCore) -> None:
    """A lone `*`, `-` or `1.` opens a list for Markdown; people mean the mark. A list without content is shown as it
    was typed."""
    kept: list[Token] = []
    starts: list[int] = []  # where the open lists begin in `kept`
    for token in state.tokens:
        kept.append(token)
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            starts.append(len(kept) - 1)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            start = starts.pop()
            opening = kept[start]
            if not starts and opening.map and all("list" in each.type for each in kept[start:]):
                lines = state.src.split("\n")[opening.map[0] : opening.map[1]]
                kept[start:] = _paragraph([line.lstrip("> \t").rstrip() for line in lines if line.strip("> \t")])
    state.tokens = kept


def _paragraph(lines: list[str]) -> list[Token]:
    parts: list[Token] = []
    for line in lines:
        parts += [Token("softbreak", "br", 0), Token("text", "", 0, content=line)]
    inline = Token("inline", "", 0, content="\n".join(lines), children=parts[1:])
    return [Token("paragraph_open", "p", 1, block=True), inline, Token("paragraph_close", "p", -1, block=True)]


def _space_tokens(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or []:
            if child.type == "text":
                child.content = french_spaces(child.content)


def _clean(dialect: Dialect, made: str) -> str:
    return _last_gate(dialect, _first_gate(dialect, made))


def _first_gate(dialect: Dialect, made: str) -> str:
    # One Cleaner a call: a shared one is not thread-safe and was seen to let unsafe HTML through.
    cleaner = Cleaner(tags=dialect.tags, attributes=_bleach_rule(dialect), protocols={"http", "https", "mailto"})
    cleaned: str = cleaner.clean(made)
    return cleaned


def _bleach_rule(dialect: Dialect) -> Callable[[str, str, str], bool]:
    def allowed(tag: str, name: str, value: str) -> bool:
        return _attribute(dialect, tag, name, value) is not None

    return allowed


def _last_gate(dialect: Dialect, cleaned: str) -> str:
    return nh3.clean(
        cleaned,
        tags=set(dialect.tags),
        attributes={tag: set(names) for tag, names in dialect.attributes.items()},
        attribute_filter=partial(_attribute_or_rel, dialect),
        url_schemes={"http", "https", "mailto"},
        link_rel=dialect.link_rel,
        strip_comments=True,
    )


def _attribute(dialect: Dialect, tag: str, name: str, value: str) -> str | None:
    """The value of an attribute that may stay, None for one that may not."""
    if name not in dialect.attributes.get(tag, frozenset()):
        return None
    if name == "href" and not is_safe_link(value, dialect.own_paths):
        return None
    if name == "src" and not OWN_PATH.match(value):
        return None
    if name in {"start", "width", "height"} and not (value.isascii() and value.isdigit() and len(value) < 10):
        return None
    if name == "class" and value not in CLASSES:
        return None
    if name == "id" and not _is_id(tag, value):
        return None
    return value


def _attribute_or_rel(dialect: Dialect, tag: str, name: str, value: str) -> str | None:
    # nh3 asks about its own `rel` too, which the text could not have brought: bleach has let none through.
    return dialect.link_rel if (tag, name) == ("a", "rel") else _attribute(dialect, tag, name, value)


def _is_id(tag: str, value: str) -> bool:
    """Headings and anchors have ids that are none of the page's own; footnotes and their references have theirs."""
    if tag == "li":
        return FOOTNOTE_ID.fullmatch(value) is not None
    if tag == "a" and FOOTNOTE_ID.fullmatch(value):
        return True
    return re.fullmatch(r"[\w.:-]{1,200}", value) is not None and not PAGE_ID.fullmatch(value)
