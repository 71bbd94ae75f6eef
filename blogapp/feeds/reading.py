"""Load what feeds contain: one query for a feed, which reads a range of an index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, defer

from blogapp.articles.models import Article, listed
from blogapp.comments.models import PUBLISHED, Comment
from blogapp.comments.threads import WITHOUT_SOURCE
from blogapp.owners.models import Owner

ARTICLES = 20
# A feed has fewer articles if their texts have more characters than this, so that the page cache can store it.
LONGEST_TEXTS = 400_000
COMMENTS = 50
# The latest comments among which those of listed articles are searched.
LATEST_COMMENTS = 1_000

WrittenArticle = tuple[Article, str | None]
CommentOf = tuple[Comment, Article]


def newest_articles(session: Session, now: datetime, lang: str | None = None) -> list[WrittenArticle]:
    """The newest listed articles, of one language or of all, each with the name of its author, if it is known."""
    query = (
        select(Article, Owner.name)
        .outerjoin(Owner, Owner.id == Article.owner_id)
        .options(defer(Article.body_source))
        .where(listed(now))
        .order_by(Article.published_at.desc(), Article.id.desc())
        .limit(ARTICLES)
    )
    if lang is not None:
        query = query.where(Article.lang == lang)
    return _within_limit((article, name) for article, name in session.execute(query))


def _within_limit(found: Iterable[WrittenArticle]) -> list[WrittenArticle]:
    kept: list[WrittenArticle] = []
    length = 0
    for article, name in found:
        length += len(article.body_html)
        if kept and length > LONGEST_TEXTS:
            break
        kept.append((article, name))
    return kept


def newest_comments(session: Session, now: datetime) -> list[CommentOf]:
    """The newest published comments on listed articles, each with its article (without text)."""
    latest = select(Comment.id).where(Comment.status == PUBLISHED).order_by(Comment.id.desc()).limit(LATEST_COMMENTS)
    query = (
        select(Comment, Article)
        .options(*WITHOUT_SOURCE, defer(Article.body_source), defer(Article.body_html))
        .join(Article, and_(Article.id == Comment.article_id, listed(now)))
        .where(Comment.id.in_(latest))
        .order_by(Comment.id.desc())
        .limit(COMMENTS)
    )
    return [(comment, article) for comment, article in session.execute(query)]


def newest_comments_of(session: Session, article: Article) -> list[CommentOf]:
    """The newest published comments on one article."""
    query = (
        select(Comment)
        .options(*WITHOUT_SOURCE)
        .where(Comment.article_id == article.id, Comment.status == PUBLISHED)
        .order_by(Comment.id.desc())
        .limit(COMMENTS)
    )
    return [(comment, article) for comment in session.scalars(query)]
