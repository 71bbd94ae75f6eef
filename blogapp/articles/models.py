"""Articles, their revisions, and redirects from their old slugs."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    and_,
    false,
    text,
)  # fmt: skip
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model, Moment, RowId
from blogapp.owners.models import Owner

TITLE_LENGTH = 300

DRAFT = "draft"
PUBLISHED = "published"
# Published, but not in lists.
UNLISTED = "unlisted"
# Withdrawn by its owner after it was public: its address is gone (410) or redirects.
UNPUBLISHED = "unpublished"
# In the bin, from which it can be restored for BIN_DAYS (editing.py).
DELETED = "deleted"
# With a future date, an article of these is scheduled. No program has to change it when its time comes.
PUBLIC = (PUBLISHED, UNLISTED)

# The kinds of articles. A page, such as "About", has an address of its own and is in no list.
ARTICLE = "article"
PAGE = "page"
# Whether an article takes comments: yes, no longer, or it shows none at all.
OPEN = "open"
CLOSED = "closed"
NONE = "none"
COMMENTS = (OPEN, CLOSED, NONE)
# The address of a picture, such as /media/<hash>-1600x900.webp.
COVER_LENGTH = 80
AUTHOR_LENGTH = 200


class Article(Model):
    """An article: its Markdown source, and the HTML rendered from it when it was stored."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    lang: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    summary: Mapped[str] = mapped_column(Text, default="")
    # The text shown in lists: the summary, else the beginning of the text.
    excerpt: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[Any]] = mapped_column(JSON, default=list)
    status: Mapped[str] = mapped_column(String(16), default=DRAFT)
    # The date shown to readers: the one in the file, else the time of the first publication.
    published_at: Mapped[datetime] = mapped_column(Moment)
    # When it was first stored; None for articles that are older than this column.
    created_at: Mapped[datetime | None] = mapped_column(Moment)
    # When it first became public, regardless of `published_at`; None if it was never published.
    first_published_at: Mapped[datetime | None] = mapped_column(Moment)
    # When its title, summary or text last changed after publication, if ever.
    updated_at: Mapped[datetime | None] = mapped_column(Moment)
    # The absolute path of the file that it was imported from, if known.
    source: Mapped[str | None] = mapped_column(Text)
    body_source: Mapped[str] = mapped_column(Text)
    # The text of a draft is rendered when it is shown or published, not with each save: `renderer_version` is then 0.
    body_html: Mapped[str] = mapped_column(Text)
    renderer_version: Mapped[int] = mapped_column(SmallInteger)
    # The account of the author; None for imported articles, unless their author has one.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(Owner.id, ondelete="SET NULL"), index=True)
    # The author if it is nobody with an account (authors.py); it is shown instead of the account's name.
    author_name: Mapped[str] = mapped_column(String(AUTHOR_LENGTH), default="", server_default=text("''"))
    # When anything was last changed or saved, published or not.
    edited_at: Mapped[datetime] = mapped_column(Moment)
    # The number of saves, which a form must know to save, and the request of the form that saved last (editing.py).
    edit_version: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    edited_in: Mapped[str | None] = mapped_column(String(43))
    # The form that created the article, so that a form that is sent twice creates one.
    created_in: Mapped[str | None] = mapped_column(String(43), unique=True)
    # The last part of the draft's secret address; None if it has none.
    preview_secret: Mapped[str | None] = mapped_column(String(43), unique=True)
    # Where the address of an unpublished article redirects to; None if it is gone.
    redirect_to: Mapped[str | None] = mapped_column(Text)
    # When it was moved to the bin, and its status before.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    status_before: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16), default=ARTICLE, server_default=ARTICLE)
    # Whether a page is in the menu.
    in_menu: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    comments: Mapped[str] = mapped_column(String(16), default=OPEN, server_default=OPEN)
    # The path of a picture of the library, with its size (text/pictures.py), and its alternative text.
    cover: Mapped[str] = mapped_column(String(COVER_LENGTH), default="", server_default=text("''"))
    cover_alt: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    # The same for all translations of an article, the original included: the original's slug (translations.py).
    translation_group: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))

    __table_args__ = (
        Index(None, "published_at", "id"),
        # For the owner's list.
        # With the kind, so that counts need no rows.
        Index(None, "status", "published_at", "id", "kind"),
        Index(None, "status", "edited_at", "id"),
        # With the status, which SQLite would else have to read behind the texts of each row.
        Index(None, "edited_at", "id", "status"),
        # For the front page by language, and for counts.
        Index(None, "status", "lang", "published_at", "id", "kind"),
        # With the columns of `visible()`, or SQLite would read all published articles instead.
        Index(None, "translation_group", "status", "published_at"),
        # For the menu, and for the owner's list of pages. They are few among the articles.
        Index(None, "kind", "in_menu", "status", "published_at"),
        Index(None, "kind", "edited_at", "id", "status"),
    )

    @property
    def is_page(self) -> bool:
        return self.kind == PAGE

    @property
    def is_public(self) -> bool:
        """Whether it is published or scheduled."""
        return self.status in PUBLIC

    @property
    def keeps_text(self) -> bool:
        """Whether saves leave the text of this row as it is: because it is public, or would be after its restoration
        from the bin."""
        return self.is_public or self.status_before in PUBLIC

    @property
    def public_since(self) -> datetime:
        """When the article became public, which can be long after the date in its file."""
        return public_since(self.published_at, self.first_published_at)

    def is_visible(self, now: datetime) -> bool:
        """Whether readers can open it."""
        return self.is_public and self.published_at <= now

    def was_public(self, now: datetime) -> bool:
        """Whether it has become public, even if it was withdrawn since."""
        return self.first_published_at is not None and self.first_published_at <= now


def public_since(published_at: datetime, first_published_at: datetime | None) -> datetime:
    return max(published_at, first_published_at or published_at)


def visible(now: Any) -> ColumnElement[bool]:
    """The condition of queries for the articles that readers can open; `now` is a time or a bound parameter."""
    return and_(Article.status.in_(PUBLIC), Article.published_at <= now)


def listed(now: Any) -> ColumnElement[bool]:
    """The condition of queries for the articles that lists show; pages are in none."""
    return and_(Article.status == PUBLISHED, Article.kind == ARTICLE, Article.published_at <= now)


class ArticleRedirect(Model):
    """A former slug of an article; it redirects to the current one."""

    __tablename__ = "article_redirects"

    slug: Mapped[str] = mapped_column(String(200), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), index=True)


class ArticleRevision(Model):
    """An article's text and metadata as they were saved. The latest revision is what the editor shows; readers see it
    once it is published."""

    __tablename__ = "article_revisions"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"))
    # Who saved it; None for an import or a removed account.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey(Owner.id, ondelete="SET NULL"), index=True)
    # Why it was saved: one of KINDS in revisions.py.
    kind: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(Moment)
    saved_at: Mapped[datetime] = mapped_column(Moment)
    # The form that saved it.
    saved_in: Mapped[str | None] = mapped_column(String(43))
    # The article's number of saves after this one; 0 for texts older than this column, and for the original text.
    edit_version: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # Whether the article had this content after the save; else it is a working copy that readers do not see.
    is_applied: Mapped[bool] = mapped_column(Boolean)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    body_source: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(String(200))
    lang: Mapped[str] = mapped_column(String(8))
    summary: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[Any]] = mapped_column(JSON)
    published_at: Mapped[datetime | None] = mapped_column(Moment)
    is_unlisted: Mapped[bool] = mapped_column(Boolean)
    author_id: Mapped[int | None] = mapped_column(ForeignKey(Owner.id, ondelete="SET NULL"), index=True)
    author_name: Mapped[str] = mapped_column(String(AUTHOR_LENGTH), default="", server_default=text("''"))
    is_page: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    in_menu: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    comments: Mapped[str] = mapped_column(String(16), default=OPEN, server_default=OPEN)
    cover: Mapped[str] = mapped_column(String(COVER_LENGTH), default="", server_default=text("''"))
    cover_alt: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    # The slug of the original; empty if this is the original or has no translations.
    translation_of: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"), index=True)

    __table_args__ = (Index(None, "article_id", "id"),)
