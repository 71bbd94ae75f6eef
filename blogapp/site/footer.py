"""What the owner writes about the blog for every reader: the text below the title of the front page, and the links in
the footer."""

from __future__ import annotations

from functools import lru_cache

from blogapp.text import markup
from blogapp.text.links import OWN_PATH, is_safe_link
from blogapp.values import frozen

LINKS_AT_MOST = 20
LABEL_LENGTH, ADDRESS_LENGTH = 60, 500


class WrongLink(ValueError):
    """A line of the list of links cannot be used; `line` is its number, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@frozen
class FooterLink:
    """`address` is a URL, or a path of this site, without its prefix."""

    label: str
    address: str

    @property
    def is_path(self) -> bool:
        return self.address.startswith("/")


def parse_links(text: str) -> list[FooterLink]:
    """The links of a text with one on each line: `Label | URL`. Raises WrongLink."""
    links = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        label, _, address = (part.strip() for part in line.rpartition("|"))
        is_allowed = OWN_PATH.match(address) is not None or (
            is_safe_link(address) and not set(' \t"<>\\') & set(address)
        )
        if not label or not is_allowed or len(label) > LABEL_LENGTH or len(address) > ADDRESS_LENGTH:
            raise WrongLink(number)
        links.append(FooterLink(label, address))
        if len(links) > LINKS_AT_MOST:
            raise WrongLink(number)
    return links


@lru_cache(maxsize=8)
def render_about(text: str, lang: str) -> str:
    """The HTML of the text about the blog. It is rendered when a page is, because pages are cached."""
    return markup.render_article(text, lang)
