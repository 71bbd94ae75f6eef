"""Records of what the demo has created, so that only that is removed."""

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.db.base import Model


class DemoArticleRecord(Model):
    """An article of the demo. `digest` is that of its text as it was created: an article that the owner has changed is
    not removed."""

    __tablename__ = "demo_articles"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class DemoCommentRecord(Model):
    """A comment of the demo."""

    __tablename__ = "demo_comments"

    comment_id: Mapped[int] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
