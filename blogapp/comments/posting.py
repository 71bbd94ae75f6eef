"""Post a comment: detect repeated submissions, decide whether it awaits approval, and store it."""

from __future__ import annotations

import hmac
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import OPEN
from blogapp.articles.reading import AnyArticle
from blogapp.comments import spam
from blogapp.comments.link_hosts import hosts_of, searchable
from blogapp.comments.models import (
    AWAITING_APPROVAL,
    MAX_DEPTH,
    NUMBER_WIDTH,
    PUBLISHED,
    Comment,
    Conversation,
    ConversationInfo,
    FullComment,
    NewComment,
)
from blogapp.comments.refusals import Closed, Locked, NameTaken, ParentGone
from blogapp.comments.spam import Rules, Sign, rules_of
from blogapp.comments.visibility import add_comment, lock_counters
from blogapp.db.base import Model
from blogapp.db.search_index import Entry, entry_of_comment
from blogapp.owners.accounts import looks_like_the_owner
from blogapp.text import markup
from blogapp.values import frozen

# For this long, the same form from the same network and browser without our cookie is a repeat: a double click, or a
# retry after a lost response. After that, it is treated as another visitor's comment.
REPEAT_PERIOD = timedelta(minutes=10)

# How long the mark of a comment's network is stored.
NETWORK_MARK_DAYS = 30

# Statements of every post are built once: building one takes longer than running it.
_comments = Model.metadata.tables[Comment.__tablename__]
WITH_DIGEST = select(Comment.id).where(Comment.digest == bindparam("digest"), Comment.created_at >= bindparam("since"))
SAME_BY_AUTHOR = (
    select(Comment.id)
    .where(
        Comment.author_token_hash == bindparam("token_hash"),
        Comment.article_id == bindparam("article_id"),
        Comment.body_digest == bindparam("body_digest"),
        Comment.body_source == bindparam("body"),
        Comment.author_name == bindparam("name"),
        Comment.parent_id.is_not_distinct_from(bindparam("parent_id")),
        Comment.status.in_({PUBLISHED, *AWAITING_APPROVAL}),
    )
    .order_by(Comment.id)
    .limit(1)
)
# Digests are unique, so a digest that is older than REPEAT_PERIOD is cleared before it is used again.
FIND_OR_CLEAR_DIGEST = (
    update(_comments)
    .where(_comments.c.digest == bindparam("of"))
    .values(digest=case((_comments.c.created_at >= bindparam("since"), _comments.c.digest), else_=None))
    .returning(_comments.c.id, _comments.c.digest)
)


@frozen
class Draft:
    """A validated comment that is not posted yet. `trapped`: the hidden field was filled in; `by_owner`: the signed-in
    owner posts it; `agent`: the User-Agent, which is only compared with the owner's list."""

    author_name: str
    author_url: str
    body: str
    parent_id: int | None
    trapped: bool
    by_owner: bool = False
    agent: str = ""


@frozen
class Sender:
    """The browser that posts a comment. `token_hash` is the hash of its cookie, which identifies the comment's author.
    `visitor` is the visitor digest of a browser that had no cookie when it sent the form, else None. `network_mark`
    is the keyed digest of its network."""

    token_hash: bytes | None
    visitor: bytes | None
    network_mark: bytes | None = None


@frozen
class Prepared:
    """A comment that is not stored yet, and what else can be computed before the write lock is taken: the signs of spam
    in its text, and its entry in the search index."""

    draft: Draft
    comment: NewComment
    signs: list[Sign]
    entry: Entry


@frozen
class Posted:
    """A posted comment, and the article's conversation with it. For a repeated form, it is the first comment, and
    `conversation` is None."""

    comment: FullComment
    conversation: ConversationInfo | None = None

    @property
    def is_new(self) -> bool:
        return self.conversation is not None


def check_may_post(session: Session, article: AnyArticle, draft: Draft, rules: Rules, now: datetime) -> None:
    """Raise Closed or NameTaken if the comment cannot be posted. Called before rendering and before taking the write
    lock, which is why the article's own settings are only read if the site's would close it."""
    is_closed_by_rules = _closed_by_rules(article, rules, now) and not _is_kept_open(session, article)
    if article.comments != OPEN or is_closed_by_rules:
        raise Closed
    if not draft.by_owner and looks_like_the_owner(session, draft.author_name):
        raise NameTaken


def prepare(session: Session, article: AnyArticle, draft: Draft, body_html: str, now: datetime) -> Prepared:
    """Everything about `draft`, whose rendered text is `body_html`, that needs no write transaction."""
    comment = NewComment(
        article_id=article.id,
        author_name=draft.author_name,
        author_url=draft.author_url,
        body_source=draft.body,
        body_html=body_html,
        link_hosts=searchable(hosts_of(body_html, draft.author_url)),
        renderer_version=markup.RENDERER_VERSION,
        body_digest=spam.digest_of(draft.body),
        created_at=now,
        by_owner=draft.by_owner,
    )
    signs: list[Sign] = []
    if not draft.by_owner:
        signs.extend(spam.signs_in_text(session, comment, draft.trapped, draft.agent))
    return Prepared(draft, comment, signs, entry_of_comment(0, markup.plain_text(body_html)))


def post_comment(
    session: Session, article: AnyArticle, prepared: Prepared, sender: Sender, rules: Rules, now: datetime
) -> Posted:
    """Post a comment to `article`. A durable write transaction must be open.

    Raises Closed, Locked or ParentGone, or NotFound if the article has been deleted.
    The statements run without the session's objects, because other posts wait for the lock meanwhile.
    """
    draft, comment = prepared.draft, prepared.comment
    connection = session.connection()
    conversation = lock_counters(connection, article.id)
    if is_closed(article, conversation, rules, now):
        raise Closed
    # Checked again: the same form may have been posted while this one waited for the lock. Without a cookie the insert
    # finds the digest, unless the comment is a reply, whose parent may have been removed since its first copy.
    digest = _digest(sender.visitor, article.id, draft) if sender.visitor else None
    if (digest is None or draft.parent_id) and (first := find_repeat(session, article.id, draft, sender, now)):
        return Posted(first)

    parent = _parent(session, article, draft.parent_id)
    _place(comment, conversation.last_number + 1, parent)
    comment.digest, comment.author_token_hash = digest, sender.token_hash
    comment.network_mark = None if draft.by_owner else sender.network_mark
    verdict = spam.Verdict(PUBLISHED)
    if not draft.by_owner:
        verdict = spam.judge(connection, comment, rules_of(conversation, rules), prepared.signs, now)
    comment.status, comment.reasons = verdict.status, verdict.reasons
    if not add_comment(session, conversation, comment, prepared.entry):
        assert digest is not None
        if first := _repeat_with(session, connection, digest, now):
            return Posted(first)
        is_added = add_comment(session, conversation, comment, prepared.entry)
        assert is_added  # the older digest was cleared
    return Posted(comment, conversation)


def find_repeat(session: Session, article_id: int, draft: Draft, sender: Sender, now: datetime) -> Comment | None:
    """The comment that this form has already created: with a cookie, the browser's comment with the same parent, name
    and current text; without one, the visitor's comment of the last REPEAT_PERIOD from the same form."""
    if sender.visitor is not None:
        digest = _digest(sender.visitor, article_id, draft)
        return _find(session, WITH_DIGEST, {"digest": digest, "since": now - REPEAT_PERIOD})
    if sender.token_hash is None:
        return None
    same = {
        "token_hash": sender.token_hash,
        "article_id": article_id,
        "body_digest": spam.digest_of(draft.body),
        "body": draft.body,
        "name": draft.author_name,
        "parent_id": draft.parent_id,
    }
    return _find(session, SAME_BY_AUTHOR, same)


def _find(session: Session, statement: Select[int], values: dict[str, Any]) -> Comment | None:
    comment_id = session.connection().scalar(statement, values)
    return session.get(Comment, comment_id) if comment_id else None


def _repeat_with(session: Session, connection: Connection, digest: bytes, now: datetime) -> Comment | None:
    """The comment of the last REPEAT_PERIOD with this digest. An older one's digest is cleared."""
    row = connection.execute(FIND_OR_CLEAR_DIGEST, {"of": digest, "since": now - REPEAT_PERIOD}).first()
    return session.get(Comment, row.id) if row and row.digest else None


def is_closed(article: AnyArticle, conversation: ConversationInfo, rules: Rules, now: datetime) -> bool:
    """Whether comments on the article are closed: in the editor, by its own setting, on the whole site, or by its
    age."""
    is_closed = conversation.is_closed or (not conversation.is_kept_open and _closed_by_rules(article, rules, now))
    return is_closed or article.comments != OPEN


def _closed_by_rules(article: AnyArticle, rules: Rules, now: datetime) -> bool:
    is_too_old = rules.close_days > 0 and article.public_since + timedelta(days=rules.close_days) < now
    return rules.is_closed or is_too_old


def _is_kept_open(session: Session, article: AnyArticle) -> bool:
    return bool(session.scalar(select(Conversation.is_kept_open).where(Conversation.article_id == article.id)))


def forget_digests(session: Session, day: date, **extra: Any) -> None:
    """Delete the digests when a new day begins: they were made with an older key."""
    session.execute(update(Comment).where(Comment.digest.is_not(None)).values(digest=None))


def forget_networks(session: Session, day: date, **extra: Any) -> None:
    """Delete the network marks of comments older than NETWORK_MARK_DAYS when a new day begins."""
    until = datetime.combine(day, time(), UTC) - timedelta(days=NETWORK_MARK_DAYS)
    old = update(Comment).where(Comment.network_mark.is_not(None), Comment.created_at < until)
    session.execute(old.values(network_mark=None))


def _digest(visitor: bytes, article_id: int, draft: Draft) -> bytes:
    """32 bytes that are the same for the same visitor, article, parent, name and text."""
    parts = (str(article_id), str(draft.parent_id or ""), draft.author_name, draft.body)
    # Each part is preceded by its length, so that different forms cannot give the same bytes.
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.digest(visitor, message, "sha256")


def _parent(session: Session, article: AnyArticle, parent_id: int | None) -> Comment | None:
    if parent_id is None:
        return None
    # Read again: the session may have loaded it before the conversation was locked.
    parent = session.get(Comment, parent_id, populate_existing=True)
    if parent is None or parent.article_id != article.id or not parent.is_published:
        raise ParentGone
    if parent.is_locked:
        raise Locked
    return parent


def _place(comment: NewComment, number: int, parent: Comment | None) -> None:
    """Set the comment's position in its thread and in the displayed tree."""
    own = f"{number:0{NUMBER_WIDTH}d}"
    comment.number, comment.path = number, own
    if parent is None:
        return
    deepest = parent.depth >= MAX_DEPTH
    comment.parent_id, comment.root_id = parent.id, parent.root_id or parent.id
    comment.depth = parent.depth + 1
    comment.path = (parent.path[:-NUMBER_WIDTH] if deepest else parent.path) + own
    comment.shown_under_id = parent.shown_under_id if deepest else parent.id
