"""Remove the demo content, and nothing else: what was created is recorded by id (`models.py`)."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRevision
from blogapp.articles.translations import give_up_groups
from blogapp.comments.models import Comment
from blogapp.demo.models import DemoArticleRecord, DemoCommentRecord
from blogapp.values import frozen
from blogapp.view_counts.models import ViewMark


@frozen
class DemoContent:
    """The demo articles that are left: those to remove, with the number of comments that were added to them since, and
    those that the owner has changed, which are kept."""

    articles: list[Article]
    added_comments: int
    changed: list[Article]


def find_demo(session: Session) -> DemoContent:
    """What is left of the demo content, in three queries."""
    query = select(Article, DemoArticleRecord.digest).join(
        DemoArticleRecord, DemoArticleRecord.article_id == Article.id
    )
    rows = session.execute(query.order_by(Article.id)).all()
    edited = set(session.scalars(select(ArticleRevision.article_id).distinct()))
    # An edit that is not published yet is only in the revisions.
    unchanged = [each for each, digest in rows if digest_of(each) == digest and each.id not in edited]
    changed = [each for each, _ in rows if each not in unchanged]
    added = (
        select(func.count())
        .select_from(Comment)
        .outerjoin(DemoCommentRecord, DemoCommentRecord.comment_id == Comment.id)
        .where(Comment.article_id.in_([article.id for article in unchanged]), DemoCommentRecord.comment_id.is_(None))
    )
    return DemoContent(unchanged, (session.scalar(added) or 0) if unchanged else 0, changed)


def has_demo(session: Session) -> bool:
    """Whether any demo article is left."""
    return session.scalar(select(DemoArticleRecord.article_id).limit(1)) is not None


def remove_demo(session: Session) -> DemoContent:
    """Delete the demo articles with all their comments and views. Those that the owner has changed are kept, and are no
    longer demo content. Returns what was found. A write transaction with `Changes.EVERYTHING` must be open, and
    articles locked."""
    found = find_demo(session)
    ids = [article.id for article in found.articles]
    is_demo = Article.id.in_(ids)
    # SQLite gives the id of a deleted article to a new one, which today's readers have not viewed.
    session.execute(delete(ViewMark).where(ViewMark.article_id.in_(ids)))
    give_up_groups(session, is_demo)
    session.execute(delete(Article).where(is_demo))
    session.execute(delete(DemoArticleRecord))
    session.execute(delete(DemoCommentRecord))
    return found


def digest_of(article: Article) -> bytes:
    """A digest of what an owner can change in an article."""
    fields = (article.title, article.slug, article.lang, article.summary, article.body_source)
    return hashlib.sha256("\0".join(fields).encode()).digest()
