"""Slugs: the last part of the URL of an article or a tag, made from its title or name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from slugify import slugify

from blogapp.text.names import clean_name

SLUG_LENGTH = 200
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

# python-slugify separates words at a straight apostrophe but joins them at a typographic one; treat both alike.
APOSTROPHES = str.maketrans("’‘ʼʻ`´", "''''''")
# Names that differ only in these signs are different tags: C, C++, C#.
SIGNS = str.maketrans({"+": "-plus-", "#": "-sharp-"})
LATIN = re.compile("[a-z0-9'\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff]+")


def slug_from(title: str) -> str:
    """`L’été à Paris !` -> `l-ete-a-paris`; empty if no character of the title can be transliterated."""
    return slugify(title.translate(APOSTROPHES), entities=False, decimal=False, hexadecimal=False)[:SLUG_LENGTH].rstrip(
        "-"
    )


def is_slug(text: str) -> bool:
    """Whether `text` is a valid slug: lower-case letters, digits and single hyphens."""
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None


@lru_cache(2_000)
def tag_slug(name: str) -> str:
    """The slug of a tag: `Été à Paris` -> `ete-a-paris`, `C++` -> `c-plus-plus`, `日本語` -> `日本語`.

    Only Latin letters are transliterated: in other scripts, different words would get the same slug. A name without
    letters, such as an emoji, gets its code points. Empty only if `name` has no visible character.
    """
    shown = clean_name(name)
    text = unicodedata.normalize("NFKC", shown).casefold().translate(APOSTROPHES).lstrip("#").translate(SIGNS)
    text = LATIN.sub(lambda found: slug_from(found[0]), unicodedata.normalize("NFC", text))
    words = "".join(each if unicodedata.category(each)[0] in "LMN" else "-" for each in text).split("-")
    slug = "-".join(word for word in words if any(map(str.isalnum, word)))
    return (slug or "-".join(f"{ord(each):x}" for each in shown if each != " "))[:SLUG_LENGTH].rstrip("-")
