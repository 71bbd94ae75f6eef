"""Find the article that a file belongs to, and the slug it gets.

A file updates an article in two cases: it states the article's slug, or it is the file that the article was imported
from. It counts as that file if it has the same path, or if the old path no longer exists and the text is mostly the
same (a renamed file, a moved folder, another machine); with a very short text, the title or slug must match, too.
Every other file adds a new article. A file is refused if its text could get another article's comments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.files import ArticleFile, BrokenFile, printable
from blogapp.articles.models import ARTICLE, PAGE, Article, ArticleRedirect
from blogapp.articles.publishing import Manuscript, lock_articles
from blogapp.text.slugs import SLUG_LENGTH, slug_from
from blogapp.values import frozen

# Two texts are versions of the same article if both contain this fraction of the shorter one's pieces. Pieces have
# PIECE characters, because not all languages separate words with spaces. Only the first COMPARED characters are
# compared.
SAME_TEXT = 0.3
PIECE = 12
COMPARED = 20_000
# The fewest characters of a text by which an article is found alone. A shorter one may well be that of another article.
LEAST_TEXT = 20
BLANKS = " \t\r\n"


@dataclass
class StoredArticle:
    """The data of a stored article that an import needs, except its text; `length` is the length of the text without
    surrounding blanks."""

    id: int
    slug: str
    title: str
    lang: str
    source: str | None
    length: int


@frozen
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
            kind=PAGE if metadata.is_page else ARTICLE,
            in_menu=metadata.in_menu,
            comments=metadata.comments,
            cover=metadata.cover,
            cover_alt=metadata.cover_alt,
            author_name=metadata.author,
            translation_of=metadata.translation_of if metadata.translation_of != self.slug else "",
        )


def place_files(session: Session, files: list[ArticleFile]) -> tuple[list[Placed], list[BrokenFile]]:
    """Find the article of each file, in order. The second list contains the errors of refused files.

    Locks the articles until the end of the transaction, which must be a write transaction.
    """
    lock_articles(session)
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
    """An index of all articles by slug and by source, kept up to date while the files of an import are placed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.by_slug: dict[str, StoredArticle] = {}
        self.by_source: dict[str, StoredArticle] = {}
        self.batch: dict[str, Path] = {}  # the files of this import by their slugs
        self.placed: set[int] = set()
        # Lengths are compared first, so that only the texts of possible matches are read.
        length = func.length(func.trim(Article.body_source, BLANKS))
        columns = (Article.id, Article.slug, Article.title, Article.lang, Article.source, length)
        for row in session.execute(select(*columns)):
            stored = StoredArticle(*row)
            self.by_slug[stored.slug] = stored
            if stored.source:
                self.by_source[stored.source] = stored
        redirects = session.execute(select(ArticleRedirect.slug, ArticleRedirect.article_id))
        self.redirects: dict[str, int] = {row.slug: row.article_id for row in redirects}

    def place(self, file: ArticleFile) -> Placed:
        """Find the file's article and slug. Raises BrokenFile if the article is ambiguous."""
        source = printable(file.path.resolve())
        stored = self._find_stated(file, source) if file.slug else self._find_derived(file, source)
        slug = file.slug or self._derive_slug(file, stored)
        if stored:
            self.placed.add(stored.id)
            self._move(stored, slug)
        self.batch[slug] = file.path
        article = self.session.get(Article, stored.id) if stored else None
        former = self.by_source.get(source)
        if former is not None and former is not stored:
            # The file now belongs to another article, so it is no longer the source of this one.
            self.session.get_one(Article, former.id).source = None
        # A copy (such as an export) may update an article by its slug, but does not become its source.
        if stored and stored.source and _is_elsewhere(stored.source, source):
            source = stored.source
        return Placed(file, source, article, slug)

    def _find_stated(self, file: ArticleFile, source: str) -> StoredArticle | None:
        slug = file.slug or ""
        if slug in self.batch:
            raise _refusal(
                file, f"the slug `{slug}` is taken by {printable(self.batch[slug])}; give one of them another."
            )
        holder, own = self.by_slug.get(slug), self.by_source.get(source)
        if holder and own and holder is not own and self._is_same(own, file):
            raise _refusal(
                file,
                f"this file was imported as /articles/{own.slug}, and `{slug}` belongs to another article. Give it "
                f"another slug, or run `flask articles remove {own.slug}` first.",
            )
        if holder:
            if holder.lang != file.lang and holder is not own:
                raise _refusal(
                    file,
                    f"the slug `{slug}` is taken by an article in another language ({holder.lang}); give this one a "
                    "slug of its own.",
                )
            return holder
        # The slug is new: the file's article gets it, unless the file now contains another article's text.
        found = own if own and self._is_same(own, file) else self._find_moved(file, source)
        if slug in self.redirects and (found is None or self.redirects[slug] != found.id):
            raise _refusal(
                file, f"`{slug}` is an old address of another article and redirects to it; give this one another slug."
            )
        return found

    def _find_derived(self, file: ArticleFile, source: str) -> StoredArticle | None:
        own = self.by_source.get(source)
        if own is None:
            return self._find_moved(file, source)
        if own.id in self.placed:
            raise _refusal(file, "this file is given twice.")
        if self._is_same(own, file):
            return own
        raise _refusal(
            file,
            f"this file was imported as /articles/{own.slug}, and its title and text are both new. Write "
            f"`slug: {own.slug}` if it replaces that article, or a slug of its own if it is another one.",
        )

    def _find_moved(self, file: ArticleFile, source: str) -> StoredArticle | None:
        """Find the article of a file that has been moved or renamed since its import."""
        text = file.body.strip(BLANKS)
        unchanged, changed = [], []
        for stored in self.by_slug.values():
            is_similar = stored.title == file.title or stored.slug == file.base_slug
            is_possible = is_similar or (stored.length == len(text) and len(text) >= LEAST_TEXT)
            if not is_possible:
                continue
            if stored.id in self.placed or _is_elsewhere(stored.source, source):
                continue
            body = self._body(stored)
            if body.strip(BLANKS) == text:
                unchanged.append(stored)
            elif is_similar and is_same_text(body, text):
                changed.append(stored)
        found = unchanged or changed
        if len(found) > 1:
            slugs = ", ".join(sorted(stored.slug for stored in found))
            raise _refusal(file, f"several articles have this text ({slugs}); state the slug of the right one.")
        return found[0] if found else None

    def _derive_slug(self, file: ArticleFile, stored: StoredArticle | None) -> str:
        """The slug for a file without a stated slug: its article's current slug, or an unused one."""
        base = file.base_slug
        if stored and (file.keeps_slug or not base or not _is_derived(stored) or base == slug_from(stored.title)):
            return stored.slug
        if not base:
            raise _refusal(file, "no slug can be made from this title; write one: `slug: my-article`.")
        holder = self.by_slug.get(base)
        if holder and holder is not stored and base not in self.batch and not _is_elsewhere(holder.source, None):
            origin = f"imported from {holder.source}" if holder.source else "whose file is not known"
            raise _refusal(
                file,
                f"the title leads to /articles/{base}, which is an article with another text, {origin}. Write "
                f"`slug: {base}` if this file replaces it, or `slug: {self._free(base, stored)}` if it is another one.",
            )
        return self._free(base, stored)

    def _free(self, base: str, stored: StoredArticle | None) -> str:
        slug, number = base, 1
        while slug in self.batch or self._is_taken(slug, stored):
            number += 1
            slug = f"{base[: SLUG_LENGTH - 8]}-{number}"
        return slug

    def _is_taken(self, slug: str, stored: StoredArticle | None) -> bool:
        holder = self.by_slug.get(slug)
        own = stored.id if stored else None
        return (holder is not None and holder is not stored) or self.redirects.get(slug, own) != own

    def _move(self, stored: StoredArticle, slug: str) -> None:
        if stored.slug != slug:
            del self.by_slug[stored.slug]
            self.redirects[stored.slug] = stored.id
            self.redirects.pop(slug, None)
            stored.slug = slug
            self.by_slug[slug] = stored

    def _is_same(self, stored: StoredArticle, file: ArticleFile) -> bool:
        return stored.title == file.title or is_same_text(self._body(stored), file.body)

    def _body(self, stored: StoredArticle) -> str:
        return self.session.scalar(select(Article.body_source).where(Article.id == stored.id)) or ""


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts are versions of the same article."""
    pieces = [_pieces(text) for text in (one, other)]
    return len(pieces[0] & pieces[1]) >= SAME_TEXT * min(len(each) for each in pieces)


def _pieces(text: str) -> set[str]:
    words = " ".join(text.split())[:COMPARED]
    return {words[start : start + PIECE] for start in range(max(1, len(words) - PIECE + 1))}


def _is_elsewhere(stored: str | None, source: str | None) -> bool:
    """Whether the file that an article was imported from still exists and is not `source`."""
    found = _inode(stored)
    return found is not None and found != _inode(source)


def _inode(path: str | None) -> tuple[int, int] | None:
    """The device and inode number of a file, which do not depend on its path; None if there is no file."""
    try:
        status = Path(path).stat() if path else None
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if status else None


def _is_derived(stored: StoredArticle) -> bool:
    """Whether a slug was derived from the article's title, with or without a number to make it unique."""
    base = slug_from(stored.title)
    rest = stored.slug.removeprefix(base)
    return bool(base) and stored.slug.startswith(base) and (not rest or (rest[:1] == "-" and rest[1:].isdigit()))


def _refusal(file: ArticleFile, sentence: str) -> BrokenFile:
    return BrokenFile(file.path, file.slug_line, sentence)
