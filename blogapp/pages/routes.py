from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from blogapp import clock
from blogapp.articles.reading import depends_on_lists, find_article, list_articles
from blogapp.comments.threads import comment_counts
from blogapp.db.base import db
from blogapp.pages.article_page import render_article_page
from blogapp.pages.structured_data import describe_site
from blogapp.site.footer import render_about
from blogapp.site.settings import current_site
from blogapp.view_counts.counting import views_of
from blogapp.view_counts.reports import POPULAR_DAYS, popular
from blogapp.web.converters import whole_number

bp = Blueprint("articles", __name__)


@bp.get("/")
def index() -> str:
    session, now = db.session(), clock.now()
    depends_on_lists(session, now)
    site, is_first = current_site(), "before" not in request.args
    listed = list_articles(session, now, before=request.args.get("before", type=whole_number))
    ids = [article.id for article in listed.articles]
    return render_template(
        "articles/index.html",
        listed=listed,
        views=views_of(session, ids),
        comment_counts=comment_counts(session, ids),
        popular=popular(session, now) if is_first else [],
        popular_days=POPULAR_DAYS,
        is_first=is_first,
        description_of_site=describe_site(site, url_for("articles.index", _external=True)),
        about=render_about(site.about, site.locale) if is_first and site.about else "",
    )


@bp.get("/articles/<slug>")
def show(slug: str) -> str:
    return render_article_page(find_article(db.session(), slug, clock.now()))
