from __future__ import annotations

import math

from flask import Blueprint, render_template, request

from blogapp import clock
from blogapp.articles.reading import find_article, list_articles, next_publication
from blogapp.comments.threads import comment_counts
from blogapp.db.base import db
from blogapp.pages.article_page import render_article_page
from blogapp.view_counts.counting import views_of
from blogapp.view_counts.reports import POPULAR_DAYS, popular
from blogapp.web.converters import whole_number
from blogapp.web.page_cache import SITE, depends_on

bp = Blueprint("articles", __name__)


@bp.get("/")
def index() -> str:
    session, now = db.session(), clock.now()
    next_article = next_publication(session, now)
    depends_on(session, SITE, max_age=(next_article - now).total_seconds() if next_article else math.inf)
    is_first = "before" not in request.args
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
    )


@bp.get("/articles/<slug>")
def show(slug: str) -> str:
    return render_article_page(find_article(db.session(), slug, clock.now()))
