"""The language of an error's response: that of the article whose address, or whose comment's address, was requested."""

from __future__ import annotations

from contextlib import suppress

from flask import request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article, visible
from blogapp.comments.models import Comment
from blogapp.db.base import db

# The blueprints with addresses of an article (`slug`) or a comment (`comment_id`) that have its language.
BLUEPRINTS = frozenset({"articles", "comments", "comment_authors", "view_counts"})


def page_language() -> str | None:
    """The language of the requested article, None if no published article has this address or the database fails."""
    if request.blueprint not in BLUEPRINTS:
        return None
    named = request.view_args or {}
    with suppress(SQLAlchemyError):
        return _language(db.session(), named.get("slug"), named.get("comment_id"))
    return None


def _language(session: Session, slug: str | None, comment_id: int | None) -> str | None:
    # Only of what readers see: the language must not reveal a draft.
    language = select(Article.lang).where(visible(clock.now()))
    if comment_id is not None:
        of_comment = select(Comment.article_id).where(Comment.id == comment_id).scalar_subquery()
        return session.scalar(language.where(Article.id == of_comment))
    if slug is None or "\0" in slug:  # PostgreSQL rejects a NUL character
        return None
    return session.scalar(language.where(Article.slug == slug))
