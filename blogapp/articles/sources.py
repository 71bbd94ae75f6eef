"""Which article a file belongs to.

A file updates an article in two cases only: it states the article's slug, or it is the file that the article was
imported from. It is that file if it is in the same place, or if nothing is left in the old place and the text is
mostly the same (a folder that was moved, another machine). Anything else is a new article, or is refused with a
sentence where a mistake would put one text under another text's comments.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.files import ArticleFile, BrokenFile, printable
from blogapp.articles.models import Article, ArticleRedirect
from blogapp.articles.publishing import Manuscript
from blogapp.text.slugs import SLUG_LENGTH, slug_from

# Two texts are versions of one if this part of the shorter one's pieces is in both; measured in pieces of
# PIECE characters of the first COMPARED, so that it works for Chinese too and a long file costs little.
SAME_TEXT = 0.3
PIECE = 12
COMPARED = 20_000


@dataclass
class Known:
    """What is known of a stored article, without its text."""

    id: int
    slug: str
    title: str
    lang: str
    source: str | None
    digest: bytes


@dataclass(frozen=True)
class Placed:
    """A file with its article (None: a new one) and its final slug."""

    file: ArticleFile
    source: str
    article: Article | None
    slug: str

    @property
    def manuscript(self) -> Manuscript:
        metadata = self.file.metadata
        return Manuscript(
            slug=self.slug,
            lang=self.file.lang,
            title=self.file.title,
            summary=metadata.summary,
            tags=metadata.tags,
            draft=metadata.is_draft,
            published_at=metadata.published_at,
            body_source=self.file.body,
            updated_at=metadata.updated_at,
            old_slugs=tuple(metadata.old_slugs),
        )


def place_files(session: Session, files: list[ArticleFile]) -> tuple[list[Placed], list[BrokenFile]]:
    """Find the article of each file, in this order. What cannot be decided safely is broken."""
    library = Library(session)
    placed: list[Placed] = []
    broken: list[BrokenFile] = []
    for file in files:
        try:
            placed.append(library.place(file))
        except BrokenFile as error:
            broken.append(error)
    return placed, broken


class Library:
    """All articles by slug and source, kept up to date while a batch of files is placed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.by_slug: dict[str, Known] = {}
        self.by_source: dict[str, Known] = {}
        self.takers: dict[str, Path] = {}  # slugs that a file of this batch has
        self.placed: set[int] = set()
        rows = session.execute(
            select(
                Article.id, Article.slug, Article.title, Article.lang, Article.source, Article.body_source
            ).execution_options(yield_per=100)
        )
        for article_id, slug, title, lang, source, body in rows:
            known = Known(article_id, slug, title, lang, source, _digest(body))
            self.by_slug[slug] = known
            if source:
                self.by_source[source] = known
        redirects = session.execute(select(ArticleRedirect.slug, ArticleRedirect.article_id))
        self.redirects: dict[str, int] = {row.slug: row.article_id for row in redirects}

    def place(self, file: ArticleFile) -> Placed:
        """Raises BrokenFile where it is not certain which article the file belongs to."""
        source = printable(file.path.resolve())
        known = self._find_stated(file, source) if file.slug else self._find_derived(file, source)
        slug = file.slug or self._derive_slug(file, known)
        if known:
            self.placed.add(known.id)
            if known.slug != slug:
                del self.by_slug[known.slug]
                self.redirects[known.slug] = known.id
                self.redirects.pop(slug, None)
                known.slug = slug
                self.by_slug[slug] = known
        self.takers[slug] = file.path
        article = self.session.get(Article, known.id) if known else None
        former = self.by_source.get(source)
        if former is not None and former is not known:
            # The path is another article's from now on: it no longer says where that one comes from.
            self.session.get_one(Article, former.id).source = None
        # A copy (an export, say) may update an article by its slug; the article still belongs to its own file.
        if known and known.source and _is_elsewhere(known.source, source):
            source = known.source
        return Placed(file, source, article, slug)

    def _find_stated(self, file: ArticleFile, source: str) -> Known | None:
        slug = file.slug or ""
        self._check_batch(file, slug)
        holder, own = self.by_slug.get(slug), self.by_source.get(source)
        if holder and own and holder is not own and self._is_same(own, file):
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"this file was imported as /articles/{own.slug}, and `{slug}` belongs to another article. Give it "
                f"another slug, or run `flask articles remove {own.slug}` first.",
            )
        if holder:
            if holder.lang != file.lang and holder is not own:
                raise BrokenFile(
                    file.path,
                    file.slug_line,
                    f"the slug `{slug}` is taken by an article in another language ({holder.lang}); give this one a "
                    "slug of its own.",
                )
            return holder
        # The file states an address that is new: its article moves there, unless the file holds another text by now.
        found = own if own and self._is_same(own, file) else self._find_moved(file, source)
        if slug in self.redirects and (found is None or self.redirects[slug] != found.id):
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"`{slug}` is an old address of another article and leads there; give this one another slug.",
            )
        return found

    def _find_derived(self, file: ArticleFile, source: str) -> Known | None:
        own = self.by_source.get(source)
        if own and own.id not in self.placed:
            if self._is_same(own, file):
                return own
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"this file was imported as /articles/{own.slug}, and its title and text are both new. Write "
                f"`slug: {own.slug}` if it replaces that article, or a slug of its own if it is another one.",
            )
        if own:
            raise BrokenFile(file.path, file.slug_line, "this file is given twice.")
        return self._find_moved(file, source)

    def _find_moved(self, file: ArticleFile, source: str) -> Known | None:
        """The article of a file that is no longer where it was imported from."""
        candidates = [
            known
            for known in self.by_slug.values()
            if (known.digest == _digest(file.body) or known.title == file.title or known.slug == file.base_slug)
            and known.id not in self.placed
            and not _is_elsewhere(known.source, source)
        ]
        same = [known for known in candidates if known.digest == _digest(file.body)]
        same = same or [known for known in candidates if self._has_same_text(known, file)]
        if len(same) > 1:
            slugs = ", ".join(sorted(known.slug for known in same))
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"several articles have this text ({slugs}); state the slug of the right one.",
            )
        return same[0] if same else None

    def _derive_slug(self, file: ArticleFile, known: Known | None) -> str:
        """The address of a file that states none: the one its article has, or one that is free."""
        base = file.base_slug
        if known and (file.keeps_slug or not base or not _is_derived(known) or base == slug_from(known.title)):
            return known.slug
        if not base:
            raise BrokenFile(
                file.path, file.slug_line, "no address can be made from this title; write one: `slug: my-article`."
            )
        holder = self.by_slug.get(base)
        if holder and holder is not known and base not in self.takers and not _is_elsewhere(holder.source, ""):
            origin = f"imported from {holder.source}" if holder.source else "whose file is not known"
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"the title leads to /articles/{base}, which is an article with another text, {origin}. Write "
                f"`slug: {base}` if this file replaces it, or `slug: {self._free(base, known)}` if it is another one.",
            )
        return self._free(base, known)

    def _free(self, base: str, known: Known | None) -> str:
        slug, number = base, 1
        while slug in self.takers or self._is_taken(slug, known):
            number += 1
            slug = f"{base[: SLUG_LENGTH - 8]}-{number}"
        return slug

    def _is_taken(self, slug: str, known: Known | None) -> bool:
        holder = self.by_slug.get(slug)
        own = known.id if known else None
        return (holder is not None and holder is not known) or self.redirects.get(slug, own) != own

    def _check_batch(self, file: ArticleFile, slug: str) -> None:
        if slug in self.takers:
            raise BrokenFile(
                file.path,
                file.slug_line,
                f"the slug `{slug}` is taken by {printable(self.takers[slug])}; give one of them another.",
            )

    def _is_same(self, known: Known, file: ArticleFile) -> bool:
        return known.title == file.title or self._has_same_text(known, file)

    def _has_same_text(self, known: Known, file: ArticleFile) -> bool:
        if known.digest == _digest(file.body):
            return True
        body = self.session.scalar(select(Article.body_source).where(Article.id == known.id)) or ""
        return is_same_text(body, file.body)


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts are versions of one."""
    pieces = [_pieces(text) for text in (one, other)]
    return len(pieces[0] & pieces[1]) >= SAME_TEXT * min(len(each) for each in pieces)


def _pieces(text: str) -> set[str]:
    words = " ".join(text.split())[:COMPARED]
    return {words[start : start + PIECE] for start in range(max(1, len(words) - PIECE + 1))}


def _digest(body: str) -> bytes:
    return hashlib.sha256(body.strip().encode()).digest()


def _is_elsewhere(stored: str | None, source: str) -> bool:
    """Whether the file that an article was imported from is still there, and is another one than `source`."""
    if stored is None or not os.path.exists(stored):  # noqa: PTH110
        return False
    return not (source and os.path.exists(source) and os.path.samefile(stored, source))  # noqa: PTH110, PTH121


def _is_derived(known: Known) -> bool:
    """Whether an article's address was made from its title, perhaps with a number to tell it from another."""
    base = slug_from(known.title)
    rest = known.slug.removeprefix(base)
    return bool(base) and known.slug.startswith(base) and (not rest or (rest[:1] == "-" and rest[1:].isdigit()))
