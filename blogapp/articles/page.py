"""The article's page, put together from the features on it; the same for the first visit and for a form come back."""

from __future__ import annotations

from flask import current_app, render_template, request

from blogapp import clock, i18n
from blogapp.articles.models import Article
from blogapp.comments.form_view import FormView
from blogapp.comments.models import Comment
from blogapp.comments.posting import is_closed
from blogapp.comments.threads import conversation_of, load_page
from blogapp.database import db
from blogapp.view_counts.counting import views_of
from blogapp.visitors.cookie import read_token
from blogapp.visitors.identity import hash_token


def render_article_page(
    article: Article, form: FormView | None = None, after: int = 0, at: Comment | None = None
) -> str:
    """The whole page: the article, its counts, a page of comments (behind thread `after`, or around `at`), the form."""
    i18n.speak(article.lang)
    session = db.session()
    token = read_token(request)
    return render_template(
        "articles/show.html",
        article=article,
        views=views_of(session, [article.id])[article.id],
        conversation=conversation_of(session, article.id),
        page=load_page(session, article.id, after, at, hash_token(token) if token else None),
        form=form or FormView.empty(article),
        is_closed=is_closed(article, current_app.config["COMMENT_RULES"], clock.now()),
        is_waiting=request.args.get("notice") == "waiting",
    )
