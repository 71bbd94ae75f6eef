"""Find articles and comments. Both databases give the same results in the same order: first the articles with all words
in their titles, then the other articles, then comments; each newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import String, bindparam, select, text
from sqlalchemy.orm import Session

from blogapp.articles.models import NONE, PUBLISHED, Article
from blogapp.comments.models import Comment
from blogapp.db.base import Moment
from blogapp.search.query import Query
from blogapp.values import frozen

PER_PAGE = 10
# A search reads no more than this, however many match: nobody reads further.
MOST_RESULTS = 100
# PostgreSQL looks among this many newest comments first. A word of which they have fewer than can be shown is rare, so
# that all comments with it can be read by the index and sorted.
NEWEST_COMMENTS = 2_000
# PostgreSQL does not count that terms have to be read from outside of a row and decompressed, so it would rather read
# all of them than use their index. It also overrates the cost of the queries with old statistics, and would compile
# them for longer than they take. Both settings are for this transaction only.
BY_INDEX = text("SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)")

IN_ARTICLES = {
    "sqlite": "SELECT rowid FROM fts_search_articles WHERE fts_search_articles MATCH :{query}",
    "postgresql": "SELECT article_id FROM search_articles WHERE terms @@ CAST(:{query} AS tsquery)",
}
# What readers can find: neither drafts nor unlisted articles. The `+` lets SQLite walk the index of the status and the
# date instead of reading the status of each match behind its text.
#
# On PostgreSQL the texts that match are read first, whatever it believes about their number. With old statistics, it
# would rather read all articles and look for each one's terms. The ids of articles are put into a hash table, because
# IS TRUE allows no join, and compared with an index of all published ones: with 10,000 articles, that takes 2 ms, and
# reading 5,000 articles by their keys would take 30 ms. Of comments there are many more, so they are read by their
# keys, newest first, until there are enough: LATERAL with OFFSET 0 allows no other way.
ARTICLES = {
    "sqlite": """
    SELECT articles.id, articles.published_at FROM articles
    WHERE articles.status = :published AND articles.published_at <= :now AND +articles.id IN ({match}){but}
    ORDER BY articles.published_at DESC, articles.id DESC""",
    "postgresql": """
    SELECT articles.id, articles.published_at FROM articles
    WHERE articles.status = :published AND articles.published_at <= :now AND (articles.id IN ({match}{but})) IS TRUE
    ORDER BY articles.published_at DESC, articles.id DESC""",
}
NOT_IN_TITLE = {"sqlite": " AND +articles.id NOT IN ({match})", "postgresql": " AND article_id NOT IN ({match})"}
COMMENTS = {
    "sqlite": """
    SELECT comments.id FROM fts_search_comments CROSS JOIN comments ON comments.id = fts_search_comments.rowid
    WHERE fts_search_comments MATCH :anywhere AND comments.status = :published AND comments.article_id IN (
        SELECT id FROM articles WHERE status = :published AND published_at <= :now AND comments <> :none)
    ORDER BY fts_search_comments.rowid DESC""",
    "postgresql": """
    WITH matching AS MATERIALIZED (
        SELECT comment_id AS id FROM {searched} WHERE terms @@ CAST(:anywhere AS tsquery))
    SELECT sorted.id FROM (SELECT id FROM matching ORDER BY id DESC) AS sorted CROSS JOIN LATERAL (
        SELECT comments.id FROM comments JOIN articles ON articles.id = comments.article_id
        WHERE comments.id = sorted.id AND comments.status = :published
            AND articles.status = :published AND articles.published_at <= :now AND articles.comments <> :none
        OFFSET 0) AS comments
    ORDER BY sorted.id DESC""",
}
NEWEST = "(SELECT comment_id, terms FROM search_comments ORDER BY comment_id DESC LIMIT :newest) AS newest"
# Phrases are compared with the texts one by one, newest first, until there are enough: a text that matches mostly has
# them (Query.neighbours).
WITH_PHRASES = "SELECT found.id FROM ({found}) AS found WHERE {phrases} ORDER BY {order} LIMIT :limit"
WITH_PHRASE = "(SELECT {position}(words, :phrase_{number}) FROM search_{of}s WHERE {of}_id = found.id) > 0"
POSITION = {"sqlite": "instr", "postgresql": "strpos"}
ORDER = {"article": "found.published_at DESC, found.id DESC", "comment": "found.id DESC"}


@frozen
class Found:
    """The ids of all results, at most MOST_RESULTS, and whether there are more."""

    articles: Sequence[int]
    comments: Sequence[int]
    has_more: bool

    @property
    def count(self) -> int:
        return len(self.articles) + len(self.comments)

    @property
    def pages(self) -> int:
        return -(-self.count // PER_PAGE)


@frozen
class Page:
    """The articles and comments of one page of results, in order. A comment comes with its article."""

    articles: Sequence[Any]
    comments: Sequence[Any]


def find(session: Session, query: Query, now: datetime, with_comments: bool) -> Found:
    """The published articles that match, and with `with_comments` the published comments on them."""
    if not query.groups:
        return Found((), (), False)
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.execute(BY_INDEX)
    limit = MOST_RESULTS + 1
    values = {
        "anywhere": query.anywhere(dialect),
        "in_title": query.in_title(dialect),
        "published": PUBLISHED,
        "none": NONE,
        "now": now,
        "newest": NEWEST_COMMENTS,
        "limit": limit,
    }
    values |= {f"phrase_{number}": phrase for number, phrase in enumerate(query.phrases)}
    phrases = len(query.phrases)
    articles = _ids(session, _articles_statement(dialect, True, phrases), values)
    if len(articles) < limit:
        articles += _ids(session, _articles_statement(dialect, False, phrases), values)
    comments: list[int] = []
    if with_comments and len(articles) < limit:
        comments = _comments(session, dialect, phrases, values)
    left = max(0, MOST_RESULTS - len(articles))
    has_more = len(articles) + len(comments) > MOST_RESULTS
    return Found(articles[:MOST_RESULTS], comments[:left], has_more)


def load_page(session: Session, found: Found, number: int) -> Page:
    """The page `number` (from 1) of the results."""
    start, end = (number - 1) * PER_PAGE, number * PER_PAGE
    article_ids = found.articles[start:end]
    first = len(found.articles)
    comment_ids = found.comments[max(0, start - first) : max(0, end - first)]
    return Page(_load(session, ARTICLE_ROWS, article_ids), _load(session, COMMENT_ROWS, comment_ids))


ARTICLE_ROWS = select(
    Article.id,
    Article.slug,
    Article.kind,
    Article.lang,
    Article.title,
    Article.summary,
    Article.published_at,
    Article.body_html,
).where(Article.id.in_(bindparam("ids", expanding=True)))
COMMENT_ROWS = (
    select(
        Comment.id,
        Comment.author_name,
        Comment.created_at,
        Comment.body_html,
        Article.slug,
        Article.lang,
        Article.title,
    )
    .join(Article, Article.id == Comment.article_id)
    .where(Comment.id.in_(bindparam("ids", expanding=True)))
)


def _load(session: Session, statement: Any, ids: Sequence[int]) -> list[Any]:
    if not ids:
        return []
    rows = {row.id: row for row in session.execute(statement, {"ids": list(ids)})}
    return [rows[each] for each in ids]


def _ids(session: Session, statement: Any, values: dict[str, Any]) -> list[int]:
    return [row.id for row in session.execute(statement, values)]


def _comments(session: Session, dialect: str, phrases: int, values: dict[str, Any]) -> list[int]:
    if dialect == "postgresql":
        newest = _ids(session, _comments_statement(dialect, True, phrases), values)
        if len(newest) == values["limit"]:
            return newest
    return _ids(session, _comments_statement(dialect, False, phrases), values)


@cache  # building a statement takes longer than running it
def _articles_statement(dialect: str, is_in_title: bool, phrases: int) -> Any:
    """Those with all words in the title, or the others."""
    in_title, anywhere = (IN_ARTICLES[dialect].format(query=query) for query in ("in_title", "anywhere"))
    but = "" if is_in_title else NOT_IN_TITLE[dialect].format(match=in_title)
    found = ARTICLES[dialect].format(match=in_title if is_in_title else anywhere, but=but)
    return _statement(dialect, found, "article", phrases)


@cache
def _comments_statement(dialect: str, is_newest: bool, phrases: int) -> Any:
    found = COMMENTS[dialect].format(searched=NEWEST if is_newest else "search_comments")
    return _statement(dialect, found, "comment", phrases)


def _statement(dialect: str, found: str, of: str, phrases: int) -> Any:
    sql = f"{found.strip()} LIMIT :limit"
    if phrases:
        compared = (WITH_PHRASE.format(position=POSITION[dialect], number=number, of=of) for number in range(phrases))
        sql = WITH_PHRASES.format(found=found.strip(), phrases=" AND ".join(compared), order=ORDER[of])
    # PostgreSQL plans a query for its words, because it knows how common each is. In a prepared statement it could not.
    literal: list[Any] = [
        bindparam(name, type_=String(), literal_execute=True)
        for name in ("anywhere", "in_title")
        if f":{name}" in sql and dialect == "postgresql"
    ]
    return text(sql).bindparams(*literal, bindparam("now", type_=Moment()))
