"""Interpret the fields of front matter as other tools do: Jekyll, Hugo, Pelican, Eleventy, Hexo, Zola, and the
exporters of Ghost and WordPress."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from blogapp.articles.dates import DateError, is_date, parse_date
from blogapp.articles.draft_rules import EXPIRIES, is_about_visibility, is_draft
from blogapp.articles.front_matter import FALSE, TRUE, Field, FrontMatter, FrontMatterError, Note, Value, normalise
from blogapp.articles.models import AUTHOR_LENGTH, CLOSED, NONE, OPEN, TITLE_LENGTH
from blogapp.settings import LOCALES
from blogapp.text.slugs import is_slug

MOST_VIEWS = 2**53

DATES = ("date", "datepublished", "publishedat", "publishedon", "publicationdate", "postdate")
PUBLISH_DATES = ("publishdate", "pubdate", "published")
UPDATES = (
    "updated", "lastmod", "modified", "dateupdated", "datemodified", "lastmodified", "lastmodifiedat", "updatedat",
)  # fmt: skip
LANGUAGES = ("lang", "language", "locale")
SUMMARIES = ("summary", "excerpt", "description")
TAGS = ("tags", "tag", "categories", "category", "taxonomies")
ALIASES = ("aliases", "alias", "redirectfrom", "redirects")
AUTHORS = ("author", "authors")
COVERS = ("cover", "coveralt")
PAGES = ("page", "menu", "comments")
USED = {
    "title", "slug", "draft", "views", "translationof", *AUTHORS, *COVERS, *PAGES, *DATES, *PUBLISH_DATES, *UPDATES,
    *EXPIRIES, *LANGUAGES, *TAGS, *ALIASES,
}  # fmt: skip


@dataclass
class Metadata:
    """The parsed front matter of an article. `slug` and `lang` are None if the file does not state them. `cover` is an
    address, or the path of a picture beside the file."""

    title: str | None = None
    slug: str | None = None
    lang: str | None = None
    summary: str = ""
    tags: list[str] = field(default_factory=list)
    is_draft: bool = False
    published_at: datetime | None = None
    updated_at: datetime | None = None
    views: int = 0
    old_slugs: list[str] = field(default_factory=list)
    is_page: bool = False
    in_menu: bool = False
    comments: str = OPEN
    cover: str = ""
    cover_line: int = 1
    cover_alt: str = ""
    translation_of: str = ""
    author: str = ""
    notes: list[Note] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def parse_metadata(matter: FrontMatter, now: datetime, zone: tzinfo = UTC) -> Metadata:
    """Interpret all fields of `matter`; a date without a zone is in `zone`. Raises FrontMatterError for the first
    invalid field."""
    fields = matter.fields
    found = Metadata(
        title=_title(fields.get("title")),
        slug=_slug(fields.get("slug")),
        lang=_lang(_first(fields, LANGUAGES)),
        views=_views(fields.get("views")),
    )
    summary = _first(fields, SUMMARIES)
    if summary:
        if not isinstance(summary.value, str):
            raise FrontMatterError(summary.line, "the summary must be text; put it in quotes.")
        found.summary = " ".join(summary.value.split())
    found.tags = _tags(fields, found.notes)
    _read_dates(fields, found, now, zone)
    _read_aliases(fields, found)
    _read_page(fields, found)
    _read_cover(fields, found)
    found.translation_of = _translation(fields.get("translationof"))
    found.author = _author(_first(fields, AUTHORS), found.notes)
    found.is_draft = is_draft(fields, found.published_at, found.notes, now, zone)
    used = USED | ({normalise(summary.name)} if summary else set())
    found.ignored = [each.name for key, each in fields.items() if key not in used and not is_about_visibility(key)]
    return found


def _first(fields: dict[str, Field], keys: tuple[str, ...]) -> Field | None:
    return next((fields[key] for key in keys if key in fields and fields[key].value is not None), None)


def _title(found: Field | None) -> str | None:
    if found is None or found.value is None:
        return None
    if not isinstance(found.value, str):
        raise FrontMatterError(found.line, 'the title must be text; put it in quotes: `title: "[Notes]"`.')
    title = " ".join(found.value.split())
    if len(title) > TITLE_LENGTH:
        raise FrontMatterError(found.line, f"the title has {len(title)} characters; {TITLE_LENGTH} is the most.")
    return title or None


def _slug(found: Field | None) -> str | None:
    if found is None or found.value is None:
        return None
    if not isinstance(found.value, str) or not is_slug(found.value):
        raise FrontMatterError(
            found.line, "the slug must be lower-case letters, digits and single hyphens: `slug: my-article`."
        )
    return found.value


def _lang(found: Field | None) -> str | None:
    if found is None:
        return None
    lang = re.split(r"[-_.]", found.value.strip().lower())[0] if isinstance(found.value, str) else ""
    lang = {"iw": "he"}.get(lang, lang)
    if lang not in LOCALES:
        raise FrontMatterError(found.line, f"the language must be one of {', '.join(LOCALES)}.")
    return lang


def _views(found: Field | None) -> int:
    if found is None or found.value is None:
        return 0
    text = found.value if isinstance(found.value, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 17 and int(text) < MOST_VIEWS):
        raise FrontMatterError(found.line, "views must be a whole number, 0 or more.")
    return int(text)


def _tags(fields: dict[str, Field], notes: list[Note]) -> list[str]:
    tags: dict[str, str] = {}
    for key in TAGS:
        if key not in fields or fields[key].value is None:
            continue
        each = fields[key]
        value = each.value
        if key == "taxonomies" and isinstance(value, dict):  # Zola
            value = [tag for group in value.values() if isinstance(group, list) for tag in group]
        for tag in _tag_names(each, value, notes):
            tags.setdefault(tag.casefold(), tag)
        if key in {"categories", "category"}:
            notes.append(Note(each.line, f"`{each.name}` are added to the tags"))
    tags.pop("uncategorized", None)
    return list(tags.values())


def _tag_names(found: Field, value: Value, notes: list[Note]) -> list[str]:
    if isinstance(value, str):
        names: list[object] = [*re.split(r"[,;]", value)]
        if len(names) == 1 and " " in value.strip() and found.name.lower() in {"tags", "categories"}:
            listed = ", ".join(value.split())
            notes.append(Note(found.line, f"`{value.strip()}` is read as one tag; for several: `[{listed}]`"))
    elif isinstance(value, list):
        names = [each.get("name") if isinstance(each, dict) else each for each in value]
    else:
        names = [None]
    if not all(isinstance(name, str) for name in names if name is not None) or names == [None]:
        raise FrontMatterError(found.line, "tags must be a list of words: `tags: [garden, autumn]`.")
    return [" ".join(name.split()) for name in names if isinstance(name, str) and name.strip()]


def _read_dates(fields: dict[str, Field], found: Metadata, now: datetime, zone: tzinfo) -> None:
    stated = _first(fields, DATES)
    published = next(
        (each for key in PUBLISH_DATES if (each := fields.get(key)) and not _is_word(key, each.value)), None
    )
    found.published_at = _date(stated, found.notes, zone) if stated else None
    if published:
        moment = _date(published, found.notes, zone)
        # Hugo shows `date` and does not publish the article before `publishDate`.
        if moment and (found.published_at is None or moment > now):
            found.published_at = moment
    updated = _first(fields, UPDATES)
    if updated:
        try:
            found.updated_at = parse_date(updated.value, zone)
        except DateError:
            found.notes.append(Note(updated.line, f"`{updated.name}` is not a date and is ignored"))


def _is_word(key: str, value: Value) -> bool:
    """`published` is a date in some tools and true or false in others."""
    return value is None or (key == "published" and not is_date(value))


def _date(found: Field, notes: list[Note], zone: tzinfo) -> datetime | None:
    if isinstance(found.value, str) and re.fullmatch(r"(git )?(last modified|created)", found.value.strip().lower()):
        notes.append(Note(found.line, f"`{found.value.strip()}` is not a date here; the day of publication is used"))
        return None
    try:
        return parse_date(found.value, zone)
    except DateError as error:
        raise FrontMatterError(found.line, str(error)) from None


def _read_aliases(fields: dict[str, Field], found: Metadata) -> None:
    for each in (fields[key] for key in ALIASES if key in fields):
        for alias in each.value if isinstance(each.value, list) else [each.value]:
            match = re.fullmatch(r"/articles/([^/?#]+)/?", alias) if isinstance(alias, str) else None
            if match and is_slug(match.group(1)):
                found.old_slugs.append(match.group(1))
            elif alias:
                found.notes.append(
                    Note(each.line, f"the old address `{alias}` cannot be redirected; only `/articles/...` can")
                )


def _read_page(fields: dict[str, Field], found: Metadata) -> None:
    """`page: true` makes the article a page, which has no comments by default. Other values of these fields have other
    meanings in other tools (Hugo: `menu: main`)."""
    found.is_page = _word(fields, "page") in TRUE
    found.in_menu = found.is_page and _word(fields, "menu") in TRUE
    comments = _word(fields, "comments")
    if comments == CLOSED:
        found.comments = CLOSED
    elif comments in FALSE or (found.is_page and comments not in TRUE):
        found.comments = NONE


def _word(fields: dict[str, Field], key: str) -> str:
    value = fields[key].value if key in fields else None
    return value.strip().lower() if isinstance(value, str) else ""


def _read_cover(fields: dict[str, Field], found: Metadata) -> None:
    cover, alt = fields.get("cover"), fields.get("coveralt")
    if cover is None or not cover.value:
        return
    if not isinstance(cover.value, str):
        found.notes.append(Note(cover.line, f"`{cover.name}` is left out: it must be the address of one picture"))
        return
    found.cover, found.cover_line = cover.value.strip(), cover.line
    if alt is not None and isinstance(alt.value, str):
        found.cover_alt = " ".join(alt.value.split())


def _translation(found: Field | None) -> str:
    if found is None or not found.value:
        return ""
    slug = found.value.removeprefix("/articles/") if isinstance(found.value, str) else ""
    if not is_slug(slug):
        raise FrontMatterError(
            found.line, "translation_of must be the slug of an article: `translation_of: my-article`."
        )
    return slug


def _author(found: Field | None, notes: list[Note]) -> str:
    """The author's name, or several names separated by commas."""
    if found is None:
        return ""
    values = found.value if isinstance(found.value, list) else [found.value]
    names = [each.get("name") if isinstance(each, dict) else each for each in values]
    if not all(isinstance(name, str) for name in names):
        notes.append(Note(found.line, f"`{found.name}` is left out: it must be a name"))
        return ""
    author = ", ".join(shown for name in names if isinstance(name, str) and (shown := " ".join(name.split())))
    if len(author) > AUTHOR_LENGTH:
        raise FrontMatterError(
            found.line, f"the author's name has {len(author)} characters; {AUTHOR_LENGTH} is the most."
        )
    return author
