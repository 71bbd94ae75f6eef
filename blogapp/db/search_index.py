"""The search index: the terms of articles and of published comments (`text/search_terms.py`).

Terms are compared by the database's full-text search, which does not analyse them: FTS5 on SQLite, `tsvector` with a
GIN index on PostgreSQL. So both find the same. `words` is for phrases.

A row is written in the transaction that writes its article or comment. The index says nothing about who may see it:
searches join it to the articles and comments. It is not part of backups; `flask db upgrade` makes missing rows.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import DDL, Connection, Dialect, ForeignKey, SmallInteger, Text, TypeDecorator, event, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.db.base import Model, RowId
from blogapp.text import search_terms
from blogapp.text.search_terms import TERMS_VERSION, TITLE
from blogapp.values import frozen

# Comments are stemmed in both languages: many are in another one than their article.
COMMENT_LANGS = ("fr", "en")


class Terms(TypeDecorator[str]):
    """Terms, separated by spaces."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        from sqlalchemy.dialects.postgresql import TSVECTOR  # not needed on SQLite

        return dialect.type_descriptor(TSVECTOR())


class SearchArticle(Model):
    """The terms of an article; those of its title a second time with TITLE before them."""

    __tablename__ = "search_articles"

    article_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(SmallInteger)
    terms: Mapped[str] = mapped_column(Terms)
    words: Mapped[str] = mapped_column(Text)


class SearchComment(Model):
    """The terms of a published comment."""

    __tablename__ = "search_comments"

    comment_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("comments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(SmallInteger)
    terms: Mapped[str] = mapped_column(Terms)
    words: Mapped[str] = mapped_column(Text)


# FTS5 stores no second copy of the terms: it reads them from the table of the models, and triggers tell it of changes
# (https://www.sqlite.org/fts5.html, section 4.4.3). Its own tables begin with FTS_PREFIX.
FTS_PREFIX = "fts_"
FTS_STATEMENTS = (
    "CREATE VIRTUAL TABLE fts_{table} USING fts5(terms, content='{table}', content_rowid='{key}', "
    "tokenize=\"ascii tokenchars '^~'\", detail='none', columnsize=0)",
    "CREATE TRIGGER {table}_after_insert AFTER INSERT ON {table} BEGIN "
    "INSERT INTO fts_{table}(rowid, terms) VALUES (new.{key}, new.terms); END",
    "CREATE TRIGGER {table}_after_delete AFTER DELETE ON {table} BEGIN "
    "INSERT INTO fts_{table}(fts_{table}, rowid, terms) VALUES ('delete', old.{key}, old.terms); END",
    "CREATE TRIGGER {table}_after_update AFTER UPDATE ON {table} BEGIN "
    "INSERT INTO fts_{table}(fts_{table}, rowid, terms) VALUES ('delete', old.{key}, old.terms); "
    "INSERT INTO fts_{table}(rowid, terms) VALUES (new.{key}, new.terms); END",
)
# Not an Index of SQLAlchemy, which would import PostgreSQL's dialect on SQLite, too. Without `fastupdate`, because each
# search would read the list of pending terms.
GIN_STATEMENTS = ("CREATE INDEX ix_{table}_terms ON {table} USING gin (terms) WITH (fastupdate = off)",)
for _model in (SearchArticle, SearchComment):
    _table = Model.metadata.tables[_model.__tablename__]
    for _dialect, _statements in (("sqlite", FTS_STATEMENTS), ("postgresql", GIN_STATEMENTS)):
        for _statement in _statements:
            _key = _table.primary_key.columns[0].name
            _ddl: Any = DDL(_statement.format(table=_table.name, key=_key))  # type: ignore[no-untyped-call]
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))


def is_of_one_database(name: str) -> bool:
    """Whether a table or index belongs to the full-text search of one of the databases only."""
    return name.startswith(FTS_PREFIX) or name in {"ix_search_articles_terms", "ix_search_comments_terms"}


PUT = (
    "INSERT INTO search_{of}s ({of}_id, version, terms, words) VALUES (:id, :version, :terms, :words) "
    "ON CONFLICT ({of}_id) DO UPDATE SET version = excluded.version, terms = excluded.terms, words = excluded.words"
)
PUT_ARTICLE, PUT_COMMENT = (text(PUT.format(of=of)) for of in ("article", "comment"))
DELETE_COMMENT = text("DELETE FROM search_comments WHERE comment_id = :id")


@frozen
class Entry:
    """A row of the index: `terms` and `words` of the article or comment `id`."""

    id: int
    terms: str
    words: str


def entry_of_article(article_id: int, lang: str, title: str, others: Iterable[str]) -> Entry:
    """`others` are the plain texts of the article: its text, its summary, its tags."""
    langs = (lang,) if lang in search_terms.ALGORITHMS else COMMENT_LANGS
    in_title = search_terms.terms_of(title, langs)
    terms = {TITLE + term: None for term in in_title} | in_title
    words = [search_terms.text_of_words(title)]
    for each in others:
        terms |= search_terms.terms_of(each, langs)
        words.append(search_terms.text_of_words(each))
    # Phrases do not reach from one text into the next.
    return _entry(article_id, terms, " | ".join(words))


def entry_of_comment(comment_id: int, body: str) -> Entry:
    """`body` is the plain text of the comment."""
    return _entry(comment_id, search_terms.terms_of(body, COMMENT_LANGS), search_terms.text_of_words(body))


def _entry(row_id: int, terms: dict[str, None], words: str) -> Entry:
    neighbours = " ".join(search_terms.neighbours_in(words))
    return Entry(row_id, f"{search_terms.joined(terms)} {neighbours}".strip(), f" {words} ")


def put_article(session: Session, entry: Entry) -> None:
    """Index an article, or index it again. A write transaction must be open."""
    session.connection().execute(PUT_ARTICLE, _values(entry))


def put_comment(connection: Connection, entry: Entry) -> None:
    """Index a published comment, or index it again. A write transaction must be open."""
    connection.execute(PUT_COMMENT, _values(entry))


def delete_comment(session: Session, comment_id: int) -> None:
    """Delete the terms of a comment that readers no longer see. A write transaction must be open."""
    session.connection().execute(DELETE_COMMENT, {"id": comment_id})


def _values(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "version": TERMS_VERSION, "terms": entry.terms, "words": entry.words}
