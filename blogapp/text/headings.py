"""The headings of articles: their levels, ids and links."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blogapp.text.article_tokens import inline_tokens, label

HEADING_ID = re.compile(r"[ \t]*\{#([\w.:-]+)\}[ \t]*\Z")
# Ids that the page itself uses. If a heading had one, links and live updates would target the wrong element.
PAGE_ID = re.compile(
    r"top|bottom|main|print-comments|comments|comments-heading|status|news|next-page|true|kept|details|typed-text|objection|logs|"
    r"cookies|views|view-count|heart|popular(-title)?|refresh(-cursor)?|comment-(count|list|form.*)|(owner|preview|objection|sign-in|lost-draft)(-.*)?|"
    r"(comment|item|like|like-button|month|summary|replies|reply-link|reply-slot|reply-form|edit-link|delete-link|"
    r"more-replies|change-form|change-body|ban-link|erase-link|history-link)-\d+.*|article-(closed|moderation)|search-(form|field|hint|count|results)|fn(ref)?\d.*"
)
# The tokens of a heading whose text is in its id.
IN_SLUG = {"text", "text_special", "code_inline", "image"}


def heading_slug(text: str) -> str:
    """A heading's id as on GitHub: in lower case, only letters, digits, `_` and `-`, with hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")[:150]


def number_headings(state: StateCore) -> None:
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
                "aria-label": label(state.env, "section"),
            }
            link = [Token("link_open", "a", 1, attrs=attributes), Token("link_close", "a", -1)]
            inline.children = [*(inline.children or []), *link]


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
    for token, _ in inline_tokens(state):
        for child in token.children or []:
            target = unquote(str(child.attrs.get("href", "")))
            if child.type == "link_open" and target.startswith("#") and target[1:] in moved:
                child.attrs["href"] = f"#{moved[target[1:]]}"
