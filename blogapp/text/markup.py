"""Render Markdown to safe HTML. No other module converts users' text to HTML.

markdown-it-py escapes raw HTML in comments (`html=False`); raw HTML in articles goes through the rules in
`article_rules.py`. Then bleach sanitizes the result with an allow-list, and nh3 sanitizes it again with the same list,
because bleach no longer gets security fixes. Nothing changes the HTML after nh3.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import nh3
from bleach.sanitizer import Cleaner
from flask import Flask, request
from markupsafe import Markup

from blogapp.text import article_rules, code, i18n, raw_html
from blogapp.text.article_tokens import Problem
from blogapp.text.headings import PAGE_ID
from blogapp.text.links import OWN_PATH
from blogapp.text.links import is_safe_link as is_safe_link
from blogapp.text.names import is_blank
from blogapp.text.parser import parser_of
from blogapp.text.pictures import SIZES, is_srcset
from blogapp.text.reading_time import reading_minutes

# Stored with every rendered text. Increment it when the HTML of stored texts should change: `flask db upgrade` then
# re-renders them.
RENDERER_VERSION = 9

FOOTNOTE_ID = re.compile(r"fn(?:ref)?\d+(?::\d+)?")
FOOTNOTES = re.compile(
    r'<sup class="footnote-ref">.*?</sup>|<section class="footnotes">.*?(?:</section>|\Z)', re.DOTALL
)
BLOCK = re.compile(r"<(?=/?(?:p|br|li|[uod]l|h\d|hr|blockquote|pre|t[rdh]|d[td]|figcaption|summary)\b)")
# What is no sentence, and would be read as one in an excerpt.
NO_PROSE = re.compile(r"<(pre|table|h[1-6])\b.*?</\1>", re.DOTALL)
# Only the stylesheet makes it visible, so it is left out where there is none.
HEADING_LINK = re.compile(r'<a (?=[^<>]*class="anchor")[^<>]*></a>')
WITHOUT_TAGS = nh3.Cleaner(tags=set())
MORE_MARK = "\ue000"  # a private-use character in place of the mark, to find it in the rendered text
CLASSES = frozenset(
    {
        "footnote-ref", "footnotes", "footnotes-sep", "footnotes-list", "footnote-item", "footnote-backref",
        "align-left", "align-center", "align-right", "task", "anchor",
        "table",
    }
)  # fmt: skip

# Embeddings, overrides and isolates could reverse the text of the page around them (Unicode Technical Report 36, 3.1).
BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True, eq=False)  # hashable: each is a constant
class Dialect:
    """The HTML that a comment or an article may contain: allowed tags and attributes."""

    tags: frozenset[str]
    attributes: dict[str, frozenset[str]]
    own_paths: bool
    link_rel: str


COMMENT = Dialect(
    tags=frozenset({"p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"}),
    attributes={"a": frozenset({"href"}), "ol": frozenset({"start"})},
    own_paths=False,
    link_rel="nofollow ugc noopener",
)

ARTICLE = Dialect(
    tags=COMMENT.tags | raw_html.RAW_TAGS | {"section", "div", "span"},
    attributes={
        "a": frozenset({"href", "title", "id", "class", "aria-label"}),
        "div": frozenset({"class", "role", "tabindex", "aria-label"}),
        "ol": frozenset({"start", "class"}),
        "img": frozenset({"src", "alt", "title", "width", "height", "srcset", "sizes", "loading"}),
        "abbr": frozenset({"title"}),
        "details": frozenset({"open"}),
        "li": frozenset({"id", "class"}),
        **{tag: frozenset({"class"}) for tag in ("hr", "section", "span", "sup", "td", "th")},
        **{tag: frozenset({"id"}) for tag in ("h2", "h3", "h4", "h5", "h6")},
    },
    own_paths=True,
    link_rel="noopener",
)


def init_app(app: Flask) -> None:
    """Add the filters for HTML and JSON to the templates, and the function `_` for messages. Call this after
    `i18n.init_app`: Jinja's own function formats and marks each message anew, which takes a tenth of the time of a
    page."""
    app.jinja_env.globals["_"] = app.jinja_env.globals["gettext"] = message
    app.jinja_env.filters.update(
        trusted=trusted,
        trusted_article=lambda rendered: trusted_article(rendered, request.script_root),
        data_block=data_block,
        reading_minutes=reading_minutes,
    )


def render_comment(source: str, lang: str) -> str:
    """Render a visitor's Markdown to safe HTML; `lang` ("fr", "en") selects the typography.

    A text that would have no visible characters as Markdown (`*`, `1.`) is shown as typed.
    """
    source = source.translate(BIDI_CONTROLS)
    rendered = _clean(COMMENT, parser_of(False, lang).render(source))
    if is_blank(plain_text(rendered)):
        rendered = _clean(COMMENT, f"<p>{html.escape(source.strip()).replace(chr(10), '<br>')}</p>")
    return rendered


def article_version(is_typeset: bool) -> int:
    """The version that is stored with the HTML of an article: another one if the site's typography is off."""
    return RENDERER_VERSION if is_typeset else -RENDERER_VERSION


def render_article(source: str, lang: str, title: str = "", is_typeset: bool = True) -> str:
    """Render the owner's Markdown to safe HTML. In addition to what comments may have: headings, images of this site,
    tables, footnotes and safe raw HTML. A first heading that repeats `title` is removed. `is_typeset` says whether
    quotation marks and the like become those of `lang`."""
    return _clean(ARTICLE, parser_of(True, lang, is_typeset).render(source.translate(BIDI_CONTROLS), _env(lang, title)))


def _env(lang: str, title: str) -> dict[str, Any]:
    """The data of the article's rules, with the names that people hear who do not see the page."""
    names = i18n.catalogue(lang)
    labels = {
        "section": names.gettext("Link to this section"),
        "table": names.gettext("Table"),
        "back": names.gettext("Back to the text"),
    }
    return {"title": title, "labels": labels}


def problems_of_article(source: str, reasons: Mapping[str, str] | None = None) -> list[Problem]:
    """The parts of an article that will not be shown as intended, sorted by line. `reasons` says of some pictures, by
    their addresses, why they cannot be shown."""
    env: dict[str, Any] = {"reasons": reasons or {}}
    parser_of(True, "en").parse(source, env)
    return sorted(env.get("problems", []), key=lambda problem: problem.line)


def code_and_pictures(source: str) -> tuple[str, set[str]]:
    """The text of an article with spaces in place of code, and the decoded addresses of its pictures."""
    env: dict[str, Any] = {}
    tokens = parser_of(True, "en").parse(source, env)
    return article_rules.without_code(source, tokens), env.get("pictures", set())


def words_before_more(source: str, lang: str, title: str = "", is_typeset: bool = True) -> str:
    """The plain text of an article before its `<!--more-->` mark; empty if there is no mark."""
    if not raw_html.MORE.search(source):
        return ""
    env = {**_env(lang, title), "more_mark": MORE_MARK}
    made = parser_of(True, lang, is_typeset).render(source.translate(BIDI_CONTROLS).replace(MORE_MARK, ""), env)
    before, found, _ = prose(_clean(ARTICLE, made)).partition(MORE_MARK)
    return before.strip() if found else ""


def trusted(rendered: str) -> Markup:
    """Mark HTML as safe for templates. Pass only the results of the functions above."""
    return Markup(rendered)


def element(source: str, *values: str | int) -> Markup:
    """HTML that stands in the code, with `values`, which are escaped, in the places of `{}`."""
    return Markup(source).format(*values)


def message(text: str, /, **variables: Any) -> Markup:
    """The translation of a message with `variables`, which are escaped. As in jinja2.ext.i18n, messages are HTML."""
    if variables:
        return Markup(i18n.gettext(text)) % variables
    return _plain_message(i18n.current_locale(), text)


@lru_cache(i18n.KEPT)
def _plain_message(locale: str, text: str) -> Markup:
    return Markup(i18n.catalogue(locale).gettext(text)) % {}


def absolute_links(rendered: str, page: str, root: str, prefix: str = "") -> str:
    """The HTML of an article for places outside of this site, such as feeds: with absolute links and pictures. `page`
    is the address of the article, `root` that of the site, and `prefix` its path."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        kept = _attribute_or_rel(ARTICLE, tag, name, value)
        if kept is None or name not in {"href", "src", "srcset"}:
            return kept
        return ", ".join(absolute(each) for each in kept.split(", ")) if name == "srcset" else absolute(kept)

    def absolute(address: str) -> str:
        if address.startswith("#"):
            return page + address
        if not address.startswith("/"):
            return address
        return root + (address.removeprefix(prefix) if address.startswith(f"{prefix}/") else address)

    cleaned: str = _new_nh3_cleaner(ARTICLE, attribute).clean(HEADING_LINK.sub("", rendered) if page else rendered)
    return cleaned


def trusted_article(rendered: str, prefix: str) -> Markup:
    """Like `trusted`, for the HTML of an article on a site below the path `prefix`: the addresses of its pictures, and
    links to other pages of the site, begin with it."""
    return Markup(absolute_links(rendered, "", prefix, prefix) if prefix else rendered)


def data_block(value: Any) -> Markup:
    """JSON for a `<script type="application/ld+json">` element. A browser ends such an element at `</script`, also in
    a string, and `<!--` or `<script` would change where it ends; JSON has another notation for `<`."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def plain_text(rendered: str) -> str:
    """The plain text of rendered HTML on one line, for a summary. It is not HTML and must be escaped in templates."""
    words = html.unescape(WITHOUT_TAGS.clean(BLOCK.sub(" <", FOOTNOTES.sub("", rendered))))
    return re.sub(r"[ \n\t]+", " ", words).strip()


def prose(rendered: str) -> str:
    """The plain text without headings, code and tables, for an excerpt."""
    return plain_text(NO_PROSE.sub(" ", rendered))


def count_links(rendered: str) -> int:
    """The number of links in rendered HTML."""
    return rendered.count("<a ")


def _clean(dialect: Dialect, made: str) -> str:
    cleaned: str = _nh3_cleaner(dialect).clean(_sanitize_with_bleach(dialect, made))
    return cleaned


def _sanitize_with_bleach(dialect: Dialect, made: str) -> str:
    cleaned: str = _cleaners.of(dialect).clean(made)
    return cleaned


class _Cleaners(threading.local):
    """One Cleaner per thread and dialect: a shared one is not thread-safe and let unsafe HTML through in a test."""

    def __init__(self) -> None:
        self.of = cache(_new_cleaner)


def _new_cleaner(dialect: Dialect) -> Cleaner:
    return Cleaner(tags=dialect.tags, attributes=_bleach_rule(dialect), protocols={"http", "https", "mailto"})


_cleaners = _Cleaners()


def _bleach_rule(dialect: Dialect) -> Callable[[str, str, str], bool]:
    def allowed(tag: str, name: str, value: str) -> bool:
        return _attribute(dialect, tag, name, value) is not None

    return allowed


@cache  # unlike a Cleaner of bleach, one of nh3 does not change and can be shared by threads
def _nh3_cleaner(dialect: Dialect) -> nh3.Cleaner:
    return _new_nh3_cleaner(dialect, partial(_attribute_or_rel, dialect))


def _new_nh3_cleaner(dialect: Dialect, attribute: Callable[[str, str, str], str | None]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(dialect.tags),
        attributes={tag: set(names) for tag, names in dialect.attributes.items()},
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel=dialect.link_rel,
        strip_comments=True,
    )


def _attribute(dialect: Dialect, tag: str, name: str, value: str) -> str | None:
    """The attribute's value if it is allowed, else None."""
    if name not in dialect.attributes.get(tag, frozenset()):
        return None
    if name == "href" and not is_safe_link(value, dialect.own_paths):
        return None
    if name == "src" and not OWN_PATH.match(value):
        return None
    if name == "srcset" and not is_srcset(value):
        return None
    if (name == "sizes" and value != SIZES) or (name == "loading" and value not in {"lazy", "eager"}):
        return None
    if name in {"start", "width", "height"} and not (value.isascii() and value.isdigit() and len(value) < 10):
        return None
    if (name == "role" and value != "group") or (name == "tabindex" and value != "0"):
        return None
    if name == "class" and value not in (code.CLASSES if tag == "span" else CLASSES):
        return None
    if name == "id" and not _is_id(tag, value):
        return None
    return value


def _attribute_or_rel(dialect: Dialect, tag: str, name: str, value: str) -> str | None:
    # nh3 also passes the `rel` that it adds itself. The text cannot contain one, because bleach removes it.
    return dialect.link_rel if (tag, name) == ("a", "rel") else _attribute(dialect, tag, name, value)


def _is_id(tag: str, value: str) -> bool:
    """Whether a heading, an anchor or a footnote may have this id; ids of the page itself are not allowed."""
    if tag == "li":
        return FOOTNOTE_ID.fullmatch(value) is not None
    if tag == "a" and FOOTNOTE_ID.fullmatch(value):
        return True
    return re.fullmatch(r"[\w.:-]{1,200}", value) is not None and not PAGE_ID.fullmatch(value)
