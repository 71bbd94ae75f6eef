"""A feed, independent of its format (atom.py, json_feed.py)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from flask import request
from markupsafe import escape

from blogapp.site.settings import current_site
from blogapp.values import frozen

# Characters that XML 1.0 forbids, other control characters, and noncharacters. (Naming those that are allowed, up to
# U+10FFFF, would take ten times as long to compile, at each start.)
FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# A feed without entries has never been updated, but Atom requires a date that does not change.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Entry:
    """An article or a comment. `html` has absolute links; `replies` is the feed of an article's comments, `answers` the
    id and the address of the comment that a reply refers to."""

    id: str
    address: str
    title: str
    lang: str
    html: str
    published_at: datetime
    updated_at: datetime
    author: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    replies: str = ""
    answers: tuple[str, str] | None = None
    picture: str = ""
    picture_alt: str = ""

    @property
    def illustrated_html(self) -> str:
        """The HTML after the cover picture, if there is one."""
        if not self.picture:
            return self.html
        return f'<p><img src="{escape(self.picture)}" alt="{escape(self.picture_alt)}"></p>\n{self.html}'


@frozen
class Feed:
    """`page` is the address of the page with the same content, `address` the feed's own, `author` the author of entries
    that have none, `hub` the address of a WebSub hub."""

    id: str
    title: str
    description: str
    lang: str
    page: str
    address: str
    author: str
    hub: str
    entries: list[Entry]

    @property
    def updated_at(self) -> datetime:
        return max((entry.updated_at for entry in self.entries), default=NEVER)


def clean(text: str) -> str:
    """The text without characters that a feed must not contain."""
    return FORBIDDEN.sub("", text)


def permanent_id(thing: str) -> str:
    """The id of a feed or an entry (`article/17`), which stays the same when its title, its slug or the address of the
    site changes. It is derived from the site's own random id, which is stored with the first account; the address of a
    site without one takes its place."""
    site_id = current_site().feed_id
    namespace = UUID(site_id) if site_id else uuid5(NAMESPACE_URL, request.root_url)
    return uuid5(namespace, thing).urn
