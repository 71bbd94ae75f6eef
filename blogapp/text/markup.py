"""Markdown -> HTML -> bleach -> nh3: the one place where somebody's text becomes HTML.

markdown-it-py escapes raw HTML (`html=False`), bleach cleans what it made by an allow-list, and nh3 cleans it once
more by the same list, because bleach gets no security fixes any more. Nothing changes the text after nh3.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from urllib.parse import urlsplit

import nh3
from bleach.sanitizer import Cleaner
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

# Stored beside every rendered text. Raise it when the HTML of old texts should change; `flask comments render`
# and `flask articles render` then render anew.
RENDERER_VERSION = 1

LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
OWN_PATH = re.compile(r"/(?!/)[^\\\s]*\Z")

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
    rules_off=("html_block", "html_inline"),
    tags=COMMENT.tags | {"h2", "h3", "h4", "h5", "h6", "hr", "img", "table", "thead", "tbody", "tr", "th", "td"},
    attributes={
        "a": frozenset({"href", "title"}),
        "ol": frozenset({"start"}),
        "img": frozenset({"src", "alt", "title"}),
    },
    own_paths=True,
    link_rel="noopener",
)


def render_comment(source: str, lang: str) -> str:
    """The safe HTML of a visitor's Markdown `source`; `lang` ("fr", "en") sets its typography."""
    return _render(COMMENT, source, lang)


def render_article(source: str, lang: str) -> str:
    """The safe HTML of the owner's Markdown: as a comment's, with headings, images of this site, tables and rules."""
    return _render(ARTICLE, source, lang)


def trusted(rendered: str) -> Markup:
    """Rendered text on its way into a page: what one of the functions above returned, and nothing else."""
    return Markup(rendered)


def plain_text(rendered: str) -> str:
    """The words of rendered HTML on one line, for a summary. Text, not HTML: whoever shows it escapes it."""
    words = html.unescape(nh3.clean(rendered.replace("<", " <"), tags=set()))
    return re.sub(r"[ \n\t]+", " ", words).strip()


def count_links(rendered: str) -> int:
    """How many links rendered HTML holds."""
    return rendered.count("<a ")


def is_safe_link(address: str, own_paths: bool = False) -> bool:
    """Whether a link may be followed: http, https or mailto, no user name before the host; or a path of this site."""
    if own_paths and (OWN_PATH.match(address) or address.startswith("#")):
        return True
    if not LINK.match(address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme == "mailto" or bool(parts.hostname and parts.username is None and parts.password is None)
    except ValueError:
        return False


def french_spaces(text: str) -> str:
    """The spaces that French typography wants unbroken: before `: ; ! ?` and inside guillemets.

    Only a space that the author wrote is changed, so `http://` and code are left alone.
    """
    text = re.sub(r" (?=[;!?])", "\N{NARROW NO-BREAK SPACE}", text)
    return re.sub(r"(?<=«) | (?=[:»])", "\N{NO-BREAK SPACE}", text)


def _render(dialect: Dialect, source: str, lang: str) -> str:
    made = _parser(dialect is ARTICLE, lang).render(source.translate(BIDI_CONTROLS))
    return _last_gate(dialect, _first_gate(dialect, made))


class _Parser(MarkdownIt):
    """markdown-it with our own idea of which links are links; the others stay the text that was typed."""

    own_paths = False

    def validateLink(self, url: str) -> bool:
        return is_safe_link(url, self.own_paths)


@cache
def _parser(for_article: bool, lang: str) -> MarkdownIt:
    dialect = ARTICLE if for_article else COMMENT
    # "js-default" bounds the nesting at 100; 20 is CommonMark's own and enough for people.
    parser = _Parser("js-default", {"html": False, "linkify": True, "breaks": True, "maxNesting": 20})
    parser.disable(list(dialect.rules_off))
    parser.own_paths = dialect.own_paths
    # Only whole addresses and e-mail addresses become links by themselves: "bien.Mais" is a missing space.
    assert parser.linkify is not None
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    if for_article:
        parser.core.ruler.push("house_style", _house_style)
    if lang == "fr":
        parser.core.ruler.push("french_spaces", _space_tokens)
    return parser


def _house_style(state: StateCore) -> None:
    """The page's title is its only h1, so the text's largest heading is an h2 and the others follow it; an image
    from elsewhere, which the content security policy would block, is a link to it."""
    headings = [token for token in state.tokens if token.type in {"heading_open", "heading_close"}]
    shift = 2 - min((int(token.tag[1]) for token in headings), default=2)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) + shift, 6)}"
    for token in state.tokens:
        if token.type == "inline":
            token.children = [part for child in token.children or [] for part in _own_image_or_link(child)]


def _own_image_or_link(token: Token) -> list[Token]:
    address = str(token.attrs.get("src", ""))
    if token.type != "image" or OWN_PATH.match(address):
        return [token]
    opening = Token("link_open", "a", 1, attrs={"href": address})
    words = Token("text", "", 0, content=token.content or address)
    return [opening, words, Token("link_close", "a", -1)]


def _space_tokens(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or []:
            if child.type == "text":
                child.content = french_spaces(child.content)


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
    if name == "start" and not (value.isascii() and value.isdigit() and len(value) < 10):
        return None
    return value


def _attribute_or_rel(dialect: Dialect, tag: str, name: str, value: str) -> str | None:
    # nh3 asks about its own `rel` too, which the text could not have brought: bleach has let none through.
    return dialect.link_rel if (tag, name) == ("a", "rel") else _attribute(dialect, tag, name, value)
