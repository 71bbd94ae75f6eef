from __future__ import annotations

from itertools import groupby

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.reading import PublishedArticle, count_by_language, depends_on_lists, find_article, list_articles
from blogapp.articles.years import count_by_year, list_year
from blogapp.db.base import db
from blogapp.pages.article_page import render_article_page
from blogapp.pages.lists import cards_of
from blogapp.pages.structured_data import describe_site
from blogapp.site.footer import render_about
from blogapp.site.settings import current_site, site_zone
from blogapp.text import i18n
from blogapp.view_counts.reports import POPULAR_DAYS, popular
from blogapp.web.converters import cursor, whole_number
from blogapp.web.errors import NotFound

bp = Blueprint("articles", __name__)

Answer = Response | str


@bp.get("/")
def index() -> str:
    """The newest articles, with `?lang=` those in one language, if there are several. That page is in this language."""
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    languages = count_by_language(session, now)
    asked = request.args.get("lang", "")
    lang = asked if asked in languages and len(languages) > 1 else None
    if lang is not None:
        i18n.set_locale(lang)
    site, before = current_site(), cursor()
    is_first = before is None
    listed = list_articles(session, now, before=before, lang=lang)
    address = url_for("articles.index", _external=True)
    return render_template(
        "articles/index.html",
        **cards_of(session, listed),
        languages=languages,
        lang=lang,
        total=sum(languages.values()) if lang is None else languages[lang],
        popular=popular(session, now, lang=lang) if is_first else [],
        popular_days=POPULAR_DAYS,
        is_first=is_first,
        before=before,
        description_of_site=describe_site(site, address, url_for("search.show", _external=True)),
        about=render_about(site.about, site.locale) if is_first and site.about else "",
    )


@bp.get("/archive")
def archive() -> str:
    """The articles of one year, by default the newest one."""
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    years = count_by_year(session, now, zone := site_zone())
    year = request.args.get("year", next(iter(years), None), type=whole_number)
    if year not in years and "year" in request.args:
        raise NotFound
    before = cursor()
    listed = list_year(session, year, now, zone, before) if year else None
    months = groupby(listed.articles if listed else [], key=lambda article: i18n.local(article.published_at).month)
    return render_template(
        "articles/archive.html",
        years=years,
        year=year,
        listed=listed,
        months=[list(articles) for _, articles in months],
        total=years.get(year or 0, 0),
        is_first=before is None,
        before=before,
    )


@bp.get("/articles/<slug>")
def show(slug: str) -> Answer:
    return _show(find_article(db.session(), slug, clock.now()), is_page=False)


@bp.get("/<slug>")
def show_page(slug: str) -> Answer:
    """A page that is no article, such as "About"."""
    return _show(find_article(db.session(), slug, clock.now()), is_page=True)


def _show(article: PublishedArticle, is_page: bool) -> Answer:
    if article.is_page != is_page:  # an article can become a page; its old address then redirects
        query = request.query_string.decode("latin-1")
        return redirect(article_url(article) + (f"?{query}" if query else ""), 301)
    return render_article_page(article)
