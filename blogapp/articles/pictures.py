"""Which pictures the articles show, so that a picture in use is never deleted."""

from sqlalchemy import ForeignKey, Index, String, delete, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.articles.models import Article
from blogapp.db.base import Model
from blogapp.text.pictures import hashes_in


class ArticlePicture(Model):
    """An article whose text or cover shows the picture with this hash."""

    __tablename__ = "article_pictures"

    hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index(None, "article_id"),)


def record_pictures(session: Session, article: Article, *working_copy: str) -> None:
    """Store which pictures the article and its working copy (its text and its cover) show. A write transaction must be
    open."""
    session.execute(delete(ArticlePicture).where(ArticlePicture.article_id == article.id))
    hashes = hashes_in([article.body_source, article.cover, *working_copy])
    rows = [{"hash": each, "article_id": article.id} for each in sorted(hashes)]
    if rows:
        session.execute(insert(ArticlePicture), rows)
