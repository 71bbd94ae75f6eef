"""Slugs: the last part of an article's URL, made from its title."""

from __future__ import annotations

import re

from slugify import slugify

SLUG_LENGTH = 200
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

# python-slugify separates words at a straight apostrophe but joins them at a typographic one; treat both alike.
APOSTROPHES = str.maketrans("’‘ʼʻ`´", "''''''")


def slug_from(title: str) -> str:
    """`L’été à Paris !` -> `l-ete-a-paris`; empty if no character of the title can be transliterated."""
    return slugify(title.translate(APOSTROPHES), entities=False, decimal=False, hexadecimal=False)[:SLUG_LENGTH].rstrip(
        "-"
    )


def is_slug(text: str) -> bool:
    """Whether `text` is a valid slug: lower-case letters, digits and single hyphens."""
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None
