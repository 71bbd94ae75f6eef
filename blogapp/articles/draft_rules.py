"""Find out from front matter whether an article is a draft.

If a field says or may mean that an article is not public, the article is imported as a draft and a note gives the
reason, so that nothing is published by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo

from blogapp.articles.dates import DateError, is_date, parse_date
from blogapp.articles.front_matter import FALSE, TRUE, Field, FrontMatterError, Note, normalise

EXPIRIES = ("expirydate", "expires", "expiry", "expirationdate", "unpublishdate")
# Names of fields (without a leading "is") that hide an article when they are true, or when they are false.
HIDES_IF_TRUE = re.compile(
    r"privat|draft|hidden|secret|passw|passphrase|protect|member|unlist|restrict|confidential|embargo|visib|expir|"
    r"unpublish|subscriber|premium|encrypt|audience|excludefromcollections|^access|^hidefrom|nonpublic|unreleased|"
    r"^(wip|internal|headless|hide|deleted|trashed|archived|paid)$"
)
HIDES_IF_FALSE = {"published", "public", "publish", "listed", "visible", "permalink", "render", "output"}
STATES = {"status", "poststatus", "state", "visibility", "access", "audience", "publishstatus"}
PUBLIC_STATES = {"published", "publish", "public", "live", "visible", "everyone", "all", "open", "active", "listed"}
SCHEDULED = {"scheduled", "future"}
KINDS = {"layout", "type", "posttype", "kind"}
OTHER_KINDS = {
    "page", "pages", "home", "index", "archive", "archives", "redirect", "about", "attachment", "navmenuitem",
    "revision", "customcss", "wpblock", "category", "tag", "search",
}  # fmt: skip


def is_draft(
    fields: dict[str, Field], published_at: datetime | None, notes: list[Note], now: datetime, zone: tzinfo
) -> bool:
    """Whether one of the fields, including nested ones, hides the article from readers. The reasons are added to
    `notes`. `published_at` is the date in the front matter, if any. Raises FrontMatterError."""
    hidden = [_hides(key, each, published_at, notes, now, zone) for key, each in _flat(fields)]  # with all reasons
    return any(hidden)


def is_about_visibility(key: str) -> bool:
    """Whether a field of this name is about nothing but visibility, so that it is never reported as ignored."""
    key = _without_is(key)
    return key in STATES or HIDES_IF_TRUE.search(key) is not None


def _flat(fields: dict[str, Field]) -> Iterator[tuple[str, Field]]:
    """Yield all fields with their normalised keys, including nested ones (Hugo's `params`, Zola's `extra`)."""
    stack = list(fields.values())[::-1]
    while stack:
        each = stack.pop()
        yield _without_is(normalise(each.name.rpartition(".")[2])), each
        if isinstance(each.value, dict):
            stack += [Field(f"{each.name}.{name}", each.line, value) for name, value in each.value.items()]


def _without_is(key: str) -> str:
    return key[2:] if key.startswith("is") and len(key) > 4 else key


def _hides(
    key: str, each: Field, published_at: datetime | None, notes: list[Note], now: datetime, zone: tzinfo
) -> bool:
    """Whether this field says that the article is not public."""
    if each.value is None:
        return False
    shown = f"`{each.name}: {each.value if isinstance(each.value, str) else '...'}`"
    text = each.value.strip().lower() if isinstance(each.value, str) else ""
    reason = ""
    if key in {"draft", "published"} and "." not in each.name:
        if key == "published" and is_date(text):
            return False
        if text not in TRUE | FALSE:
            raise FrontMatterError(each.line, f"{each.name} must be true or false.")
        if key == "draft":
            return text in TRUE  # needs no note
        reason = shown if text in FALSE else ""
    elif key in EXPIRIES:
        reason = _expiry(each, notes, now, zone)
    elif key in STATES:
        is_scheduled = text in SCHEDULED and published_at is not None
        reason = "" if normalise(text) in PUBLIC_STATES or is_scheduled else shown
    elif key in KINDS:
        reason = f"`{each.name}: {text}` is not an article" if normalise(text) in OTHER_KINDS else ""
    elif key in HIDES_IF_FALSE:
        reason = shown if text in FALSE else ""
    elif HIDES_IF_TRUE.search(key) and text not in FALSE and each.value not in ("", [], {}):
        reason = f"`{each.name}`: articles have no passwords here" if "passw" in key else shown
    if reason:
        notes.append(Note(each.line, f"{reason}: imported as a draft"))
    return bool(reason)


def _expiry(each: Field, notes: list[Note], now: datetime, zone: tzinfo) -> str:
    """Return why an expiry date makes the article a draft, or "". A future date only adds a note that articles do not
    expire."""
    try:
        moment = parse_date(each.value, zone)
    except DateError:
        return f"`{each.name}` is not a date that can be read"
    if moment <= now:
        return f"`{each.name}` has passed"
    sentence = "has no effect: articles do not expire here. On that day, set `draft: true` and import the file again"
    notes.append(Note(each.line, f"`{each.name}: {each.value}` {sentence}"))
    return ""
