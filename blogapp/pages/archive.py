"""Archives: one zip file with the content of a blog, to keep as a backup or to move it to another place or database.

An archive contains the rows of each table as JSON (one line a row), the pictures as files, and each article as a
Markdown file for people and other programs. It is read in one snapshot, so it can be made while the blog is used. A
backup also contains the owners' accounts; an export, which owners download, only has their names, so that articles get
their authors back in a blog with owners of the same names. Neither contains sessions or the data of the day's visitors.
HTML is not read from an archive but rendered again.
"""

from __future__ import annotations

import base64
import errno
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, field
from datetime import date, datetime
from typing import IO, Any

from sqlalchemy import JSON, Column, Date, DateTime, LargeBinary, Table, select
from sqlalchemy.orm import Session

from blogapp.articles.files import to_markdown
from blogapp.articles.models import ARTICLE, DELETED, DRAFT, PAGE, PUBLIC, UNPUBLISHED, Article, ArticleRedirect
from blogapp.articles.models import COMMENTS as TAKES_COMMENTS
from blogapp.articles.revisions import KINDS as REVISION_KINDS
from blogapp.comments import models as states
from blogapp.db.base import Model, Moment, db
from blogapp.db.content_versions import ContentVersion
from blogapp.db.schema import REVISIONS
from blogapp.owners.accounts import all_owners
from blogapp.owners.models import Owner
from blogapp.settings import LOCALES
from blogapp.site.settings import MODERATION
from blogapp.text.links import is_safe_link
from blogapp.values import frozen
from blogapp.view_counts.counting import views_of

FORMAT = 1
ROWS = 500
FILES_AT_ONCE = 20  # of pictures, each up to half a megabyte
# Of one line (an article of 1,000,000 characters with its HTML), and of one picture.
LARGEST_PART = 50_000_000
LARGEST_MANIFEST = 1_000_000
COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
INTEGERS = range(-(2**63), 2**63)
# Sessions, limits, what is deleted with the day's key, and the search index, which is made again.
LEFT_OUT = frozenset(
    {
        ContentVersion.__tablename__,
        "likes",
        "network_hours",
        "owner_sessions",
        "search_articles",
        "search_comments",
        "secret_keys",
        "sign_in_attempts",
        "used_challenges",
        "view_marks",
        "visitor_keys",
    }
)
ACCOUNTS = frozenset({"owners", "passkeys", "recovery_codes", "used_reset_codes"})
# Columns that are not stored in the JSON: digests made with the day's key, and the bytes of pictures, which are files.
EMPTIED = frozenset({("comments", "digest")})
FILES = ("picture_files", "body")
ARTICLE_STATUSES = (DRAFT, *PUBLIC, UNPUBLISHED, DELETED)
COMMENT_STATUSES = (
    states.PUBLISHED,
    states.PENDING,
    states.SPAM,
    states.REMOVED,
    states.DELETED,
    states.ERASED,
)
# Pages would fail with other values.
CHOICES: dict[tuple[str, str], tuple[str | None, ...]] = {
    ("articles", "lang"): LOCALES,
    ("articles", "kind"): (ARTICLE, PAGE),
    ("articles", "comments"): TAKES_COMMENTS,
    ("articles", "status"): ARTICLE_STATUSES,
    ("articles", "status_before"): (None, *ARTICLE_STATUSES),
    ("article_revisions", "lang"): LOCALES,
    ("article_revisions", "kind"): REVISION_KINDS,
    ("article_revisions", "comments"): TAKES_COMMENTS,
    ("conversations", "moderation"): (None, *MODERATION),
    ("comments", "status"): COMMENT_STATUSES,
    ("comments", "learned_as"): ("", "spam", "honest"),
    ("comment_decisions", "status_before"): COMMENT_STATUSES,
    ("comment_decisions", "act"): (
        states.APPROVE,
        states.MARK_AS_SPAM,
        states.REMOVE,
        states.RESTORE,
        states.ERASE,
        states.UNDO,
        states.DELETE,
        states.HOLD,
    ),
}


class ArchiveError(Exception):
    """The file is no archive of this version of blogapp, or it is damaged. `str()` says what to do, in English. `kind`
    is `damaged`, `foreign` (no archive), `version`, then with the `schema` that the archive has, or `values` for one
    that cannot be used, then with its `place`."""

    def __init__(self, sentence: str, kind: str = "damaged", schema: str = "", place: str = "") -> None:
        super().__init__(sentence)
        self.kind = kind
        self.schema = schema
        self.place = place


@frozen
class Manifest:
    """What an archive says about itself: its format, the revision of the schema, whether it has accounts, when it was
    made (ISO 8601), the number of rows of each table, and the owners' names by the ids that rows refer to."""

    format: int
    schema: str
    has_accounts: bool
    made_at: str
    rows: dict[str, int]
    owners: dict[str, str] = field(default_factory=dict)


def write_archive(session: Session, file: IO[bytes], now: datetime, with_accounts: bool) -> Manifest:
    """Write an archive to `file`, which need not be seekable. `session` must be reading, in one snapshot."""
    rows: dict[str, int] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables(with_accounts):
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as part:
                rows[table.name] = 0
                for row in _rows(session, table):
                    part.write(encode_row(table, row).encode() + b"\n")
                    rows[table.name] += 1
        _write_pictures(session, archive)
        _write_articles(session, archive)
        owners = {str(owner.id): owner.name for owner in all_owners(session)}
        manifest = Manifest(FORMAT, REVISIONS[-1], with_accounts, now.isoformat(), rows, owners)
        archive.writestr("manifest.json", json.dumps(asdict(manifest), indent=2))
    return manifest


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """Raises ArchiveError."""
    try:
        manifest = Manifest(**json.loads(_read_part(archive, "manifest.json", LARGEST_MANIFEST)))
        rows = manifest.rows
        if not all(isinstance(name, str) and isinstance(number, int) for name, number in rows.items()):
            raise TypeError
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ArchiveError("This file is no archive of blogapp.", "foreign") from None
    if manifest.format != FORMAT or manifest.schema != REVISIONS[-1]:
        raise ArchiveError(
            f"This archive was made by another version of blogapp (schema {manifest.schema}; this is {REVISIONS[-1]}). "
            "Restore it with that version, then upgrade.",
            "version",
            str(manifest.schema)[:20],
        )
    return manifest


def verify_archive(file: IO[bytes], most: int | None = None) -> Manifest:
    """Read the whole archive and compare it with what its manifest says. Raises ArchiveError, also if it has more than
    `most` bytes when it is unpacked."""
    with open_archive(file) as archive:
        if most is not None and sum(part.file_size for part in archive.infolist()) > most:
            raise ArchiveError("The archive is too large.")
        manifest = read_manifest(archive)
        if damaged := archive.testzip():
            raise ArchiveError(f"The archive is damaged: {damaged}.")
        wanted = {*manifest.rows, *(table.name for table in tables(manifest.has_accounts))}
        missing = [name for name in sorted(wanted) if f"tables/{name}.jsonl" not in archive.namelist()]
        if missing:
            raise ArchiveError(f"The archive is incomplete: {', '.join(missing)}.")
        for name, number in manifest.rows.items():
            with archive.open(f"tables/{name}.jsonl") as part:
                if sum(1 for _ in _lines(part, name)) != number:
                    raise ArchiveError(f"The archive is incomplete: {name}.")
    return manifest


def tables(with_accounts: bool) -> list[Table]:
    """The tables of an archive, each after those that it refers to."""
    left_out = LEFT_OUT if with_accounts else LEFT_OUT | ACCOUNTS
    return [table for table in db.metadata.sorted_tables if table.name not in left_out]


def _rows(session: Session, table: Table) -> Iterator[Any]:
    columns = [column for column in table.columns if (table.name, column.name) != FILES]
    # In the order of the keys, so that a reply comes after its parent.
    query = select(*columns).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS)
    return iter(session.execute(query))


def encode_row(table: Table, row: Any) -> str:
    """The row as JSON, the same for both databases."""
    values: dict[str, Any] = {}
    for name, value in row._mapping.items():
        values[name] = None if (table.name, name) in EMPTIED else _to_json(value)
    return json.dumps(values, ensure_ascii=False)


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value


def _from_json(column: Column[Any], value: Any) -> Any:
    if value is None:
        return value
    if isinstance(column.type, JSON):
        if not isinstance(value, list):
            raise TypeError
        return value
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    if isinstance(column.type, Moment | DateTime):
        moment = datetime.fromisoformat(value)
        if not 1 < moment.year < 9999:  # in another time zone, it could be in a year that Python does not have
            raise ValueError
        return moment
    # SQLite would store a value of another type.
    if not isinstance(column.type, Date) and type(value) is not column.type.python_type:
        raise TypeError
    if type(value) is int and value not in INTEGERS:
        raise ValueError
    return date.fromisoformat(value) if isinstance(column.type, Date) else value


def _write_pictures(session: Session, archive: zipfile.ZipFile) -> None:
    name, body = FILES
    table = Model.metadata.tables[name]
    for key in session.execute(select(*table.primary_key.columns).order_by(*table.primary_key.columns)).all():
        matches = [column == value for column, value in zip(table.primary_key.columns, key, strict=True)]
        archive.writestr(_picture_name(*key), session.scalar(select(table.columns[body]).where(*matches)) or b"")


def _picture_name(picture_id: int, width: int) -> str:
    return f"pictures/{picture_id}-{width}.webp"


def _write_articles(session: Session, archive: zipfile.ZipFile) -> None:
    """Each article as a Markdown file; `flask articles import` can read them too."""
    old_slugs: dict[int, list[str]] = {}
    for redirect in session.scalars(select(ArticleRedirect).order_by(ArticleRedirect.slug)):
        old_slugs.setdefault(redirect.article_id, []).append(redirect.slug)
    query = select(Article, Owner.name).outerjoin(Owner, Owner.id == Article.owner_id)
    query = query.where(Article.status != DELETED).order_by(Article.id)
    for article, author in session.execute(query.execution_options(yield_per=100)):
        views = views_of(session, [article.id])[article.id]
        text = to_markdown(article, views, old_slugs.get(article.id, []), author)
        archive.writestr(f"articles/{article.slug}.md", text)


@contextmanager
def open_archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The zip file, to be read. Raises ArchiveError for another file."""
    try:
        with zipfile.ZipFile(file) as archive:
            # Others raise errors of their own when they are damaged, and write_archive uses none of them.
            if any(part.compress_type not in COMPRESSIONS for part in archive.infolist()):
                raise ArchiveError("The archive is compressed in a way that blogapp does not read.")
            yield archive
    # RuntimeError: an encrypted file; ValueError, OverflowError and struct.error: damaged headers.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OverflowError, struct.error) as error:
        raise ArchiveError("This file is no archive of blogapp, or it is damaged.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a header with a negative position
            raise
        raise ArchiveError("This file is no archive of blogapp, or it is damaged.") from error


def _read_part(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """The content of a file in the archive. Raises ValueError if it has more than `most` bytes, whatever its header
    says."""
    with archive.open(name) as part:
        content = part.read(most + 1)
    if len(content) > most:
        raise ValueError
    return content


def _lines(part: IO[bytes], name: str) -> Iterator[bytes]:
    """The lines of a file in the archive. Raises ArchiveError before one fills the memory."""
    buffered = io.BufferedReader(part)  # type: ignore[type-var]  # with a limit, the part's own readline is slow
    while line := buffered.readline(LARGEST_PART + 1):
        if len(line) > LARGEST_PART:
            raise ArchiveError(f"The archive has a line that is too long: {name}.")
        yield line


def read_rows(archive: zipfile.ZipFile, table: Table) -> Iterator[dict[str, Any]]:
    """The rows of a table, with the bytes of pictures. Raises ArchiveError for one that pages could not show."""
    with archive.open(f"tables/{table.name}.jsonl") as part:
        for number, line in enumerate(_lines(part, table.name), start=1):
            try:
                row = {name: _from_json(table.columns[name], value) for name, value in json.loads(line).items()}
                if table.name == FILES[0]:
                    row[FILES[1]] = _read_part(archive, _picture_name(row["picture_id"], row["width"]), LARGEST_PART)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise ArchiveError(f"Line {number} of {table.name} in the archive cannot be read.") from error
            _check_values(table, row, number)
            if "body_html" in row:  # rendered again: HTML of a file is not trusted
                row |= {"body_html": "", "renderer_version": 0}
            if "author_url" in row and not is_safe_link(str(row["author_url"])):  # such as `javascript:`
                row["author_url"] = ""
            yield row


def _check_values(table: Table, row: dict[str, Any], number: int) -> None:
    """Raises ArchiveError for a value that the database would store, but pages could not show."""
    for column, value in row.items():
        choices = CHOICES.get((table.name, column))
        is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if (choices is not None and value not in choices) or (column == "tags" and not is_list):
            sentence = f"Line {number} of {table.name} in the archive has an unknown value of {column}."
            raise ArchiveError(sentence, "values", place=f"{table.name}, {column}, {number}")
