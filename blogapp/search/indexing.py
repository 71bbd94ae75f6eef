"""Index articles and comments that are not in the search index, or are in it with other terms than this version makes:
after an upgrade and after the restoration of a backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from blogapp.articles.models import PUBLIC, Article
from blogapp.articles.publishing import lock_articles, search_entry
from blogapp.comments.models import PUBLISHED, Comment
from blogapp.db.content_versions import Changes
from blogapp.db.search_index import Entry, SearchArticle, SearchComment, entry_of_comment, put_article, put_comment
from blogapp.db.transactions import write_transaction
from blogapp.text import markup
from blogapp.text.search_terms import TERMS_VERSION

# Texts indexed in one transaction, which blocks other writers for about 0.1 s.
ARTICLES = 10
COMMENTS = 200

# Only published texts are indexed when they are written, so only they can be missing. They are found by the indexes of
# both tables, without reading a text.
MISSING_ARTICLES = (
    select(Article.id)
    .outerjoin(SearchArticle, SearchArticle.article_id == Article.id)
    .where(Article.status.in_(PUBLIC), or_(SearchArticle.version.is_(None), SearchArticle.version != TERMS_VERSION))
    .order_by(Article.id.desc())
)
MISSING_COMMENTS = (
    select(Comment.id)
    .outerjoin(SearchComment, SearchComment.comment_id == Comment.id)
    .where(Comment.status == PUBLISHED, or_(SearchComment.version.is_(None), SearchComment.version != TERMS_VERSION))
    .order_by(Comment.id.desc())
)


def is_incomplete(session: Session) -> bool:
    """Whether a published article or comment is missing from the index or outdated."""
    return any(session.scalar(select(exists(query))) for query in (MISSING_ARTICLES, MISSING_COMMENTS))


def index_articles(session: Session) -> Iterator[int]:
    """Index the missing and outdated articles, newest first; yields the size of each batch. Each batch is a separate
    transaction, so that other writers get the lock in between. Call this after the rendering of outdated HTML."""
    return _in_batches(session, MISSING_ARTICLES, Article.id, ARTICLES, _index_articles)


def index_comments(session: Session) -> Iterator[int]:
    """Like `index_articles`, for comments."""
    return _in_batches(session, MISSING_COMMENTS, Comment.id, COMMENTS, _index_comments)


def _in_batches(
    session: Session, missing: Select[int], key: Any, size: int, index: Callable[[list[int]], None]
) -> Iterator[int]:
    query = missing.limit(size)
    while ids := list(session.scalars(query)):
        index(ids)
        session.expunge_all()  # do not keep all texts of a large blog in memory
        yield len(ids)
        query = missing.where(key < ids[-1]).limit(size)


def _index_articles(ids: list[int]) -> None:
    with write_transaction(Changes.NOTHING) as writer:
        lock_articles(writer)
        for article in writer.scalars(select(Article).where(Article.id.in_(ids), Article.status.in_(PUBLIC))):
            put_article(writer, search_entry(article))


def _index_comments(ids: list[int]) -> None:
    published = select(Comment.id, Comment.body_html).where(Comment.id.in_(ids), Comment.status == PUBLISHED)
    with write_transaction(Changes.NOTHING) as writer:
        # Locked, because a comment that is hidden meanwhile must not come back.
        for row in writer.execute(published.with_for_update(key_share=True)).all():
            put_comment(writer.connection(), _entry(row.id, row.body_html))


def _entry(comment_id: int, body_html: str) -> Entry:
    return entry_of_comment(comment_id, markup.plain_text(body_html))
