"""Edit articles in the browser: save, publish, unpublish, move to the bin, restore.

Readers see the article's own row. Each save adds a revision (revisions.py), and the latest one is what the editor
shows. While an article is not public, its row is kept equal to its latest revision, without rendering it; once it is
public, a save changes only the revisions until it is published again ("Update").

Every form knows the number of saves that its text is based on (`version`) and a random mark of its own (`form`), and
numbers its requests (`sequence`). If another form has saved since, a save raises EditConflict and changes nothing. If
the response to a form's last save was lost, the form may save again: then the last save was its own, with a smaller
number. So may a form that has taken over the text of one that was closed (`continued`), whose last save may have
arrived after the new form was rendered. A request that was delayed on the way and comes after a newer one of the same
form is refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from blogapp.articles.models import DELETED, DRAFT, UNPUBLISHED, Article, ArticleRevision
from blogapp.articles.publishing import (
    Manuscript,
    change_slug,
    index_for_search,
    lock_articles,
    publish,
    replace_slug,
)  # fmt: skip
from blogapp.articles.reading import is_redirect_loop
from blogapp.articles.revisions import (
    PUBLISH,
    RESTORE,
    SAVE,
    Content,
    content_of,
    content_of_revision,
    keep_original,
    latest_revision,
    record,
)
from blogapp.articles.slugs import FieldRefused, slug_of_edited, slug_of_new
from blogapp.articles.translations import (
    WrongTranslation,
    find_original,
    give_up_groups,
    has_rival,
    leave_translations,
    plan_translation,
)  # fmt: skip
from blogapp.text.i18n import gettext
from blogapp.values import frozen
from blogapp.web.errors import Conflict, NotFound

# Days for which a deleted article can be restored.
BIN_DAYS = 30


class EditConflict(Conflict):
    """Another form has saved the article since this one was loaded."""


@frozen
class Writer:
    """Who saves: the owner's id, and the mark, the version and the number of the request of the form. `continued` is
    the mark and the last request's number of the form whose text this one has taken over, such as `abc.7`; or empty."""

    owner_id: int
    form: str
    version: int = 0
    sequence: int = 0
    continued: str = ""

    @property
    def mark(self) -> str:
        return f"{self.form}.{self.sequence}"

    def was_last(self, mark: str | None) -> bool:
        """Whether `mark` is of an earlier request of the same form or of the one that it continues, or of the same
        request, sent twice."""
        return mark is not None and any(_is_of_form(mark, each) for each in (self.mark, self.continued) if each)


def _is_of_form(mark: str, latest: str) -> bool:
    """Whether the request `mark` is `latest` or an earlier one of the same form."""
    form, _, sequence = mark.rpartition(".")
    latest_form, _, latest_sequence = latest.rpartition(".")
    return form == latest_form and int(sequence) <= int(latest_sequence)


@frozen
class Edited:
    """An article as the editor shows it. `revision` is the latest one; None if it was never edited here."""

    article: Article
    content: Content
    revision: ArticleRevision | None

    @property
    def has_unpublished_changes(self) -> bool:
        """Whether the article is public and has changes that readers do not see yet."""
        return self.article.is_public and self.revision is not None and not self.revision.is_applied


def load(session: Session, article_id: int) -> Edited:
    """Raises NotFound."""
    article = session.get(Article, article_id, populate_existing=True)
    if article is None:
        raise NotFound
    revision = latest_revision(session, article.id)
    return Edited(article, content_of_revision(revision) if revision else content_of(article), revision)


def load_created(session: Session, writer: Writer) -> Edited:
    """The article that a form has created, or the one that it continues. Raises NotFound."""
    return load(session, _find_created(session, writer) or 0)


def _find_created(session: Session, writer: Writer) -> int | None:
    for form in (writer.form, writer.continued.rpartition(".")[0]):
        if form and (found := session.scalar(select(Article.id).where(Article.created_in == form))):
            return found
    return None


def create(session: Session, content: Content, writer: Writer, kind: str, now: datetime) -> Article:
    """Store a new draft. A form that is sent twice creates one article, which the second time is saved again. A write
    transaction must be open. Raises FieldRefused, and EditConflict if the article was saved elsewhere since."""
    lock_articles(session)
    known = _find_created(session, writer)
    if known is not None:
        return save(session, known, content, writer, kind, now)
    content = replace(
        content, slug=slug_of_new(session, content, now), translation_of=_original(session, content, None)
    )
    article = Article(
        slug=content.slug,
        published_at=now,
        created_at=now,
        created_in=writer.form,
        edited_in=writer.mark,
        edit_version=1,
    )
    _apply_to_draft(session, article, content, now)
    session.add(article)
    plan_translation(session, article, content.translation_of)
    record(session, article, content, kind, True, now, writer.owner_id, writer.form)
    return article


def save(session: Session, article_id: int, content: Content, writer: Writer, kind: str, now: datetime) -> Article:
    """Save a revision. Readers see nothing of it. A write transaction must be open. Raises NotFound, EditConflict and
    FieldRefused."""
    article = _begin(session, article_id, writer, now)
    content = _complete(session, article, content, now)
    keep_original(session, article)
    _store(session, article, content, writer, kind, now)
    return article


def _store(session: Session, article: Article, content: Content, writer: Writer, kind: str, now: datetime) -> None:
    if not article.keeps_text:
        _apply_to_draft(session, article, content, now)
        plan_translation(session, article, content.translation_of)
    is_applied = content == content_of(article)
    record(session, article, content, kind, is_applied, now, writer.owner_id, writer.form)


def publish_now(session: Session, article_id: int, content: Content, writer: Writer, now: datetime) -> Article:
    """Publish the article with `content`, schedule it if its date is in the future, or update it. A write transaction
    for this article must be open. Raises NotFound, EditConflict and FieldRefused."""
    article = _begin(session, article_id, writer, now)
    version = article.edit_version
    content = _complete(session, article, content, now)
    keep_original(session, article)
    if article.status == DELETED:
        article.deleted_at = article.status_before = None
    _publish(session, article, content, now)
    article.edit_version, article.edited_in, article.edited_at = version, writer.mark, now
    record(session, article, content_of(article), PUBLISH, True, now, writer.owner_id, writer.form)
    return article


def _publish(session: Session, article: Article, content: Content, now: datetime) -> None:
    # The address of an article that was never public is known to nobody, so it needs no redirect.
    if not article.was_public(now):
        replace_slug(session, article, content.slug)
        if content.published_at is None:
            article.first_published_at = None  # no longer scheduled
    manuscript = Manuscript(
        slug=content.slug,
        lang=content.lang,
        title=content.title,
        summary=content.summary,
        tags=list(content.tags),
        draft=False,
        published_at=content.published_at,
        body_source=content.body_source,
        unlisted=content.is_unlisted,
        kind=content.kind,
        in_menu=content.in_menu,
        comments=content.comments,
        cover=content.cover,
        cover_alt=content.cover_alt,
        author_name=content.author_name,
        translation_of=content.translation_of,
    )
    article.owner_id = content.author_id
    article.redirect_to = None
    publish(session, manuscript, now, article)


def unpublish(
    session: Session, article_id: int, content: Content, writer: Writer, redirect_to: str | None, now: datetime
) -> Article:
    """Withdraw the article from readers and keep `content` as a draft. Its address redirects to `redirect_to`, or is
    gone (410). A scheduled article, which nobody has seen, becomes a draft again. A write transaction for this article
    must be open. Raises NotFound, EditConflict and FieldRefused, also for a redirect loop."""
    article = _begin(session, article_id, writer, now)
    content = _complete(session, article, content, now)
    keep_original(session, article)
    if article.is_public:
        if article.published_at > now:
            article.status, article.first_published_at = DRAFT, None
        else:
            article.status = UNPUBLISHED
    article.redirect_to = redirect_to if article.status == UNPUBLISHED else None
    _store(session, article, content, writer, SAVE, now)
    session.flush()
    if article.redirect_to and is_redirect_loop(session, article.id, article.redirect_to):
        sentence = gettext("This address leads back to this article. Enter another one, or none.")
        raise FieldRefused("redirect_to", sentence)
    return article


def move_to_bin(session: Session, article_id: int, content: Content, writer: Writer, now: datetime) -> Article:
    """Withdraw the article and delete it after BIN_DAYS; `content` is saved first. A write transaction for this article
    must be open. Raises NotFound, EditConflict and FieldRefused."""
    article = save(session, article_id, content, writer, SAVE, now)
    if article.status != DELETED:
        article.status_before, article.status, article.deleted_at = article.status, DELETED, now
    return article


def restore_from_bin(session: Session, article_id: int, now: datetime) -> Article:
    """Take the article out of the bin, with the status that it had before. A write transaction for this article must be
    open. Raises NotFound. It leaves its translations if there is another one in its language by now."""
    article = _find_for_change(session, article_id)
    if article.status == DELETED:
        article.status, article.status_before, article.deleted_at = article.status_before or DRAFT, None, None
        article.edit_version += 1
        article.edited_in, article.edited_at = None, now
        if has_rival(session, article):  # added while this one was in the bin
            leave_translations(session, article)
        if article.is_public:
            index_for_search(session, article)
    return article


def restore_revision(
    session: Session, article_id: int, content: Content, owner_id: int, form: str, now: datetime
) -> Article:
    """Save `content`, which an older revision has, as the latest revision. A write transaction must be open. Raises
    NotFound and FieldRefused."""
    version = _find_for_change(session, article_id).edit_version
    return save(session, article_id, content, Writer(owner_id, form, version), RESTORE, now)


def give_preview_secret(session: Session, article_id: int, secret: str) -> Article:
    """Show the draft at a secret address; an earlier one stops working. A write transaction must be open. Raises
    NotFound."""
    article = _find_for_change(session, article_id)
    article.preview_secret = secret
    return article


def empty_bin(session: Session, *, day: date, previous: date | None) -> None:
    """Delete the articles that were put into the bin more than BIN_DAYS before `day`, with their comments and counts;
    called when a day begins. A write transaction must be open."""
    until = datetime.combine(day, time.min, UTC) - timedelta(days=BIN_DAYS)
    is_old = and_(Article.status == DELETED, Article.deleted_at < until)
    give_up_groups(session, is_old)
    session.execute(delete(Article).where(is_old))


def _begin(session: Session, article_id: int, writer: Writer, now: datetime) -> Article:
    article = _find_for_change(session, article_id)
    if article.edit_version != writer.version and not writer.was_last(article.edited_in):
        raise EditConflict
    article.edit_version += 1
    article.edited_in, article.edited_at = writer.mark, now
    return article


def _find_for_change(session: Session, article_id: int) -> Article:
    lock_articles(session)
    article = session.get(Article, article_id, populate_existing=True)
    if article is None:
        raise NotFound
    return article


def _apply_to_draft(session: Session, article: Article, content: Content, now: datetime) -> None:
    """Set the article's fields without rendering the text, which may take a second."""
    if article.slug != content.slug:
        if article.was_public(now):
            change_slug(session, article, content.slug)
        else:
            replace_slug(session, article, content.slug)
    article.title, article.body_source, article.lang = content.title, content.body_source, content.lang
    article.summary, article.tags, article.owner_id = content.summary, list(content.tags), content.author_id
    article.author_name = content.author_name
    article.kind, article.in_menu, article.comments = content.kind, content.in_menu, content.comments
    article.cover, article.cover_alt = content.cover, content.cover_alt
    if content.published_at is not None:
        article.published_at = content.published_at
    elif not article.was_public(now):
        article.published_at = article.created_at or now
    article.body_html, article.excerpt, article.renderer_version = "", content.summary, 0
    article.status = article.status or DRAFT
    article.edited_at = now


def _complete(session: Session, article: Article, content: Content, now: datetime) -> Content:
    """`content` with its slug, and with the date of an article that was public already."""
    was_public = article.was_public(now)
    published_at = article.published_at if was_public and content.published_at is None else content.published_at
    slug = slug_of_edited(session, article, content, now)
    translation_of = _original(session, content, article)
    return replace(content, slug=slug, published_at=published_at, translation_of=translation_of)


def _original(session: Session, content: Content, article: Article | None) -> str:
    try:
        return find_original(session, content.translation_of, content.lang, article)
    except WrongTranslation as error:
        raise FieldRefused("translation_of", str(error)) from None
