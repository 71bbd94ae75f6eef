"""Translations: the same article in several languages, at most one in each.

All of them, the original included, have the same `translation_group`: the slug of the original, also after the original
was deleted. What an owner or a file says is only `translation_of`, the slug of one of the others. It is stored as the
slug of the original, and is empty for the original itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import DELETED, Article, ArticleRedirect, ArticleRevision, visible
from blogapp.text.i18n import gettext

TRANSLATIONS = (
    select(Article.slug, Article.kind, Article.lang)
    .where(
        Article.translation_group == bindparam("group"),
        Article.id != bindparam("article_id"),
        visible(bindparam("now")),
    )
    .order_by(Article.lang)
)


class WrongTranslation(ValueError):
    """The article cannot be a translation of the other one. The message is already translated."""


class UnknownOriginal(WrongTranslation):
    """There is no article with this slug."""


def translations_of(session: Session, article: Article, now: datetime) -> list[Row[str, str, str]]:
    """The other languages in which readers can open the article: slug, kind and language. One query; none for an
    article without translations."""
    if not article.translation_group:
        return []
    values = {"group": article.translation_group, "article_id": article.id, "now": now}
    return list(session.execute(TRANSLATIONS, values))


def original_of(article: Article) -> str:
    """The slug of the original; empty for the original and for an article without translations."""
    return "" if article.translation_group == article.slug else article.translation_group or ""


def find_original(session: Session, named: str, lang: str, article: Article | None = None) -> str:
    """The slug of the original of the article with the slug `named`, for `article` (None: a new one) in the language
    `lang`; empty if that is `article` itself. Raises WrongTranslation."""
    article_id, own = (article.id, article.slug) if article else (0, "")
    group = own
    if named:
        other = _find(session, named)
        if other is None or other.status == DELETED:
            raise UnknownOriginal(gettext("There is no article with this address."))
        if other.id == article_id:
            raise WrongTranslation(gettext("This is the address of this article itself."))
        group = other.translation_group or other.slug
    # The translations of this article come with it.
    in_groups = or_(Article.translation_group.in_({group, own} - {""}), Article.slug == group)
    languages = {lang}
    for row in session.execute(
        select(Article.slug, Article.lang).where(in_groups, Article.id != article_id, Article.status != DELETED)
    ):
        if row.lang in languages:
            sentence = gettext("Only one translation can be in this language: %(slug)s is one already.")
            raise WrongTranslation(sentence % {"slug": row.slug})
        languages.add(row.lang)
    return "" if group == own else group


def _find(session: Session, slug: str) -> Article | None:
    found = session.scalar(select(Article).where(Article.slug == slug))
    former = session.get(ArticleRedirect, slug) if found is None else None
    return session.get(Article, former.article_id) if former else found


def join_translations(session: Session, article: Article, original: str) -> None:
    """Make the article a translation of the one with the slug `original`, together with its own translations; with an
    empty slug, it keeps only those. A write transaction must be open."""
    session.flush()
    own = (Article.translation_group == article.slug, Article.id != article.id)
    if original and original != article.slug:
        session.execute(update(Article).where(*own).values(translation_group=original))
        _rename_in_revisions(session, article.slug, original)
        found = update(Article).where(Article.slug == original, Article.translation_group == "")
        session.execute(found.values(translation_group=original))
        article.translation_group = original
    else:
        languages = set(session.scalars(select(Article.lang).where(*own)))
        article.translation_group = article.slug if languages and article.lang not in languages else ""


def rename_original(session: Session, before: str, slug: str) -> None:
    """Call this when an article's slug changes."""
    session.execute(update(Article).where(Article.translation_group == before).values(translation_group=slug))
    _rename_in_revisions(session, before, slug)


def _rename_in_revisions(session: Session, before: str, slug: str) -> None:
    named = update(ArticleRevision).where(ArticleRevision.translation_of == before)
    session.execute(named.values(translation_of=slug))
