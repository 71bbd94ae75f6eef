"""Atom (RFC 4287), with the extension for threads (RFC 4685)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from blogapp.feeds.feed import Entry, Feed, clean
from blogapp.text.i18n import iso

MIMETYPE = "application/atom+xml"
NAMESPACES = {"xmlns": "http://www.w3.org/2005/Atom", "xmlns:thr": "http://purl.org/syndication/thread/1.0"}


def to_atom(feed: Feed) -> bytes:
    root = Element("feed", {**NAMESPACES, "xml:lang": feed.lang})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    if feed.description:
        _add(root, "subtitle", feed.description)
    _add(root, "updated", iso(feed.updated_at))
    _add_author(root, feed.author)
    _add(root, "link", rel="self", type=MIMETYPE, href=feed.address)
    _add(root, "link", rel="alternate", type="text/html", href=feed.page)
    if feed.hub:
        _add(root, "link", rel="hub", href=feed.hub)
    for entry in feed.entries:
        _add_entry(root, entry)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_entry(root: Element, entry: Entry) -> None:
    element = SubElement(root, "entry", {"xml:lang": entry.lang})
    _add(element, "id", entry.id)
    _add(element, "title", entry.title)
    _add(element, "published", iso(entry.published_at))
    _add(element, "updated", iso(entry.updated_at))
    if entry.author:
        _add_author(element, entry.author)
    _add(element, "link", rel="alternate", type="text/html", href=entry.address)
    if entry.replies:
        _add(element, "link", rel="replies", type=MIMETYPE, href=entry.replies)
    if entry.answers:
        _add(element, "thr:in-reply-to", ref=entry.answers[0], href=entry.answers[1], type="text/html")
    for tag in entry.tags:
        _add(element, "category", term=tag)
    if entry.summary:
        _add(element, "summary", entry.summary)
    _add(element, "content", entry.illustrated_html, type="html")


def _add_author(parent: Element, name: str) -> None:
    _add(SubElement(parent, "author"), "name", name)


def _add(parent: Element, tag: str, text: str = "", **attributes: str) -> None:
    SubElement(parent, tag, {name: clean(value) for name, value in attributes.items()}).text = clean(text) or None
