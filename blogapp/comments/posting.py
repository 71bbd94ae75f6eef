"""Posting a comment: once is once, what looks like spam waits, and nothing is thrown away silently."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import MAX_DEPTH, NUMBER_WIDTH, PENDING, PUBLISHED, SPAM, Comment
from blogapp.comments.threads import conversation_for_writing, reveal
from blogapp.owners.accounts import looks_like_the_owner
from blogapp.text import markup
from blogapp.visitors.identity import Visitor
from blogapp.web.errors import DomainError

LINKS_AT_MOST = 2


class Refused(DomainError):
    """The comment cannot be posted as it is; the form comes back with all that was typed."""


class TooMany(Refused):
    """The visitor's network has posted too much; `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class NameTaken(Refused):
    """The name looks like the owner's, and it is not the owner who posts."""

    status = 422


class ParentGone(Refused):
    """The comment that is answered was removed, or is on another article."""

    status = 409


class Closed(Refused):
    """The article takes no more comments."""

    status = 409


@dataclass(frozen=True)
class Draft:
    """A checked comment that is not posted yet. `body_html` is its rendered body; `trapped`: the field that people
    never see was filled; `by_owner`: the owner's session posts it."""

    author_name: str
    author_url: str
    body: str
    body_html: str
    parent_id: int | None
    trapped: bool
    by_owner: bool = False


@dataclass(frozen=True)
class Rules:
    """What the owner decided: `moderation` is open, first or all; after `close_days` (0: never) nothing is taken."""

    moderation: str
    close_days: int


def post_comment(
    session: Session,
    article: Article,
    draft: Draft,
    visitor: Visitor,
    rules: Rules,
    now: datetime,
    check_rate: Callable[[], None],
) -> tuple[Comment, bool]:
    """Post `draft` to `article`: the comment, and whether it is new. A durable write transaction must be open.

    The same form again gives the first comment. `check_rate` is called only for a new one, and raises when the
    visitor's network has posted too much (TooMany). Raises NameTaken, ParentGone or Closed.
    """
    if is_closed(article, rules, now):
        raise Closed
    if not draft.by_owner and looks_like_the_owner(session, draft.author_name):
        raise NameTaken
    conversation = conversation_for_writing(session, article.id)
    digest = comment_digest(visitor, article.id, draft)
    body_digest = hashlib.sha256(" ".join(draft.body.casefold().split()).encode()).digest()
    first = _first_of_same(session, article.id, draft, visitor, digest, body_digest)
    if first is not None:
        return first, False
    parent = _parent(session, article, draft.parent_id)
    check_rate()

    conversation.last_number += 1
    comment = Comment(
        article_id=article.id,
        number=conversation.last_number,
        parent_id=parent.id if parent else None,
        author_name=draft.author_name,
        author_url=draft.author_url,
        author_token_hash=visitor.token_hash,
        body_source=draft.body,
        body_html=draft.body_html,
        renderer_version=markup.RENDERER_VERSION,
        digest=digest,
        body_digest=body_digest,
        created_at=now,
        by_owner=draft.by_owner,
        shown=False,
        **_place(conversation.last_number, parent),
    )
    comment.status = _judge(session, comment, draft, rules)
    session.add(comment)
    session.flush()
    if comment.is_published:
        reveal(session, conversation, comment)
    return comment, True


def is_closed(article: Article, rules: Rules, now: datetime) -> bool:
    """Whether the article takes no more comments."""
    return rules.close_days > 0 and article.public_since + timedelta(days=rules.close_days) < now


def comment_digest(visitor: Visitor, article_id: int, draft: Draft) -> bytes:
    """32 bytes that are the same for the same visitor, article, parent, name and text."""
    parts = (str(article_id), str(draft.parent_id or ""), draft.author_name, draft.body)
    # Lengths in front: no two different forms may run together into the same bytes.
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.digest(visitor.digest, message, "sha256")


def forget_digests(session: Session, day: date, **extra: Any) -> None:
    """What was made with yesterday's key goes with it. The key's own day began at most a day before `day`."""
    session.execute(update(Comment).where(Comment.digest.is_not(None)).values(digest=None))


def _first_of_same(
    session: Session, article_id: int, draft: Draft, visitor: Visitor, digest: bytes, body_digest: bytes
) -> Comment | None:
    """The comment that the same form has made before; by the cookie also from another network or the day before."""
    first = session.scalar(select(Comment).where(Comment.digest == digest))
    if first is None and visitor.token_hash is not None:
        first = session.scalar(
            select(Comment)
            .where(
                Comment.article_id == article_id,
                Comment.body_digest == body_digest,
                Comment.author_token_hash == visitor.token_hash,
                Comment.body_source == draft.body,
                Comment.author_name == draft.author_name,
                Comment.parent_id.is_(None) if draft.parent_id is None else Comment.parent_id == draft.parent_id,
                Comment.status.in_((PUBLISHED, PENDING, SPAM)),
            )
            .order_by(Comment.id)
            .limit(1)
        )
    return first


def _parent(session: Session, article: Article, parent_id: int | None) -> Comment | None:
    if parent_id is None:
        return None
    parent = session.get(Comment, parent_id)
    if parent is None or parent.article_id != article.id or not parent.is_published:
        raise ParentGone
    return parent


def _place(number: int, parent: Comment | None) -> dict[str, Any]:
    """Where the comment stands in its thread, and where on the screen."""
    own = f"{number:0{NUMBER_WIDTH}d}"
    if parent is None:
        return {"depth": 0, "path": own, "root_id": None, "shown_under_id": None}
    deepest = parent.depth >= MAX_DEPTH
    above = parent.path[:-NUMBER_WIDTH] if deepest else parent.path
    return {
        "depth": parent.depth + 1,
        "path": above + own,
        "root_id": parent.root_id or parent.id,
        "shown_under_id": parent.shown_under_id if deepest else parent.id,
    }


def _judge(session: Session, comment: Comment, draft: Draft, rules: Rules) -> str:
    """What becomes of a new comment: published, pending or spam."""
    if draft.by_owner:
        return PUBLISHED
    if draft.trapped:
        return SPAM
    if rules.moderation == "all" or (rules.moderation == "first" and not _is_known(session, comment)):
        return PENDING
    if markup.count_links(comment.body_html) > LINKS_AT_MOST:
        return PENDING
    same_text = select(Comment.id).where(
        Comment.article_id == comment.article_id, Comment.body_digest == comment.body_digest
    )
    if comment.author_token_hash is not None:
        same_text = same_text.where(Comment.author_token_hash.is_distinct_from(comment.author_token_hash))
    return PENDING if session.scalar(select(exists(same_text))) else PUBLISHED


def _is_known(session: Session, comment: Comment) -> bool:
    """Whether the browser that posts has had a comment published before."""
    if comment.author_token_hash is None:
        return False
    known = select(Comment.id).where(
        Comment.author_token_hash == comment.author_token_hash, Comment.status == PUBLISHED
    )
    return bool(session.scalar(select(exists(known))))
