"""Markdown files with front matter -> manuscripts. Every mistake of every file is found, with its line, before
anything is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, slug_from
from blogapp.settings import LOCALES

KEYS = ("title", "slug", "lang", "date", "summary", "tags", "draft", "views")
LARGEST_FILE = 2_000_000  # bytes


class BrokenFile(Exception):
    """A file cannot be imported: `path:line: what is wrong with it and what to do`."""

    def __init__(self, path: Path, line: int, sentence: str) -> None:
        super().__init__(f"{path}:{line}: {sentence}")


@dataclass(frozen=True)
class ArticleFile:
    """One file, read: the manuscript in it, the views it brings, and the keys nobody here understands."""

    path: Path
    manuscript: Manuscript
    views: int
    ignored: list[str]
    slug_line: int


def read_files(session: Session, paths: list[Path], default_lang: str) -> tuple[list[ArticleFile], list[BrokenFile]]:
    """Read all of `paths`: what can be imported, and what is wrong. Only if the second is empty, import the first."""
    files: list[ArticleFile] = []
    broken: list[BrokenFile] = []
    takers: dict[str, Path] = {}
    for path in paths:
        try:
            file = read_file(path, default_lang)
            _check_slug(session, file, takers)
        except BrokenFile as error:
            broken.append(error)
        else:
            takers[file.manuscript.slug] = path
            files.append(file)
    return files, broken


def read_file(path: Path, default_lang: str) -> ArticleFile:
    """Parse one file. Raises BrokenFile with its first mistake."""
    text = _text_of(path)
    front, body, body_line = _split(path, text)
    marks, values = _front_matter(path, front)

    def wrong(key: str, sentence: str) -> BrokenFile:
        return BrokenFile(path, marks.get(key, 1), sentence)

    title = values.get("title")
    if title is None or (isinstance(title, str) and not title.strip()):
        raise wrong("title", "there is no title; write `title: ...` between the two lines of ---.")
    if not isinstance(title, str):
        raise wrong("title", 'the title must be text; put it in quotes: `title: "2026"`.')
    if len(title) > 300:
        raise wrong("title", f"the title has {len(title)} characters; 300 is the most.")
    slug = values.get("slug") or slug_from(title)
    if not isinstance(slug, str) or not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", slug) or len(slug) > 200:
        raise wrong(
            "slug" if "slug" in marks else "title",
            "the slug must be lower-case letters, digits and single hyphens: `slug: my-article`.",
        )
    lang = values.get("lang", default_lang)
    if lang not in LOCALES:
        raise wrong("lang", f"the language must be one of {', '.join(LOCALES)}.")
    summary = values.get("summary") or ""
    if not isinstance(summary, str):
        raise wrong("summary", "the summary must be text; put it in quotes.")
    draft = values.get("draft", False)
    if not isinstance(draft, bool):
        raise wrong("draft", "draft must be true or false.")
    views = values.get("views", 0)
    if not isinstance(views, int) or isinstance(views, bool) or not 0 <= views < 2**53:
        raise wrong("views", "views must be a whole number, 0 or more.")
    if not body.strip():
        raise BrokenFile(path, body_line, "there is no text below the front matter.")
    try:
        manuscript = Manuscript(
            slug=slug,
            lang=lang,
            title=title.strip(),
            summary=summary.strip(),
            tags=_tags(values.get("tags")),
            draft=draft,
            published_at=_moment(values.get("date")),
            body_source=body.strip() + "\n",
        )
    except _WrongValue as error:
        raise wrong(error.key, str(error)) from None
    ignored = [str(key) for key in values if key not in KEYS]
    return ArticleFile(path, manuscript, views, ignored, marks.get("slug", marks.get("title", 1)))


class _WrongValue(ValueError):
    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def _text_of(path: Path) -> str:
    if path.is_dir():
        raise BrokenFile(path, 1, "this is a directory; name the Markdown files in it.")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BrokenFile(path, 1, "the file is larger than 2 MB; an article is text only.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise BrokenFile(path, 1, "there is no such file.") from None
    except OSError as error:
        raise BrokenFile(path, 1, f"the file cannot be read: {error.strerror}.") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BrokenFile(path, line, "this is not UTF-8; save the file as UTF-8 in your editor.") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BrokenFile(path, line, "there is a zero byte here; this is no text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split(path: Path, text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line on which the body begins."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise BrokenFile(path, 1, "there is no title: a file begins with ---, `title: ...` and another ---.")
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() == "---":
            return "\n".join(lines[1 : number - 1]), "\n".join(lines[number:]), number + 1
    raise BrokenFile(path, 1, "the front matter has no end; write --- on a line of its own below it.")


def _front_matter(path: Path, front: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Each key's line in the file, and the values."""
    marks: dict[str, int] = {}
    values: dict[str, Any] = {}
    try:
        loader = yaml.SafeLoader(front)
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        if not isinstance(node, yaml.MappingNode):
            raise BrokenFile(path, 2, "the front matter must be lines of `key: value`.")
        for key, value in node.value:
            # Lines count from 0 in YAML and from 1 in editors, and the first --- is not part of what was parsed.
            line = key.start_mark.line + 2
            name = str(key.value)
            if name in marks:
                raise BrokenFile(path, line, f"`{name}` is given twice.")
            marks[name] = line
            try:
                values[name] = loader.construct_object(value, deep=True)
            except ValueError as error:
                raise BrokenFile(path, line, f"`{name}` cannot be read: {error}.") from None
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + 2
        raise BrokenFile(path, line, f"the front matter is not YAML: {error.problem or 'it cannot be read'}.") from None
    except yaml.reader.ReaderError as error:
        line = front[: error.position].count("\n") + 2
        raise BrokenFile(path, line, "there is a character here that YAML does not allow; delete it.") from None
    return marks, values


def _moment(value: object) -> datetime | None:
    """A date without a time is its midnight in UTC; a time without a zone is UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        # YAML knows a time only with its seconds; people leave them out.
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _WrongValue("date", "the date must be written as 2026-11-23 or 2026-11-23 09:30.") from None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    raise _WrongValue("date", "the date must be written as 2026-11-23 or 2026-11-23 09:30.")


def _tags(value: object) -> list[str]:
    if value is None:
        return []
    items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        raise _WrongValue("tags", "tags must be a list of words: `tags: [garden, autumn]`.")
    return [item.strip() for item in items]


def _check_slug(session: Session, file: ArticleFile, takers: dict[str, Path]) -> None:
    slug = file.manuscript.slug
    if slug in takers:
        raise BrokenFile(
            file.path, file.slug_line, f"the slug `{slug}` is taken by {takers[slug]}; give one of them another."
        )
    lang = session.scalar(select(Article.lang).where(Article.slug == slug))
    if lang is not None and lang != file.manuscript.lang:
        raise BrokenFile(
            file.path,
            file.slug_line,
            f"the slug `{slug}` is taken by an article in another language ({lang}); give this one a slug of its own.",
        )
