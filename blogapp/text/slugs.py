"""Slugs: the last part of an article's address, made from its title."""

from __future__ import annotations

import re

from slugify import slugify

SLUG_LENGTH = 200
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

# python-slugify joins words at a typographic apostrophe and separates them at a straight one: both separate.
APOSTROPHES = str.maketrans("’‘ʼʻ`´", "''''''")


def slug_from(title: str) -> str:
    """`L’été à Paris !` -> `l-ete-a-paris`; empty where nothing of the title can be written in Latin letters."""
    return slugify(title.translate(APOSTROPHES), entities=False, decimal=False, hexadecimal=False)[:SLUG_LENGTH].rstrip(
        "-"
    )


def is_slug(text: str) -> bool:
    """Whether `text` can be an address: lower-case letters, digits and single hyphens."""
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None
