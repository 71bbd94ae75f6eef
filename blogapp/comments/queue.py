"""The owner's list of comments by state, with filters, one page at a time.

A page takes a fixed number of queries. Each reads a range of the index of states, newest comment first, so that 10,000
comments are as quick as ten; searching for words reads the texts of that range.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, defer, load_only

from blogapp.articles.models import Article
from blogapp.comments.link_hosts import as_host
from blogapp.comments.models import PENDING, PUBLISHED, REMOVED, SPAM, Comment, Conversation
from blogapp.values import frozen
from blogapp.web.converters import LARGEST

PER_PAGE = 50
STATES = (PENDING, PUBLISHED, SPAM, REMOVED)
# `https://example.org/comments/12`, `/articles/birds#comment-12`, `…/articles/birds/comments?at=12#comment-12`
ADDRESS = re.compile(r"\S*(?:/comments/|#comment-)(\d{1,15})/?")


@frozen
class Filter:
    """Which comments to list. `comment` is the id of a single one, in any state; the others narrow the list down:
    `article` (its slug), `name` (exactly), `host` (with its subdomains), `network` (a mark in hexadecimal digits),
    `words` in the text or the name."""

    status: str = PENDING
    comment: str = ""
    article: str = ""
    name: str = ""
    host: str = ""
    network: str = ""
    words: str = ""

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Filter:
        """The filter of a query string; unknown values are dropped. A comment's address in `words` selects it."""
        values = {each.name: arguments.get(each.name, "").strip()[:300] for each in fields(cls)}
        if address := ADDRESS.fullmatch(values["words"]):
            values = {"status": values["status"], "comment": address[1]}
        if values["status"] not in STATES:
            values["status"] = PENDING
        if not re.fullmatch(r"\d{1,15}", values.get("comment", ""), re.ASCII):
            values["comment"] = ""
        if not re.fullmatch(r"([0-9a-f]{2}){1,32}", values.get("network", "")):
            values["network"] = ""
        values["host"] = as_host(values["host"]) if values.get("host") else ""
        return cls(**values)

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of the URL that shows this list."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def narrowed(self) -> dict[str, str]:
        """The arguments other than the state."""
        return {name: value for name, value in self.arguments.items() if name != "status"}

    def without(self, name: str) -> dict[str, str]:
        return replace(self, **{name: ""}).arguments

    def conditions(self) -> ColumnElement[bool]:
        if self.comment:
            return Comment.id == min(int(self.comment), LARGEST)
        found: list[ColumnElement[bool]] = [Comment.status == self.status]
        if self.article:
            article_id = select(Article.id).where(Article.slug == self.article).scalar_subquery()
            found.append(Comment.article_id == article_id)
        if self.name:
            found.append(Comment.author_name == self.name)
        if self.host:
            found.append(Comment.link_hosts.contains(f" {self.host} ", autoescape=True))
        if self.network:
            found.append(Comment.network_mark == bytes.fromhex(self.network))
        for word in self.words.split()[:10]:
            found.append(
                or_(
                    Comment.body_source.icontains(word, autoescape=True),
                    Comment.author_name.icontains(word, autoescape=True),
                )
            )
        return and_(*found)


@frozen
class Row:
    """A comment with its article and its parent, if it is a reply."""

    comment: Comment
    article: Article
    parent: Comment | None


@frozen
class Queue:
    """A page of the list. `after` is its cursor, empty on the first page, and `before` that of the next page, empty on
    the last one; `counts` has the number of comments in each state, and `total` the number that match the filter."""

    filter: Filter
    rows: list[Row]
    after: str
    before: str
    counts: dict[str, int]
    total: int


def load_queue(session: Session, wanted: Filter, before: int | None = None) -> Queue:
    """The comments that match, newest first, older than the comment `before`."""
    query = _rows().where(wanted.conditions()).order_by(Comment.id.desc()).limit(PER_PAGE + 1)
    if before is not None:
        query = query.where(Comment.id < before)
    rows = [Row(*row) for row in session.execute(query)]
    counts = count_states(session)
    total = count_total(session, wanted, counts)
    cursor = str(rows[PER_PAGE - 1].comment.id) if len(rows) > PER_PAGE else ""
    return Queue(wanted, rows[:PER_PAGE], str(before or ""), cursor, counts, total)


def load_row(session: Session, comment_id: int) -> Row:
    return Row(*session.execute(_rows().where(Comment.id == comment_id)).one())


def _rows() -> Any:
    parent = aliased(Comment)
    return (
        select(Comment, Article, parent)
        .join(Article, Article.id == Comment.article_id)
        .outerjoin(parent, parent.id == Comment.parent_id)
        .options(
            defer(Comment.body_source),
            load_only(Article.slug, Article.title, Article.lang, Article.status, Article.published_at),
            defer(parent.body_source),
        )
    )


def count_waiting(session: Session) -> int:
    """The number of comments that await approval, for the owner's bar."""
    return session.scalar(select(func.count()).where(Comment.status == PENDING)) or 0


def count_states(session: Session) -> dict[str, int]:
    """The number of comments in each state, in one query. The published ones are counted per article already."""
    counted = [
        select(func.count()).where(Comment.status == status).scalar_subquery().label(status)
        for status in (PENDING, SPAM, REMOVED)
    ]
    published = select(func.coalesce(func.sum(Conversation.comment_count), 0)).scalar_subquery().label(PUBLISHED)
    row: dict[str, Any] = dict(session.execute(select(*counted, published)).mappings().one())
    return {status: int(row[status]) for status in STATES}


def last_id(session: Session) -> int:
    """The id of the newest comment in any state."""
    return session.scalar(select(func.max(Comment.id))) or 0


def count_total(session: Session, wanted: Filter, counts: dict[str, int]) -> int:
    """How many comments match the filter, where `counts` are those of `count_states`."""
    return count_matching(session, wanted) if wanted.narrowed else counts[wanted.status]


def count_matching(session: Session, wanted: Filter) -> int:
    return session.scalar(select(func.count()).select_from(Comment).where(wanted.conditions())) or 0
