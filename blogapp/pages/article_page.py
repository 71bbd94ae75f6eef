"""The article's page, put together from the features on it; the same for the first visit and for a form come back."""

from __future__ import annotations

from flask import current_app, render_template, request

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.form_view import FormView
from blogapp.comments.models import Comment
from blogapp.comments.permissions import current_author
from blogapp.comments.posting import is_closed
from blogapp.comments.threads import SORTS, conversation_of, load_elsewhere, load_page
from blogapp.db.base import db
from blogapp.text import i18n
from blogapp.view_counts.counting import views_of


def render_article_page(
    article: Article, form: FormView | None = None, cursor: str = "", at: Comment | None = None
) -> str:
    """The whole page: the article, its counts, a page of comments (behind `cursor`, or around `at`), the form."""
    i18n.speak(article.lang)
    session = db.session()
    sort = asked_sort()
    page = load_page(session, article.id, sort, cursor, at, current_author().token_hash)
    return render_template(
        "articles/show.html",
        article=article,
        views=views_of(session, [article.id])[article.id],
        conversation=conversation_of(session, article.id),
        page=page,
        elsewhere=load_elsewhere(session, article.id, page),
        form=form or FormView.empty(article),
        sort=sort,
        is_closed=is_closed(article, current_app.config["COMMENT_RULES"], clock.now()),
        is_waiting=request.args.get("notice") == "waiting",
    )


def asked_sort() -> str:
    """The order of threads that the address asks for; the usual one for what is none."""
    sort = request.args.get("sort", SORTS[0])
    return sort if sort in SORTS else SORTS[0]
