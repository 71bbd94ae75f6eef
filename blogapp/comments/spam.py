"""Decide whether a text is published at once, awaits approval, or is marked as spam. Used for posts and for edits.

Each sign of spam has points, and a reason that the owner can read (reasons.py). One strong sign is enough to hold a
comment; only several together, or the owner's own list, mark it as spam. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from blogapp.comments import bayes
from blogapp.comments.link_hosts import as_host
from blogapp.comments.models import PENDING, PUBLISHED, REMOVED, SPAM, Comment, FullComment, SpamTerm
from blogapp.db.query_cache import cached_result
from blogapp.text import markup
from blogapp.values import frozen

MAX_LINKS = 2
# A shorter text without a link ("Thank you!") may be posted on several articles.
LONG_TEXT = 40
# Two comments from one network within this time are a weak sign.
FAST = timedelta(seconds=15)
# Words that mix alphabets; one may be a typing error or a formula.
MIXED_WORDS = 2
TERM_LENGTH, TERMS_AT_MOST = 200, 2_000

# The hidden field alone only holds a comment, because password managers fill it in.
POINTS = {
    "trap": 2,
    "links": 2,
    "copy": 2,
    "repeated": 2,
    "fast": 1,
    "scripts": 2,
    "words": 2,
    "listed": 4,
    "policy": 0,
}
HELD_AT, SPAM_AT = 2, 4

# How a line of the owner's list begins that names a part of the browser's User-Agent.
AGENT = "agent:"

WORDS = re.compile(r"[^\W_]+")
LETTERS = re.compile(r"[^\W\d_]{4,}")

# Statements of every post are built once: building one takes longer than running it.
PUBLISHED_BY = (
    select(Comment.id).where(Comment.author_token_hash == bindparam("token_hash"), Comment.status == PUBLISHED).limit(1)
)
SAME_TEXT = (
    select(Comment.id, Comment.article_id, Comment.author_token_hash, Comment.status)
    .where(Comment.body_digest == bindparam("body_digest"))
    .order_by(Comment.id.desc())
    .limit(50)
)
LAST_FROM_NETWORK = (
    select(Comment.created_at)
    .where(Comment.network_mark == bindparam("network_mark"))
    .order_by(Comment.id.desc())
    .limit(1)
)
TERMS = select(SpamTerm.term).order_by(SpamTerm.term)


# A key of POINTS, and a detail for its sentence.
Sign = tuple[str, str]


@frozen
class Rules:
    """The owner's settings: `moderation` is open, first or all; comments close after `close_days` days (0: never), and
    all are closed if `is_closed`."""

    moderation: str
    close_days: int
    is_closed: bool = False


@frozen
class Verdict:
    """The state of a comment, and why: pairs of a sign (a key of POINTS) and a detail for its sentence."""

    status: str
    reasons: list[list[str]] = field(default_factory=list)


def rules_of(conversation: Any, rules: Rules) -> Rules:
    """The rules for one article; `conversation` is its row."""
    return replace(rules, moderation=conversation.moderation or rules.moderation)


def judge(
    connection: Connection,
    comment: FullComment,
    rules: Rules,
    in_text: Iterable[Sign],
    posted_at: datetime | None = None,
) -> Verdict:
    """PUBLISHED, PENDING or SPAM for the current text of a reader's comment, which may not be stored yet. `in_text` are
    the signs in its text; `posted_at` is the time of a post, None for an edit. A write transaction must be open, so
    that of two copies on one article at the same time one is compared with the other."""
    reasons = [list(sign) for sign in (*in_text, *_signs_by_comparison(connection, comment, posted_at))]
    points = sum(POINTS[sign] for sign, _ in reasons)
    if points >= SPAM_AT:
        return Verdict(SPAM, reasons)
    if rules.moderation == "all" or (rules.moderation == "first" and not _is_known(connection, comment)):
        return Verdict(PENDING, [*reasons, ["policy", rules.moderation]])
    return Verdict(PENDING if points >= HELD_AT else PUBLISHED, reasons)


def digest_of(body: str) -> bytes:
    """32 bytes that are the same for texts that differ only in case and white space."""
    return hashlib.sha256(" ".join(body.casefold().split()).encode()).digest()


def signs_in_text(session: Session, comment: FullComment, is_trapped: bool = False, agent: str = "") -> Iterator[Sign]:
    """The signs of spam in the comment's own text, which need no write transaction. `is_trapped`: the hidden field of
    the form was filled in. `agent` is the User-Agent that it came with, which is not stored."""
    if is_trapped:
        yield "trap", ""
    if (links := markup.count_links(comment.body_html)) > MAX_LINKS:
        yield "links", str(links)
    if len(mixed := mixed_words(comment.body_source)) >= MIXED_WORDS:
        yield "scripts", ", ".join(mixed[:3])
    if listed := _listed_terms(listed_terms(session), comment, agent):
        yield "listed", ", ".join(listed[:3])
    if words := bayes.suspicious_words(session.connection(), comment):
        yield "words", ", ".join(words[:5])


def _signs_by_comparison(connection: Connection, comment: FullComment, posted_at: datetime | None) -> Iterator[Sign]:
    """The signs that need other comments."""
    same = [row for row in connection.execute(SAME_TEXT, {"body_digest": comment.body_digest}) if row.id != comment.id]
    if any(row.article_id == comment.article_id and _is_copy(row, comment) for row in same):
        yield "copy", ""
    is_long = len(comment.body_source) >= LONG_TEXT or markup.count_links(comment.body_html) > 0
    if is_long and any(row.article_id != comment.article_id for row in same):
        yield "repeated", ""
    if posted_at is not None and comment.network_mark is not None:
        last = connection.scalar(LAST_FROM_NETWORK, {"network_mark": comment.network_mark})
        if last is not None and posted_at - last < FAST:
            yield "fast", str(int((posted_at - last).total_seconds()))


def parse_terms(text: str) -> list[str]:
    """The words, hosts and agents of a list with one on each line. A host may be typed as an address."""
    lines = (" ".join(line.split()).casefold()[:TERM_LENGTH] for line in text.splitlines())
    terms = {as_host(line) if "//" in line and not line.startswith(AGENT) else line for line in lines}
    return sorted(term for term in terms if WORDS.search(term.removeprefix(AGENT)))[:TERMS_AT_MOST]


def listed_terms(session: Session) -> list[str]:
    """The owner's list."""
    return cached_result(session, "spam terms", lambda: list(session.connection().scalars(TERMS)))


def save_terms(session: Session, terms: list[str]) -> None:
    """Replace the owner's list. A write transaction with `Changes.RULES` must be open, because the list is cached."""
    session.execute(delete(SpamTerm))
    session.add_all([SpamTerm(term=term) for term in terms])


def _is_copy(row: Any, comment: FullComment) -> bool:
    """Whether a comment with the same text is by another author, or was removed by the owner."""
    is_same_author = comment.author_token_hash is not None and row.author_token_hash == comment.author_token_hash
    return not is_same_author or row.status == REMOVED


def mixed_words(text: str) -> list[str]:
    """The words that mix Latin letters with Cyrillic or Greek ones, as spam does to hide from filters."""
    return [word for word in LETTERS.findall(text) if not word.isascii() and len(_scripts(word)) > 1]


def _scripts(word: str) -> set[str]:
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    return names & {"LATIN", "CYRILLIC", "GREEK"}


def _listed_terms(terms: list[str], comment: FullComment, agent: str) -> list[str]:
    """The owner's terms that occur: whole words in the name or the text, hosts with their subdomains, and any part of
    the agent."""
    text, agent = _words_between_spaces(f"{comment.author_name} {comment.body_source}"), agent.casefold()

    def occurs(term: str) -> bool:
        if term.startswith(AGENT):
            return term.removeprefix(AGENT).strip() in agent
        return f" {term} " in comment.link_hosts or _words_between_spaces(term) in text

    return [term for term in terms if occurs(term)]


def _words_between_spaces(text: str) -> str:
    return f" {' '.join(WORDS.findall(text.casefold()))} "


def _is_known(connection: Connection, comment: FullComment) -> bool:
    """Whether a comment from the same browser is published. A name proves nothing: anybody can copy it."""
    if comment.author_token_hash is None:
        return False
    return connection.scalar(PUBLISHED_BY, {"token_hash": comment.author_token_hash}) is not None
