"""Article files: Markdown with front matter, read for an import and written by an export.

All files are checked, and errors reported with their lines, before anything is stored.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import yaml

from blogapp.articles.dates import DateError, parse_date
from blogapp.articles.front_matter import FrontMatter, FrontMatterError, Note, parse_front_matter
from blogapp.articles.metadata import Metadata, parse_metadata
from blogapp.articles.models import CLOSED, NONE, OPEN, UNLISTED, Article
from blogapp.articles.picture_files import SCHEME, PictureNotStored, store_pictures
from blogapp.articles.translations import original_of
from blogapp.settings import LOCALES
from blogapp.text import markup
from blogapp.text.pictures import ADDRESS
from blogapp.text.slugs import slug_from
from blogapp.values import frozen

LARGEST_FILE = 2_000_000  # bytes
DATE = "%Y-%m-%dT%H:%M:%SZ"
JEKYLL_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})-(.+)")
DRAFT_FOLDERS = {"drafts", "_private", "private", "_unpublished", "unpublished"}


class BrokenFile(Exception):
    """A file cannot be imported. The message is `path:line: what is wrong and what to do`."""

    def __init__(self, path: Path, line: int, sentence: str) -> None:
        super().__init__(f"{printable(path)}:{line}: {sentence}")


@frozen
class ArticleFile:
    """The parsed content of one file. `slug` is the slug in its front matter, if any. `base_slug` is derived from the
    file name or the title; `keeps_slug` means that it comes from the file name, so that a new title does not change
    it."""

    path: Path
    metadata: Metadata
    title: str
    lang: str
    body: str
    slug: str | None
    base_slug: str
    keeps_slug: bool
    slug_line: int
    notes: list[Note] = field(default_factory=list)


@frozen
class FilesRead:
    """The articles, the errors, and the files that are not articles. Import nothing if there is an error."""

    files: list[ArticleFile]
    broken: list[BrokenFile]
    skipped: list[str]


def read_files(
    paths: list[Path],
    default_lang: str,
    now: datetime,
    store_picture: Callable[[Path], str] | None = None,
    zone: tzinfo = UTC,
) -> FilesRead:
    """Read all of `paths`, with dates that name no zone in `zone`, and store the pictures beside them
    (`picture_files.store_pictures`)."""
    read = FilesRead([], [], [])
    for path in paths:
        if path.name == "_index.md" or re.fullmatch(r"_index\.\w+\.md", path.name):
            read.skipped.append(f"{printable(path)}: Hugo's page of a section is not an article")
            continue
        try:
            read.files.append(read_file(path, default_lang, now, store_picture, zone))
        except BrokenFile as error:
            read.broken.append(error)
    return read


def read_file(
    path: Path,
    default_lang: str,
    now: datetime,
    store_picture: Callable[[Path], str] | None = None,
    zone: tzinfo = UTC,
) -> ArticleFile:
    """Read and check one file. Raises BrokenFile for its first error."""
    try:
        matter = parse_front_matter(_text_of(path))
        metadata = parse_metadata(matter, now, zone)
    except FrontMatterError as error:
        raise BrokenFile(path, error.line, str(error)) from None
    body = re.sub(r"\A(?:[ \t]*\n)+", "", matter.body).rstrip()
    if not body.strip():
        raise BrokenFile(path, matter.body_line, "there is no text below the front matter.")
    name = path.name.removesuffix(path.suffix)
    stem, _, lang_of_name = name.rpartition(".")
    if stem and lang_of_name in LOCALES:  # Hugo: my-article.fr.md
        name = stem
    else:
        lang_of_name = ""
    jekyll = JEKYLL_NAME.fullmatch(name)
    if jekyll and metadata.published_at is None:
        metadata.published_at = _date_of_name(path, jekyll.group(1), zone)
    title = metadata.title or (jekyll.group(2).replace("-", " ").capitalize() if jekyll else "")
    line = matter.fields["title"].line if "title" in matter.fields else 1
    if not title:
        raise BrokenFile(path, line, "there is no title; write `title: ...` between the two lines of ---.")
    line = matter.fields["slug"].line if metadata.slug else line
    _mark_draft_by_path(path, metadata)
    _store_cover(path, metadata, store_picture)
    shown, reasons = store_pictures(body, path, store_picture) if store_picture else (body, {})
    return ArticleFile(
        path=path,
        metadata=metadata,
        title=title,
        lang=metadata.lang or lang_of_name or default_lang,
        body=shown + "\n",
        slug=metadata.slug,
        base_slug=(slug_from(jekyll.group(2)) if jekyll else "") or slug_from(title),
        keeps_slug=jekyll is not None,
        slug_line=line,
        notes=_notes(matter, metadata, _first_line(matter, body), shown, reasons, now),
    )


def to_markdown(
    article: Article,
    views: int,
    old_slugs: list[str],
    author: str | None = None,
    body: str | None = None,
    cover: str | None = None,
) -> str:
    """Return the article as Markdown with front matter; importing that file gives the same article. `author` is the
    name of its author's account, `body` the text to write instead of the article's own, and `cover` the address of its
    cover."""
    values: dict[str, object] = {"title": article.title, "slug": article.slug, "lang": article.lang}
    # For a draft without a date, `published_at` is only the time of its import.
    if article.first_published_at is not None or article.created_at not in (None, article.published_at):
        values["date"] = article.published_at.strftime(DATE)
    if article.updated_at is not None:
        values["updated"] = article.updated_at.strftime(DATE)
    if name := article.author_name or author:
        values["author"] = name
    if article.summary:
        values["summary"] = article.summary
    if article.tags:
        values["tags"] = [str(tag) for tag in article.tags]
    if article.cover:
        values["cover"] = cover or article.cover
        if article.cover_alt:
            values["cover_alt"] = article.cover_alt
    if original := original_of(article):
        values["translation_of"] = original
    if article.is_page:
        values["page"] = True
        if article.in_menu:
            values["menu"] = True
    if article.comments == CLOSED or (article.comments == NONE) != article.is_page:
        values["comments"] = {OPEN: True, NONE: False}.get(article.comments, article.comments)
    if article.status == UNLISTED:
        values["unlisted"] = True
    elif not article.is_public:
        values["draft"] = True
    values["views"] = views
    if old_slugs:
        values["aliases"] = [f"/articles/{slug}" for slug in old_slugs]
    front = yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**6)
    return f"---\n{front}---\n\n{article.body_source if body is None else body}"


def printable(path: Path) -> str:
    """Return a path as text that can be printed and stored, even if its name is not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


class _Dumper(yaml.SafeDumper):
    """Writes dates without quotes."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_date = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp" if is_date else "tag:yaml.org,2002:str", text)


_Dumper.add_representer(str, _represent)


def _text_of(path: Path) -> str:
    def wrong(sentence: str, line: int = 1) -> BrokenFile:
        return BrokenFile(path, line, sentence)

    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise wrong("this is a directory; name the Markdown files in it.")
        if not stat.S_ISREG(found.st_mode):
            raise wrong("this is not a file.")
        if found.st_size > LARGEST_FILE:
            raise wrong("the file is larger than 2 MB; an article is text only.")
        content = path.read_bytes()
    except FileNotFoundError:
        is_link = path.is_symlink()
        raise wrong("this link leads to no file." if is_link else "there is no such file.") from None
    except OSError as error:
        raise wrong(f"the file cannot be read: {error.strerror}.") from None
    except ValueError:
        raise wrong("there is no such file.") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise wrong("this is UTF-16; save the file as UTF-8 in your editor.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise wrong("this is not UTF-8; save the file as UTF-8 in your editor.", line) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        raise wrong("there is a zero byte here; this is not a text file.", text[: text.index("\0")].count("\n") + 1)
    if not text.strip():
        raise wrong("the file is empty: there is no title and no text.")
    return text


def _date_of_name(path: Path, text: str, zone: tzinfo) -> datetime:
    try:
        return parse_date(text, zone)
    except DateError as error:
        raise BrokenFile(path, 1, f"the file's name begins with a date: {error}") from None


def _mark_draft_by_path(path: Path, metadata: Metadata) -> None:
    """Mark the article as a draft if Jekyll or another tool would not publish it because of its path: in a folder of
    drafts, or with an underscore before its name."""
    folders = [part.lower() for part in path.absolute().parts[:-1]]
    if "_drafts" in folders or folders[-1] in DRAFT_FOLDERS:
        metadata.is_draft = True
        metadata.notes.append(Note(1, "the file is in a folder of drafts: imported as a draft"))
    elif path.name.startswith("_"):
        metadata.is_draft = True
        metadata.notes.append(Note(1, "the file's name begins with `_`: imported as a draft"))


def _store_cover(path: Path, metadata: Metadata, store: Callable[[Path], str] | None) -> None:
    """Replace the path of a cover beside the file with the address of the stored picture."""
    cover = metadata.cover
    if not cover or ADDRESS.fullmatch(cover):
        return
    reason = "is not in the library of this site"
    metadata.cover = ""
    if store and not SCHEME.match(cover):
        try:
            metadata.cover = store(path.parent / cover)
            return
        except PictureNotStored as error:
            reason = str(error)
    metadata.notes.append(Note(metadata.cover_line, f"the cover `{cover}` {reason}: imported without it"))


def _first_line(matter: FrontMatter, body: str) -> int:
    """The line of the file on which its text begins."""
    return matter.body_line + matter.body.count("\n", 0, matter.body.index(body))


def _notes(
    matter: FrontMatter, metadata: Metadata, first_line: int, body: str, reasons: dict[str, str], now: datetime
) -> list[Note]:
    notes = list(metadata.notes)
    moment = metadata.published_at
    if moment and moment > now and not metadata.is_draft:
        line = next((matter.fields[key].line for key in ("publishdate", "date") if key in matter.fields), 1)
        notes.append(Note(line, f"scheduled for {moment:%Y-%m-%d %H:%M} UTC, not visible until then"))
    notes += [Note(first_line + each.line - 1, each.sentence) for each in markup.problems_of_article(body, reasons)]
    return notes
