"""Re-render comments that another version of the renderer has rendered."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from blogapp.text import markup

BATCH = 500


def render_outdated(session: Session) -> Iterator[int]:
    """Re-render all comments that another version of the renderer has rendered, newest first; yields the size of each
    batch. Each batch is written in a separate transaction, so that other writers get the lock in between."""
    outdated = (
        select(Comment.id, Comment.revision, Comment.body_source, Article.lang)
        .join(Article, Article.id == Comment.article_id)
        .where(Comment.renderer_version != markup.RENDERER_VERSION)
        .order_by(Comment.id.desc())
        .limit(BATCH)
    )
    query = outdated
    while rows := session.execute(query).all():
        # Rendering takes most of the time, so it is done before the write lock is taken.
        rendered = [(row, markup.render_comment(row.body_source, row.lang)) for row in rows]
        with write_transaction() as writer:
            for row, html in rendered:
                # A comment edited in the meantime has new HTML already.
                unchanged = update(Comment).where(Comment.id == row.id, Comment.revision == row.revision)
                writer.execute(unchanged.values(body_html=html, renderer_version=markup.RENDERER_VERSION))
        yield len(rows)
        query = outdated.where(Comment.id < rows[-1].id)
