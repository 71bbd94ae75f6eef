"""Load what feeds contain, with one or two queries that read ranges of indexes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, defer

from blogapp.articles.authors import author_column
from blogapp.articles.models import NONE, Article, listed
from blogapp.articles.models import PUBLISHED as ARTICLE_PUBLISHED
from blogapp.articles.reading import PublishedArticle, WholeArticle
from blogapp.articles.tags import ArticleTag
from blogapp.comments.models import PUBLISHED, Comment
from blogapp.owners.models import Owner

ARTICLES = 20
# A feed has fewer articles if their texts have more characters than this, so that the page cache can store it.
LONGEST_TEXTS = 400_000
COMMENTS = 50
# Feeds need neither the Markdown nor the digests of comments.
WITHOUT_SOURCE = (defer(Comment.body_source), defer(Comment.body_digest), defer(Comment.digest))
# The latest comments among which those of listed articles are searched.
LATEST_COMMENTS = 1_000

WrittenArticle = tuple[Article, str | None]
CommentOf = tuple[Comment, WholeArticle]


def newest_articles(
    session: Session, now: datetime, lang: str | None = None, tag: str | None = None
) -> list[WrittenArticle]:
    """The newest listed articles, of one language, with one tag (its slug), or all of them, each with the name of its
    author, if it is known."""
    query = (
        select(Article, author_column())
        .outerjoin(Owner, Owner.id == Article.owner_id)
        .options(defer(Article.body_source))
        .limit(ARTICLES)
    )
    if tag is not None:
        query = query.join(ArticleTag, ArticleTag.article_id == Article.id)
        query = query.where(ArticleTag.slug == tag, ArticleTag.published_at <= now)
        query = query.order_by(ArticleTag.published_at.desc(), ArticleTag.article_id.desc())
    else:
        query = query.where(listed(now)).order_by(Article.published_at.desc(), Article.id.desc())
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
    """The newest published comments on articles and pages that are not unlisted, each with its article (without
    text), in two queries."""
    # Not a join: SQLite would begin with all articles and sort all of their comments.
    published = Comment.status == PUBLISHED
    # Pages are in no list, but their comments are.
    is_shown = and_(Article.status == ARTICLE_PUBLISHED, Article.published_at <= now, Article.comments != NONE)
    is_listed = exists().where(Article.id == Comment.article_id, is_shown)
    oldest = select(Comment.id).where(published).order_by(Comment.id.desc()).offset(LATEST_COMMENTS).limit(1)
    query = (
        select(Comment)
        .options(*WITHOUT_SOURCE)
        .where(published, Comment.id > func.coalesce(oldest.scalar_subquery(), 0), is_listed)
        .order_by(Comment.id.desc())
        .limit(COMMENTS)
    )
    comments = session.scalars(query).all()
    without_text = (defer(Article.body_source), defer(Article.body_html))
    wanted = select(Article).options(*without_text).where(Article.id.in_({each.article_id for each in comments}))
    articles = {article.id: article for article in session.scalars(wanted)}
    return [(comment, articles[comment.article_id]) for comment in comments]


def newest_comments_of(session: Session, article: PublishedArticle) -> list[CommentOf]:
    """The newest published comments on one article."""
    query = (
        select(Comment)
        .options(*WITHOUT_SOURCE)
        .where(Comment.article_id == article.id, Comment.status == PUBLISHED)
        .order_by(Comment.id.desc())
        .limit(COMMENTS)
    )
    return [(comment, article) for comment in session.scalars(query)]
