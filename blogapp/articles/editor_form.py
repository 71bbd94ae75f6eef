"""The form of the editor: parse and check its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from blogapp.articles.dates import EARLIEST_YEAR, LATEST_YEAR
from blogapp.articles.editing import Writer
from blogapp.articles.models import ARTICLE, AUTHOR_LENGTH, COMMENTS, PAGE, TITLE_LENGTH
from blogapp.articles.revisions import Content
from blogapp.settings import LOCALES
from blogapp.text.i18n import gettext, number
from blogapp.text.names import is_blank
from blogapp.text.pictures import ADDRESS
from blogapp.text.slugs import SLUG_LENGTH, is_slug

BODY_LENGTH = 1_000_000
SUMMARY_LENGTH = 1_000
TAGS_AT_MOST = 50
TAG_LENGTH = 60
REDIRECT_LENGTH = 500
COVER_ALT_LENGTH = 1_000
KINDS = (ARTICLE, PAGE)
# A form that was sent without them has them unchecked.
CHECKBOXES = ("unlisted", "menu")
LOCAL_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?", re.ASCII)
FORM = re.compile(r"[A-Za-z0-9_-]{10,30}")
REQUEST = re.compile(FORM.pattern + r"\.[0-9]{1,9}")


class FieldError(ValueError):
    """The message is already translated."""


@dataclass
class EditorForm:
    """The fields as they were typed, and the content made of them. `errors` maps the names of fields to messages; a
    field with an error has the stored value in `content`."""

    fields: dict[str, str]
    content: Content
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def redirect_to(self) -> str | None:
        return self.fields["redirect_to"] or None

    def check_complete(self) -> None:
        """Add errors for what an article needs to be published."""
        if is_blank(self.fields["title"]):
            self.errors.setdefault("title", gettext("Enter a title."))
        if is_blank(self.fields["body"]):
            self.errors.setdefault("body", gettext("Write some text first."))


def fields_of(content: Content, zone: ZoneInfo) -> dict[str, str]:
    """The fields of a form that shows `content`."""
    when = content.published_at
    return {
        "title": content.title,
        "body": content.body_source,
        "slug": content.slug,
        "lang": content.lang,
        "summary": content.summary,
        "tags": ", ".join(content.tags),
        "published_at": f"{when.astimezone(zone):%Y-%m-%dT%H:%M}" if when else "",
        "unlisted": "1" if content.is_unlisted else "",
        "author": str(content.author_id or ""),
        "author_name": content.author_name,
        "kind": content.kind,
        "menu": "1" if content.in_menu else "",
        "comments": content.comments,
        "cover": content.cover,
        "cover_alt": content.cover_alt,
        "translation_of": content.translation_of,
        "redirect_to": "",
    }


def parse_form(
    sent: Mapping[str, str],
    stored: Content,
    zone: ZoneInfo,
    owner_ids: set[int],
    has_picture: Callable[[str], bool] = lambda address: False,
) -> EditorForm:
    """Check the fields of a form that was sent; those that are missing keep the value of `stored`. `has_picture` says
    whether the library has a picture with this address."""
    shown = fields_of(stored, zone)
    fields = {name: sent.get(name, "" if name in CHECKBOXES and sent else value) for name, value in shown.items()}
    fields = {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in fields.items()}
    form = EditorForm(fields, stored)

    def read(name: str, attribute: str, value: object) -> None:
        form.content = replace(form.content, **{attribute: value})  # type: ignore[arg-type]

    parsers: dict[str, tuple[str, Callable[[], object]]] = {
        "title": ("title", lambda: _title(fields["title"])),
        "body": ("body_source", lambda: _limited(fields["body"], BODY_LENGTH)),
        "slug": ("slug", lambda: _slug(fields["slug"], stored.slug)),
        "lang": ("lang", lambda: _lang(fields["lang"])),
        "summary": ("summary", lambda: _limited(" ".join(fields["summary"].split()), SUMMARY_LENGTH)),
        "tags": ("tags", lambda: _tags(fields["tags"])),
        "published_at": (
            "published_at",
            lambda: _date(fields["published_at"], shown["published_at"], stored.published_at, zone),
        ),
        "unlisted": ("is_unlisted", lambda: bool(fields["unlisted"])),
        "kind": ("is_page", lambda: _choice(fields["kind"], KINDS) == PAGE),
        "menu": ("in_menu", lambda: bool(fields["menu"])),
        "comments": ("comments", lambda: _choice(fields["comments"], COMMENTS)),
        "cover": ("cover", lambda: _cover(fields["cover"], stored.cover, has_picture)),
        "cover_alt": ("cover_alt", lambda: _limited(" ".join(fields["cover_alt"].split()), COVER_ALT_LENGTH)),
        "translation_of": ("translation_of", lambda: _translation(fields["translation_of"])),
        "author": ("author_id", lambda: _author(fields["author"], owner_ids, stored.author_id)),
        "author_name": ("author_name", lambda: _limited(" ".join(fields["author_name"].split()), AUTHOR_LENGTH)),
    }
    for name, (attribute, parse) in parsers.items():
        try:
            read(name, attribute, parse())
        except FieldError as error:
            form.errors[name] = str(error)
    try:
        fields["redirect_to"] = _redirect(fields["redirect_to"])
    except FieldError as error:
        form.errors["redirect_to"] = str(error)
    return form


def writer_of(sent: Mapping[str, str], owner_id: int, new_form: str) -> Writer:
    """Who saves. A form without a mark of its own gets `new_form`."""
    form, continued = sent.get("editor", ""), sent.get("continued", "")
    return Writer(
        owner_id,
        form if FORM.fullmatch(form) else new_form,
        _number(sent, "revision"),
        _number(sent, "sequence"),
        continued if REQUEST.fullmatch(continued) else "",
    )


def _number(sent: Mapping[str, str], name: str) -> int:
    text = sent.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _title(text: str) -> str:
    return _limited(" ".join(text.split()), TITLE_LENGTH)


def _limited(text: str, most: int) -> str:
    if len(text) > most:
        raise FieldError(
            gettext("This is too long: %(length)s characters; %(most)s are allowed.")
            % {"length": number(len(text)), "most": number(most)}
        )
    return text


def _slug(text: str, stored: str) -> str:
    slug = text.strip().lower()
    # Imported articles may have slugs that would not be accepted here.
    if slug and slug != stored and not is_slug(slug):
        raise FieldError(
            gettext("Use only the letters a to z, digits and single hyphens, at most %(most)s characters.")
            % {"most": SLUG_LENGTH}
        )
    return slug


def _lang(text: str) -> str:
    if text not in LOCALES:
        raise FieldError(gettext("Choose a language."))
    return text


def _tags(text: str) -> tuple[str, ...]:
    names = [" ".join(name.split()) for name in re.split("[,;،]", text)]
    tags = {name.casefold(): name for name in reversed(names) if name}
    if len(tags) > TAGS_AT_MOST or any(len(tag) > TAG_LENGTH for tag in tags):
        raise FieldError(
            gettext("At most %(count)s tags of %(length)s characters each, separated by commas.")
            % {"count": TAGS_AT_MOST, "length": TAG_LENGTH}
        )
    return tuple(reversed(tags.values()))


def _date(text: str, shown: str, stored: datetime | None, zone: ZoneInfo) -> datetime | None:
    """The time on the clocks of `zone`, as a time in UTC. A time that was not changed keeps its seconds."""
    text = text.strip()
    if text == shown:
        return stored
    if not text:
        return None
    found = LOCAL_TIME.fullmatch(text)
    if found is None or not EARLIEST_YEAR <= int(found[1]) <= LATEST_YEAR:
        raise FieldError(gettext("Enter a date and a time, such as 2026-11-23 09:30."))
    try:
        year, month, day, hour, minute = map(int, found.groups())
        local = datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        raise FieldError(gettext("There is no such date or time.")) from None
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise FieldError(gettext("There is no such time on that day, because the clocks are put forward."))
    return moment


def _author(text: str, owner_ids: set[int], stored: int | None) -> int | None:
    author = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
    if author is not None and author not in owner_ids and author != stored:
        raise FieldError(gettext("Choose an author."))
    return author


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise FieldError(gettext("Choose one of the options."))
    return text


def _cover(text: str, stored: str, has_picture: Callable[[str], bool]) -> str:
    """The address of a picture of the library, also out of Markdown or a whole URL."""
    found = ADDRESS.search(text)
    if not found:
        if text.strip():
            raise FieldError(gettext("Choose one of your pictures."))
        return ""
    if found[0] != stored and not has_picture(found[0]):
        raise FieldError(gettext("This picture is not in the library."))
    return found[0]


def _translation(text: str) -> str:
    """The slug of an article, also out of its address."""
    return text.strip().rstrip("/").rpartition("/")[2][:SLUG_LENGTH]


def _redirect(text: str) -> str:
    """A path of this site, or a URL."""
    address = text.strip()
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_url = False
    is_path = re.match(r"/(?![/\\])", address) is not None
    if len(address) > REDIRECT_LENGTH or not (is_url or is_path) or re.search(r"[\s\\\x00-\x20\x7f]", address):
        raise FieldError(gettext("Enter a path such as /articles/other, or an address such as https://example.org."))
    return address
