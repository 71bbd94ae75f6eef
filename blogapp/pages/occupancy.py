"""What a blog has that an import or a restore would delete."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from blogapp.articles.models import DELETED, Article
from blogapp.media.models import Picture

ARTICLES, BIN, PICTURES = "articles", "bin", "pictures"


def content_in_use(session: Session) -> str:
    """The first of ARTICLES, BIN (articles that can still be restored) and PICTURES that the blog has; empty for an
    empty blog. One query."""
    row = session.execute(
        select(
            exists().where(Article.status != DELETED),
            exists().where(Article.status == DELETED),
            exists(select(Picture.id)),
        )
    ).one()
    return next((kind for kind, is_there in zip((ARTICLES, BIN, PICTURES), row, strict=True) if is_there), "")
