"""The name of an article's author: the one in its file or in the editor, else that of the account that wrote it, else
that of the blog's only account."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRevision
from blogapp.articles.reading import PublishedArticle
from blogapp.owners.accounts import owner_names
from blogapp.owners.models import Owner

# NULL if there are several accounts, or none yet.
ONLY_OWNER = select(func.max(Owner.name)).having(func.count() == 1).scalar_subquery()


def author_of(session: Session, article: PublishedArticle) -> str | None:
    """None if the author is not known."""
    if article.author_name:
        return article.author_name
    names = owner_names(session)
    only = next(iter(names.values())) if len(names) == 1 else None
    return names.get(article.owner_id, only) if article.owner_id else only


def author_column() -> ColumnElement[str | None]:
    """The same name in a query of articles, joined to `Owner` by an outer join."""
    return func.coalesce(func.nullif(Article.author_name, ""), Owner.name, ONLY_OWNER)


def keep_name(session: Session, owner: Owner) -> None:
    """Let articles and their revisions keep the name of an author whose account is about to be deleted. A write
    transaction must be open."""
    for model, account in ((Article, Article.owner_id), (ArticleRevision, ArticleRevision.author_id)):
        is_theirs = and_(account == owner.id, model.author_name == "")
        session.execute(update(model).where(is_theirs).values(author_name=owner.name))
