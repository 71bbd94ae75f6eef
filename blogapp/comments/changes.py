"""Load changed comments: those since a version, for the live refresh, and those after a write, for its response."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import NUMBER_WIDTH, Comment, CommentInfo, ConversationInfo, FullComment
from blogapp.comments.threads import INFO, Node, as_nodes, as_trees, conversation_of, load_threads, read_comments
from blogapp.values import frozen

MAX_CHANGES = 50


@frozen
class Changes:
    """What changed for readers after a version. `new` has the new comments as trees: each is under the comment that it
    is displayed under, if that one is new, too. `changed` has the comments that an open page may show already.
    `version` is the one that the page has with these changes."""

    new: list[Node]
    new_count: int
    changed: list[Node]
    version: int

    @property
    def nodes(self) -> list[Node]:
        """All comments, each with those below it."""
        return [*self.new, *self.changed]

    @property
    def root_ids(self) -> set[int]:
        """The threads of all replies."""
        return {node.comment.root_id for tree in self.nodes for node in tree if node.comment.root_id}


def load_changes(session: Session, article_id: int, since: int, latest: int) -> Changes:
    """The comments that changed for readers after version `since`: at most MAX_CHANGES, oldest change first, and those
    that the new ones need above them. `latest` is the conversation's version."""
    changed = INFO.where(Comment.article_id == article_id, Comment.changed_in > since)
    found = read_comments(session, changed.order_by(Comment.changed_in).limit(MAX_CHANGES))
    version = found[-1].changed_in if found else latest
    if len(found) == MAX_CHANGES:
        found += _load_above(session, article_id, since, found)
    # With the placeholders of those that were deleted since, which pages have not shown either: replies are below them.
    new = sorted((each for each in found if each.shown and each.published_in > since), key=lambda each: each.path)
    published = {each.id for each in new if each.is_published}
    others = as_nodes(session, [each for each in found if each.id not in published])
    return Changes(as_trees(session, new), len(published), others, version)


def _load_above(session: Session, article_id: int, since: int, found: list[CommentInfo]) -> list[CommentInfo]:
    """The new comments above these, without these. One that was liked or edited after it got replies is beyond the
    limit, but without it a page has no place for the replies."""
    known = {each.number for each in found}
    starts = ((each.path, start) for each in found for start in range(0, len(each.path) - NUMBER_WIDTH, NUMBER_WIDTH))
    above = {int(path[start : start + NUMBER_WIDTH]) for path, start in starts} - known
    new = INFO.where(Comment.article_id == article_id, Comment.number.in_(above), Comment.published_in > since)
    return read_comments(session, new.where(Comment.shown.is_(True))) if above else []


def version_of(session: Session, article_id: int, comment_id: int) -> int:
    """The version in which readers first saw this comment, or the last published comment before it."""
    seen = (
        select(Comment.published_in)
        .where(Comment.article_id == article_id, Comment.id <= comment_id, Comment.published_in > 0)
        .order_by(Comment.id.desc())
        .limit(1)
    )
    return session.scalar(seen) or 0


@frozen
class Written:
    """A comment that was just written, and what a page displays with it: its thread if it is a reply (a list of one or
    none), and the article's conversation."""

    node: Node
    threads: list[Node]
    conversation: ConversationInfo


def load_after_write(session: Session, written: FullComment, conversation: ConversationInfo | None = None) -> Written:
    """Load what a page displays with a comment after its write transaction, in one snapshot. The session's objects are
    discarded first, because other transactions may have changed their rows. With the `conversation` of that
    transaction, a new comment that is no reply needs no query."""
    session.expunge_all()
    if conversation is not None and written.root_id is None:
        return Written(Node(written), [], conversation)
    threads = load_threads(session, [written.root_id] if written.root_id else [])
    (node,) = as_nodes(session, [written])
    return Written(node, threads, conversation_of(session, written.article_id))
