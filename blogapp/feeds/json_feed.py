"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from typing import Any

from blogapp.feeds.feed import Entry, Feed, clean
from blogapp.text.i18n import iso

MIMETYPE = "application/feed+json"


def to_json(feed: Feed) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": clean(feed.title),
        "home_page_url": feed.page,
        "feed_url": feed.address,
        "description": clean(feed.description),
        "language": feed.lang,
        "authors": _authors(feed.author),
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else [],
        "items": [_item(entry) for entry in feed.entries],
    }
    return json.dumps(_without_empty(document), ensure_ascii=False).encode()


def _item(entry: Entry) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "url": entry.address,
        "title": clean(entry.title),
        "content_html": clean(entry.illustrated_html),
        "image": entry.picture,
        "summary": clean(entry.summary),
        "date_published": iso(entry.published_at),
        "date_modified": iso(entry.updated_at),
        "authors": _authors(entry.author),
        "tags": [clean(tag) for tag in entry.tags],
        "language": entry.lang,
    }
    # An item must have a content, even an empty one.
    return {"content_html": "", **_without_empty(item)}


def _authors(name: str) -> list[dict[str, str]]:
    return [{"name": clean(name)}] if name else []


def _without_empty(members: dict[str, Any]) -> dict[str, Any]:
    """Optional members are left out if they are empty, except the list of items."""
    return {name: value for name, value in members.items() if value or name == "items"}
