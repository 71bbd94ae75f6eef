"""The feeds: Atom for articles (all, or of one language) and comments (all, or of one article), JSON Feed for articles.

A feed is the same for all readers and comes from the page cache, which also sets its ETag.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.covers import cover_of
from blogapp.articles.models import NONE, Article
from blogapp.articles.reading import WholeArticle, depends_on_lists, find_article
from blogapp.articles.tags import find_tag
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.feeds import atom, json_feed
from blogapp.feeds.atom import to_atom
from blogapp.feeds.feed import Entry, Feed, permanent_id
from blogapp.feeds.json_feed import to_json
from blogapp.feeds.reading import newest_articles, newest_comments, newest_comments_of
from blogapp.settings import LOCALES
from blogapp.site.settings import current_site
from blogapp.text import i18n
from blogapp.text.i18n import gettext
from blogapp.text.markup import absolute_links
from blogapp.web.errors import NotFound
from blogapp.web.page_cache import depends_on

bp = Blueprint("feeds", __name__)

LARGEST_COVER = 960


@bp.get("/feed.xml")
def articles() -> Response:
    return Response(to_atom(_articles("feeds.articles")), mimetype=atom.MIMETYPE)


@bp.get("/feed.json")
def articles_json() -> Response:
    return Response(to_json(_articles("feeds.articles_json")), mimetype=json_feed.MIMETYPE)


@bp.get("/tags/<slug>/feed.xml")
def tag(slug: str) -> Response:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    found, site = find_tag(session, slug, now), current_site()
    feed = Feed(
        id=permanent_id(f"tag/{slug}"),
        title=f"{found.name} – {site.title}",
        description="",
        lang=i18n.current_locale(),
        page=url_for("tags.show", slug=slug, _external=True),
        address=url_for("feeds.tag", slug=slug, _external=True),
        author=site.title,
        hub=current_app.config["WEBSUB_HUB"],
        entries=[_article_entry(article, author) for article, author in newest_articles(session, now, tag=slug)],
    )
    return Response(to_atom(feed), mimetype=atom.MIMETYPE)


@bp.get("/comments.xml")
def comments() -> Response:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    site = current_site()
    feed = Feed(
        id=permanent_id("comments"),
        title=f"{gettext('Comments')} – {site.title}",
        description="",
        lang=i18n.current_locale(),
        page=url_for("articles.index", _external=True),
        address=url_for("feeds.comments", _external=True),
        author=site.title,
        hub=current_app.config["WEBSUB_HUB"],
        entries=[_comment_entry(comment, article) for comment, article in newest_comments(session, now)],
    )
    return Response(to_atom(feed), mimetype=atom.MIMETYPE)


@bp.get("/articles/<slug>/comments.xml")
def article_comments(slug: str) -> Response:
    session = db.session()
    article = find_article(session, slug, clock.now())
    if article.comments == NONE:
        raise NotFound
    depends_on(session, article.id)
    i18n.set_locale(article.lang)
    feed = Feed(
        id=permanent_id(f"article/{article.id}/comments"),
        title=gettext("Comments on “%(title)s”") % {"title": article.title},
        description="",
        lang=article.lang,
        page=f"{address_of(article)}#comments",
        address=url_for("feeds.article_comments", slug=slug, _external=True),
        author=current_site().title,
        hub=current_app.config["WEBSUB_HUB"],
        entries=[_comment_entry(comment, article) for comment, article in newest_comments_of(session, article)],
    )
    return Response(to_atom(feed), mimetype=atom.MIMETYPE)


# Addresses that feed readers try, or that other programs had.
@bp.get("/feed", strict_slashes=False)
@bp.get("/rss", strict_slashes=False)
@bp.get("/rss.xml")
@bp.get("/atom.xml")
@bp.get("/index.xml")
def old_address() -> WerkzeugResponse:
    return redirect(url_for("feeds.articles"), 301)


def _articles(endpoint: str) -> Feed:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    lang = request.args.get("lang")
    if lang is not None:
        if lang not in LOCALES:
            raise NotFound
        i18n.set_locale(lang)
    site = current_site()
    return Feed(
        id=permanent_id(f"articles/{lang}" if lang else "articles"),
        title=f"{site.title} – {i18n.language_name(lang)}" if lang else site.title,
        description=site.description,
        lang=i18n.current_locale(),
        page=url_for("articles.index", lang=lang, _external=True),
        address=url_for(endpoint, lang=lang, _external=True),
        author=site.title,
        hub=current_app.config["WEBSUB_HUB"],
        entries=[_article_entry(article, author) for article, author in newest_articles(session, now, lang)],
    )


def _article_entry(article: Article, author: str | None) -> Entry:
    address = address_of(article)
    root = request.root_url.rstrip("/")
    cover = cover_of(article)
    return Entry(
        id=permanent_id(f"article/{article.id}"),
        address=address,
        title=article.title,
        lang=article.lang,
        html=absolute_links(article.body_html, address, root, request.script_root),
        published_at=article.published_at,
        updated_at=max(article.public_since, article.updated_at or article.public_since),
        author=author or "",
        summary=article.summary,
        tags=tuple(str(tag) for tag in article.tags),
        replies=_comments_of(article) if article.comments != NONE else "",
        picture=cover.url(root, LARGEST_COVER) if cover else "",
        picture_alt=cover.alt if cover else "",
    )


def _comments_of(article: Article) -> str:
    return url_for("feeds.article_comments", slug=article.slug, _external=True)


def _comment_entry(comment: Comment, article: WholeArticle) -> Entry:
    parent = comment.parent_id
    title = i18n.catalogue(article.lang).gettext("%(name)s on “%(title)s”")
    return Entry(
        id=permanent_id(f"comment/{comment.id}"),
        address=_address_of_comment(comment.id),
        title=title % {"name": comment.author_name, "title": article.title},
        lang=article.lang,
        html=comment.body_html,
        published_at=comment.created_at,
        updated_at=max(comment.created_at, comment.edited_at or comment.created_at),
        author=comment.author_name,
        answers=(permanent_id(f"comment/{parent}"), _address_of_comment(parent)) if parent else None,
    )


def address_of(article: WholeArticle) -> str:
    """The article's absolute address."""
    return article_url(article, _external=True)


def _address_of_comment(comment_id: int) -> str:
    return f"{request.root_url}comments/{comment_id}"
