"""Links in texts: which URLs are allowed, and where a bare URL in a text ends."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from linkify_it import LinkifyIt
from linkify_it.main import Match

LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
OWN_PATH = re.compile(r"/(?!/)[^\\\s]*\Z")

# Characters that never occur in a typed URL: a URL ends before the first of them.
# Quotation marks, ellipsis, em dash, and the punctuation of Chinese, Japanese, Arabic and Hebrew texts.
STOP = re.compile(
    "[«»‹›“”„‟‚‛…—―،؛؟۔׃׀׆\u200e\u200f\u2010-\u2012\u3000-\u3004\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]"
)
# Characters that also occur inside words (`L’été`, `ארה״ב`, `Michelson–Morley`): a URL continues after them only if a
# letter follows. Hebrew marks must also come after a Hebrew letter.
JOINERS = "’‘–·"
HEBREW_JOINERS = "־׳״"
TRAILING = ".,:;!?*_~'\"`|<>"


def is_safe_link(address: str, own_paths: bool = False) -> bool:
    """Whether a link is allowed: http, https or mailto without user info; with `own_paths` also a path of this site."""
    if own_paths and (OWN_PATH.match(address) or address.startswith("#")):
        return True
    if not LINK.match(address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme == "mailto" or bool(parts.hostname and parts.username is None and parts.password is None)
    except ValueError:
        return False


class BareLinks(LinkifyIt):  # type: ignore[misc]
    """linkify-it, except that a URL also ends before closing punctuation of other languages.

    linkify-it knows only ASCII punctuation and would include `”`, `»`, `…` or `，` in the link.
    """

    def match(self, text: str) -> list[Match] | None:
        return [shorter for match in super().match(text) or [] if (shorter := self._shorten(text, match))] or None

    def match_at_start(self, text: str) -> Match | None:
        match = super().match_at_start(text)
        return self._shorten(text, match) if match else None

    def _shorten(self, text: str, match: Match) -> Match | None:
        shorter = Match(text, match.schema, match.index, match.index + _length(match.raw))
        self.normalize(shorter)
        # Without its ellipsis, "https://…" is not a URL.
        return shorter if shorter.raw.rstrip("/").lower() != match.schema else None


def _length(address: str) -> int:
    """The length of the URL at the beginning of `address`."""
    stop = STOP.search(address)
    end = stop.start() if stop else len(address)
    for position, character in enumerate(address[:end]):
        following = address[position + 1 : position + 2]
        if character in JOINERS and not following.isalnum():
            end = position
            break
        if character in HEBREW_JOINERS and not (_is_hebrew(address[position - 1]) and _is_hebrew(following)):
            end = position
            break
    while end and address[end - 1] in TRAILING:
        end -= 1
    return end


def _is_hebrew(character: str) -> bool:
    return unicodedata.name(character, "").startswith("HEBREW LETTER") if character else False
