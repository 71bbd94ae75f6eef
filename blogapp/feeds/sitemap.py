"""The sitemap (https://www.sitemaps.org/protocol.html) and robots.txt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Blueprint, Response, request, url_for
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.models import PAGE, PUBLISHED, Article, listed
from blogapp.articles.reading import WITHOUT_TEXT, depends_on_lists
from blogapp.articles.tags import ArticleTag
from blogapp.db.base import db
from blogapp.text.i18n import iso
from blogapp.web.errors import NotFound
from blogapp.web.page_cache import SITE, depends_on

bp = Blueprint("sitemap", __name__)

MIMETYPE = "application/xml"
NAMESPACE = {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"}
# The number of addresses from which the sitemap is an index of parts.
LARGEST = 10_000
# Part 2 has the articles with the first PART ids, part 3 the next ones, so that a new article changes one part. Part 1
# has all other addresses.
PART = 2_500
MOST_PARTS = 50_000  # an index cannot have more

# Paths that search engines should not request: pages of owners, replies and other forms, previews, search results, and
# the same comments in another order.
DISALLOWED = (
    "/owner$",
    "/owner/",
    "/moderate/",  # reserved for links in e-mails to owners; there is no such route yet
    "/drafts/",
    "/comments/",
    "/search?q=",
    "/articles/*/views",
    "/*?sort=",
    "/*&sort=",
    "/*?at=",
    "/*&at=",
    "/*?since=",
    "/*?notice=",
    "/*&notice=",
)

Address = tuple[str, datetime | None]


@bp.get("/sitemap.xml")
def show() -> Response:
    """All addresses, or from LARGEST on an index of the parts."""
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    others = _other_addresses(session, now)
    count = session.scalar(select(func.count()).where(listed(now))) or 0
    if count + len(others) < LARGEST:
        return _answer("urlset", "url", [*others, *_articles(session, listed(now))])
    changed = func.max(func.coalesce(Article.updated_at, Article.first_published_at, Article.published_at))
    part = ((Article.id - 1) // PART + 2).label("part")
    parts = select(part, changed).where(listed(now)).group_by("part").order_by("part")
    found = [(1, None), *((number, changed_at) for number, changed_at in session.execute(parts))]
    return _answer(
        "sitemapindex",
        "sitemap",
        ((url_for("sitemap.show_part", part=number, _external=True), changed_at) for number, changed_at in found),
    )


@bp.get("/sitemap-<id:part>.xml")
def show_part(part: int) -> Response:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    if part == 1:
        return _answer("urlset", "url", _other_addresses(session, now))
    if part > MOST_PARTS:
        raise NotFound
    first = (part - 2) * PART + 1
    addresses = _articles(session, and_(listed(now), Article.id.between(first, first + PART - 1)))
    if not addresses:
        raise NotFound
    return _answer("urlset", "url", addresses)


@bp.get("/robots.txt")
def robots() -> Response:
    depends_on(db.session(), SITE)
    lines = [
        "User-agent: *",
        *(f"Disallow: {request.script_root}{path}" for path in DISALLOWED),
        "",
        f"Sitemap: {url_for('sitemap.show', _external=True)}",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _other_addresses(session: Session, now: datetime) -> list[Address]:
    """The addresses that are no articles."""
    site = [url_for(name, _external=True) for name in ("articles.index", "articles.archive", "tags.index")]
    is_page = and_(Article.kind == PAGE, Article.status == PUBLISHED, Article.published_at <= now)
    pages = select(Article).options(*WITHOUT_TEXT).where(is_page)
    tags = select(ArticleTag.slug).where(ArticleTag.published_at <= now).distinct().order_by(ArticleTag.slug)
    return [
        *((address, None) for address in site),
        *(
            (article_url(page, _external=True), _changed_at(page))
            for page in sorted(session.scalars(pages.limit(PART)), key=attrgetter("id"))
        ),
        *((f"{request.root_url}tags/{quote(slug)}", None) for slug in session.scalars(tags.limit(PART))),
    ]


def _changed_at(article: Article) -> datetime:
    return max(article.public_since, article.updated_at or article.public_since)


def _articles(session: Session, condition: ColumnElement[bool]) -> list[Address]:
    query = select(Article.slug, Article.published_at, Article.first_published_at, Article.updated_at).where(condition)
    # url_for() would take most of the time of 10,000 addresses.
    return [
        (f"{request.root_url}articles/{quote(slug)}", max(filter(None, dates)))
        for slug, *dates in session.execute(query.order_by(Article.published_at, Article.id))
    ]


def _answer(root: str, element: str, addresses: Iterable[Address]) -> Response:
    document = Element(root, NAMESPACE)
    for address, changed_at in addresses:
        entry = SubElement(document, element)
        SubElement(entry, "loc").text = address
        if changed_at is not None:
            SubElement(entry, "lastmod").text = iso(changed_at)
    return Response(tostring(document, encoding="utf-8", xml_declaration=True), mimetype=MIMETYPE)
