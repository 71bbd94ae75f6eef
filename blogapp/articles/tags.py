"""Tags: the words under which articles are listed.

An article's own row has the names of its tags. The table `article_tags`, from which lists are read, has a row for each
tag of a published article, also of one whose date is in the future: queries compare the date. Drafts and unlisted,
unpublished and deleted articles and pages have none. The rows follow the article's row, whoever changes it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    ForeignKey,
    Index,
    String,
    and_,
    bindparam,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.articles.models import PUBLISHED, Article
from blogapp.articles.reading import WITHOUT_TEXT, ArticleList, WholeArticle, page_of
from blogapp.db.base import Model, Moment
from blogapp.text.names import clean_name
from blogapp.text.slugs import SLUG_LENGTH, tag_slug
from blogapp.values import frozen
from blogapp.web.errors import NotFound

TAGS_PER_PAGE = 500
NAME_LENGTH = 200


class ArticleTag(Model):
    """A tag of a published article. `published_at` is the article's; the name of a slug is the same in all rows."""

    __tablename__ = "article_tags"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    published_at: Mapped[datetime] = mapped_column(Moment)

    # With the name, so that the list of all tags is read from the index alone.
    __table_args__ = (Index(None, "slug", "published_at", "article_id", "name"),)


@frozen
class Tag:
    """A tag and the number of articles that lists show under it."""

    slug: str
    name: str
    count: int


@frozen
class TagList:
    """A page of tags in the order of their slugs; `after` is the cursor of the next page, None on the last page."""

    tags: list[Tag]
    after: str | None


def tags_of(article: WholeArticle) -> dict[str, str]:
    """The names of the article's tags by slug, in the order in which they were written."""
    names = [clean_name(str(tag))[:NAME_LENGTH] for tag in article.tags]
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(tag_slug(name), name)
    found.pop("", None)
    return found


@event.listens_for(Article, "after_insert")
@event.listens_for(Article, "after_update")
def record_tags(mapper: Any, connection: Connection, article: Article) -> None:
    """Store the rows of an article that is being stored, if one of their fields has changed. A tag gets everywhere the
    name that was stored last, so that `python` and `Python` are one tag."""
    state = inspect(article)
    if not any(state.attrs[name].history.has_changes() for name in ("status", "kind", "tags", "published_at")):
        return
    connection.execute(delete(ArticleTag).where(ArticleTag.article_id == article.id))
    if article.status != PUBLISHED or article.is_page:
        return
    for slug, name in tags_of(article).items():
        connection.execute(update(ArticleTag).where(ArticleTag.slug == slug, ArticleTag.name != name).values(name=name))
        row = {"article_id": article.id, "slug": slug, "name": name, "published_at": article.published_at}
        connection.execute(insert(ArticleTag).values(row))


FIND = select(func.min(ArticleTag.name), func.count()).where(
    ArticleTag.slug == bindparam("slug"), ArticleTag.published_at <= bindparam("now")
)


def find_tag(session: Session, slug: str, now: datetime) -> Tag:
    """Raises NotFound if no listed article has the tag."""
    name, count = session.execute(FIND, {"slug": slug, "now": now}).one()
    if count == 0:
        raise NotFound
    return Tag(slug, name, count)


def list_tags(session: Session, now: datetime, after: str = "") -> TagList:
    """A page of tags with their numbers of articles; `after` is the slug of the last tag on the previous page."""
    query = (
        select(ArticleTag.slug, func.min(ArticleTag.name), func.count())
        .where(ArticleTag.slug > after, ArticleTag.published_at <= now)
        .group_by(ArticleTag.slug)
        .order_by(ArticleTag.slug)
        .limit(TAGS_PER_PAGE + 1)
    )
    tags = [Tag(*row) for row in session.execute(query)]
    shown = tags[:TAGS_PER_PAGE]
    return TagList(shown, shown[-1].slug if len(tags) > TAGS_PER_PAGE else None)


def list_tagged(session: Session, slug: str, now: datetime, before: int | None = None) -> ArticleList:
    """A page of the listed articles with a tag, newest first; `before` is the id of the last article on the previous
    page."""
    query = select(Article).options(*WITHOUT_TEXT).join(ArticleTag, ArticleTag.article_id == Article.id)
    condition = and_(ArticleTag.slug == slug, ArticleTag.published_at <= now)
    return page_of(session, query, condition, (ArticleTag.published_at, ArticleTag.article_id), before)
