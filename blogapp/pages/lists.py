"""Lists of articles: each article on a card, with its view and comment counts."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from blogapp.articles.reading import ArticleList
from blogapp.comments.threads import comment_counts
from blogapp.view_counts.counting import views_of


def cards_of(session: Session, listed: ArticleList) -> dict[str, Any]:
    """The variables of `articles/_cards.html`."""
    ids = [article.id for article in listed.articles]
    return {"listed": listed, "views": views_of(session, ids), "comment_counts": comment_counts(session, ids)}
