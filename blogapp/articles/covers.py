"""The cover picture of an article."""

from __future__ import annotations

from typing import Protocol

from flask import Flask

from blogapp.text.pictures import ADDRESS, SIZES, address_of, widths_of
from blogapp.values import frozen


class HasCover(Protocol):
    """An article, or what the editor shows of it."""

    @property
    def cover(self) -> str: ...

    @property
    def cover_alt(self) -> str: ...


@frozen
class Cover:
    """A picture of the library: its size in pixels, and the text for people who do not see it."""

    hash: str
    width: int
    height: int
    alt: str

    def url(self, root: str = "", largest: int | None = None) -> str:
        """The address of the picture, or of its copy that is at most `largest` pixels wide, after `root`:
        `https://example.org` or the prefix of the site."""
        copy = max((each for each in widths_of(self.width) if each <= (largest or self.width)), default=self.width)
        return root + address_of(self.hash, self.width, self.height, copy)

    def srcset(self, root: str = "") -> str:
        return ", ".join(f"{self.url(root, each)} {each}w" for each in widths_of(self.width))


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(cover_of=cover_of, cover_sizes=SIZES)


def cover_of(article: HasCover) -> Cover | None:
    """The cover of an article, if it has one. No query: its address contains its size."""
    found = ADDRESS.fullmatch(article.cover)
    return Cover(found[1], int(found[2]), int(found[3]), article.cover_alt) if found else None
