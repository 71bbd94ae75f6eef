"""Translations: the same article in several languages, at most one in each.

All of them, the original included, have the same `translation_group`: the slug of the original. When the original is
deleted for good, another one takes its place, so that a new article with the same slug does not join the group. What an
owner or a file says is only `translation_of`, the slug of one of the others. It is stored as the slug of the original,
and is empty for the original itself.

A draft has the group that it will join, but the other articles are changed only when it is published.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Row, bindparam, not_, or_, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import DELETED, PUBLIC, UNLISTED, Article, ArticleRedirect, ArticleRevision
from blogapp.articles.reading import PublishedArticle
from blogapp.text.i18n import gettext
from blogapp.web.page_cache import limit_max_age

# Slug, kind, language, status and date.
Translation = Row[str, str, str, str, datetime]
TRANSLATIONS = (
    select(Article.slug, Article.kind, Article.lang, Article.status, Article.published_at)
    .where(
        Article.translation_group == bindparam("group"),
        Article.id != bindparam("article_id"),
        Article.status.in_(PUBLIC),
    )
    .order_by(Article.lang)
)


class WrongTranslation(ValueError):
    """The article cannot be a translation of the other one. The message is already translated."""


class UnknownOriginal(WrongTranslation):
    """There is no article with this slug."""


def translations_of(session: Session, article: PublishedArticle, now: datetime) -> list[Translation]:
    """The other languages in which readers can open the article. Listed articles do not link to unlisted ones. One
    query; none for an article without translations. The response to the request is cached at most until the next
    scheduled translation appears."""
    if not article.translation_group:
        return []
    found = session.execute(TRANSLATIONS, {"group": article.translation_group, "article_id": article.id})
    linked = [row for row in found if row.status != UNLISTED or article.status == UNLISTED]
    scheduled = [row.published_at for row in linked if row.published_at > now]
    if scheduled:
        limit_max_age((min(scheduled) - now).total_seconds())
    return [row for row in linked if row.published_at <= now]


def original_of(article: Article) -> str:
    """The slug of the original; empty for the original and for an article without translations."""
    return "" if article.translation_group == article.slug else article.translation_group or ""


def find_original(session: Session, named: str, lang: str, article: Article | None = None, slug: str = "") -> str:
    """The slug of the original of the article with the slug `named`, for `article` (None: a new one, with `slug` if
    that is known already) in the language `lang`; empty if that is `article` itself. Raises WrongTranslation."""
    article_id, own = (article.id, article.slug) if article else (0, slug)
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
    empty slug, it keeps only those. This changes pages of the others. A write transaction must be open."""
    session.flush()
    if original and original != article.slug:
        own = update(Article).where(Article.translation_group == article.slug, Article.id != article.id)
        session.execute(own.values(translation_group=original))
        _rename_in_revisions(session, article.slug, original)
        found = update(Article).where(Article.slug == original, Article.translation_group == "")
        session.execute(found.values(translation_group=original))
    plan_translation(session, article, original)


def plan_translation(session: Session, article: Article, original: str) -> None:
    """Like `join_translations`, but for an article that readers do not see: the others are not changed yet."""
    session.flush()
    if not original or original == article.slug:
        own = select(Article.lang, Article.status).where(
            Article.translation_group == article.slug, Article.id != article.id
        )
        others = session.execute(own).all()
        is_rival = any(row.lang == article.lang and row.status != DELETED for row in others)
        original = article.slug if others and not is_rival else ""
    article.translation_group = original


def has_rival(session: Session, article: Article) -> bool:
    """Whether another translation in the same group, not counting the bin, is in the article's language."""
    group = article.translation_group
    if not group:
        return False
    rivals = select(Article.id).where(
        or_(Article.translation_group == group, Article.slug == group),
        Article.id != article.id,
        Article.lang == article.lang,
        Article.status != DELETED,
    )
    return session.scalar(rivals.limit(1)) is not None


def leave_translations(session: Session, article: Article) -> None:
    """Take the article out of its group. A write transaction must be open."""
    group, article.translation_group = article.translation_group, ""
    session.flush()
    if group == article.slug:
        give_up_groups(session, Article.id == article.id)
    named = update(ArticleRevision).where(
        ArticleRevision.article_id == article.id, ArticleRevision.translation_of == group
    )
    session.execute(named.values(translation_of=""))


def give_up_groups(session: Session, leaving: ColumnElement[bool]) -> None:
    """Name the groups of which the articles with the condition `leaving` are the originals after another article; call
    this before these articles are deleted. A write transaction must be open."""
    for slug in session.scalars(select(Article.slug).where(leaving)).all():
        others = select(Article.id, Article.slug).where(
            Article.translation_group == slug, Article.slug != slug, not_(leaving)
        )
        # One of the bin only if there is no other: it may be deleted soon.
        heir = session.execute(others.order_by(Article.status == DELETED, Article.id).limit(1)).first()
        rename_original(session, slug, heir.slug if heir else "")
        if heir:
            named = update(ArticleRevision).where(
                ArticleRevision.article_id == heir.id, ArticleRevision.translation_of == heir.slug
            )
            session.execute(named.values(translation_of=""))


def rename_original(session: Session, before: str, slug: str) -> None:
    """Call this when an article's slug changes, or when another article becomes the original."""
    session.execute(update(Article).where(Article.translation_group == before).values(translation_group=slug))
    _rename_in_revisions(session, before, slug)


def _rename_in_revisions(session: Session, before: str, slug: str) -> None:
    named = update(ArticleRevision).where(ArticleRevision.translation_of == before)
    session.execute(named.values(translation_of=slug))
