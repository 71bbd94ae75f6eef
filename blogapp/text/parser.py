"""The Markdown parsers for articles and for comments. Their HTML is not safe yet: `markup.py` sanitizes it."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from blogapp.text import article_rules, code, typography
from blogapp.text.links import BareLinks, is_safe_link

# The rules of Markdown that have no effect in a comment.
NOT_IN_COMMENTS = ("image", "heading", "lheading", "reference", "hr", "table", "html_block", "html_inline")


class _Parser(MarkdownIt):
    """markdown-it with our own link check. In a comment, other links stay plain text; in an article, the rules in
    `article_rules.py` handle them."""

    is_for_article = False

    def validateLink(self, url: str) -> bool:
        return super().validateLink(url) if self.is_for_article else is_safe_link(url)


@cache
def parser_of(is_for_article: bool, lang: str, is_typeset: bool = True) -> MarkdownIt:
    """The parser for articles or for comments in the language `lang`. `is_typeset` says whether quotation marks and the
    like of an article become those of the language."""
    # "js-default" limits nesting to 100; 20 is the limit of the "commonmark" preset and enough.
    parser = _Parser("js-default", {"html": is_for_article, "linkify": True, "breaks": True, "maxNesting": 20})
    parser.disable([] if is_for_article else list(NOT_IN_COMMENTS))
    parser.is_for_article = is_for_article
    # Only full URLs and e-mail addresses are linked automatically: in "bien.Mais" a space is missing.
    parser.linkify = BareLinks(options={"fuzzy_link": False, "fuzzy_email": True})
    if is_for_article:
        parser.options["highlight"] = code.highlight
        parser.use(footnote_plugin)
        article_rules.apply(parser)
        if is_typeset:
            typography.apply(parser, lang)
    else:
        parser.core.ruler.push("empty_lists", _show_empty_lists)
        if lang == "fr":
            parser.core.ruler.push("french_spaces", _space_tokens)
    return parser


def _show_empty_lists(state: StateCore) -> None:
    """Show a list without content as typed: for Markdown a lone `*`, `-` or `1.` begins a list, but its author means
    the character."""
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
                child.content = typography.french_spaces(child.content)
