"""The revisions of an article: every text that was saved, and what changed between two of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session, defer

from blogapp.articles.models import ARTICLE, OPEN, PAGE, UNLISTED, Article, ArticleRevision
from blogapp.articles.pictures import record_pictures
from blogapp.articles.translations import original_of
from blogapp.values import frozen
from blogapp.web.errors import NotFound

AUTOSAVE, SAVE, PUBLISH, RESTORE, IMPORT = KINDS = ("autosave", "save", "publish", "restore", "import")
# Automatic saves of one form within this time are one revision.
ONE_SITTING = timedelta(minutes=10)
# Revisions that are kept for each article; those saved by hand, and automatic ones.
SAVED_AT_MOST = 100
AUTOSAVES_AT_MOST = 20
# Texts with more words than this are compared by lines, because the time grows with the square of their length.
WORDS_COMPARED = 4_000
# Unchanged words shown before and after a change.
CONTEXT = 30


@frozen
class Content:
    """What the editor edits. `published_at` None means the time of publication, or no date yet."""

    title: str
    body_source: str
    slug: str
    lang: str
    summary: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    is_unlisted: bool = False
    author_id: int | None = None
    author_name: str = ""
    is_page: bool = False
    in_menu: bool = False
    comments: str = OPEN
    cover: str = ""
    cover_alt: str = ""
    translation_of: str = ""

    @property
    def kind(self) -> str:
        return PAGE if self.is_page else ARTICLE


FIELDS = tuple(Content.__dataclass_fields__)


@frozen
class Piece:
    """A part of a comparison: `kind` is "same", "added", "removed", or "gap" for unchanged text that is left out."""

    kind: str
    text: str


def content_of(article: Article) -> Content:
    """The content that readers see, or would see."""
    has_date = article.first_published_at is not None or article.published_at != article.created_at
    return Content(
        title=article.title,
        body_source=article.body_source,
        slug=article.slug,
        lang=article.lang,
        summary=article.summary,
        tags=tuple(str(tag) for tag in article.tags),
        published_at=article.published_at if has_date else None,
        is_unlisted=article.status == UNLISTED,
        author_id=article.owner_id,
        author_name=article.author_name,
        is_page=article.is_page,
        in_menu=article.in_menu,
        comments=article.comments,
        cover=article.cover,
        cover_alt=article.cover_alt,
        translation_of=original_of(article),
    )


def content_of_revision(revision: ArticleRevision) -> Content:
    values = {name: getattr(revision, name) for name in FIELDS}
    return Content(**{**values, "tags": tuple(str(tag) for tag in revision.tags)})


def latest_revision(session: Session, article_id: int) -> ArticleRevision | None:
    query = select(ArticleRevision).where(ArticleRevision.article_id == article_id)
    return session.scalar(query.order_by(ArticleRevision.id.desc()).limit(1))


def common_base(session: Session, article_id: int, version: int, form: str) -> ArticleRevision | None:
    """The latest revision that a form is based on which knew `version`, the number of saves. If a later automatic save
    has replaced that text, an earlier one, which both texts are based on as well; None if there is none."""
    query = select(ArticleRevision).where(
        ArticleRevision.article_id == article_id,
        or_(ArticleRevision.edit_version <= version, ArticleRevision.saved_in == form),
    )
    return session.scalar(query.order_by(ArticleRevision.id.desc()).limit(1))


def list_revisions(session: Session, article_id: int) -> list[ArticleRevision]:
    """All revisions of an article, latest first, without their texts."""
    query = select(ArticleRevision).where(ArticleRevision.article_id == article_id)
    return list(session.scalars(query.options(defer(ArticleRevision.body_source)).order_by(ArticleRevision.id.desc())))


def find_revision(session: Session, article_id: int, revision_id: int) -> ArticleRevision:
    """Raises NotFound, also for a revision of another article."""
    revision = session.get(ArticleRevision, revision_id)
    if revision is None or revision.article_id != article_id:
        raise NotFound
    return revision


def revision_before(session: Session, revision: ArticleRevision) -> ArticleRevision | None:
    query = select(ArticleRevision).where(
        ArticleRevision.article_id == revision.article_id, ArticleRevision.id < revision.id
    )
    return session.scalar(query.order_by(ArticleRevision.id.desc()).limit(1))


def record(
    session: Session,
    article: Article,
    content: Content,
    kind: str,
    is_applied: bool,
    now: datetime,
    owner_id: int | None = None,
    form: str | None = None,
    version: int | None = None,
) -> None:
    """Store `content` as the latest revision of `article`. A write transaction must be open.

    `version` is the number of saves, if not the article's present one. An automatic save changes the revision of the
    same form's previous automatic save, if that one is recent.
    """
    record_pictures(session, article, content.body_source, content.cover)
    latest = latest_revision(session, article.id)
    is_same_sitting = (
        latest is not None
        and latest.kind == kind == AUTOSAVE
        and latest.saved_in == form
        and now - latest.started_at < ONE_SITTING
    )
    if latest is not None and is_same_sitting:
        _fill(latest, content, is_applied, now)
        latest.edit_version = article.edit_version
        return
    revision = ArticleRevision(article_id=article.id, owner_id=owner_id, kind=kind, started_at=now, saved_in=form)
    _fill(revision, content, is_applied, now)
    revision.edit_version = article.edit_version if version is None else version
    session.add(revision)
    session.flush()
    _delete_oldest(session, article.id)


def keep_original(session: Session, article: Article) -> None:
    """Before the first change in the editor, store the text that was imported as the first revision."""
    if latest_revision(session, article.id) is None:
        record(session, article, content_of(article), IMPORT, True, article.edited_at, article.owner_id, version=0)


def _fill(revision: ArticleRevision, content: Content, is_applied: bool, now: datetime) -> None:
    for name in FIELDS:
        value = getattr(content, name)
        setattr(revision, name, list(value) if name == "tags" else value)
    revision.is_applied, revision.saved_at = is_applied, now


def _delete_oldest(session: Session, article_id: int) -> None:
    """The first revision is always kept, so that the original text is never lost."""
    rows = session.execute(
        select(ArticleRevision.id, ArticleRevision.kind)
        .where(ArticleRevision.article_id == article_id)
        .order_by(ArticleRevision.id.desc())
    ).all()
    autosaves = [row.id for row in rows[:-1] if row.kind == AUTOSAVE]
    others = [row.id for row in rows[:-1] if row.kind != AUTOSAVE]
    old = [*autosaves[AUTOSAVES_AT_MOST:], *others[SAVED_AT_MOST:]]
    if old:
        session.execute(delete(ArticleRevision).where(ArticleRevision.id.in_(old)))


def compare(before: str, after: str) -> list[Piece]:
    """The differences of two texts, by words, or by lines if they are long. Only what surrounds a change is shown."""
    old, new = _words(before), _words(after)
    if max(len(old), len(new)) > WORDS_COMPARED:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces = []
    for action, start, end, new_start, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if action == "equal":
            pieces.append(Piece("same", "".join(old[start:end])))
            continue
        if start < end:
            pieces.append(Piece("removed", "".join(old[start:end])))
        if new_start < new_end:
            pieces.append(Piece("added", "".join(new[new_start:new_end])))
    return list(_shortened(pieces))


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _shortened(pieces: list[Piece]) -> Iterator[Piece]:
    for number, piece in enumerate(pieces):
        words = re.findall(r"\S+\s*|\s+", piece.text) if piece.kind == "same" else []
        if len(words) <= 2 * CONTEXT + 10:
            yield piece
            continue
        if number > 0:
            yield replace(piece, text="".join(words[:CONTEXT]))
        yield Piece("gap", "")
        if number < len(pieces) - 1:
            yield replace(piece, text="".join(words[-CONTEXT:]))
