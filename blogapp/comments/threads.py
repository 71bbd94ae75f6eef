"""Load a page of threads, or the replies of one thread.

Every page takes the same number of queries, and each query reads a range of an index: threads by number, replies by
path. A thread shows its first REPLIES_SHOWN replies. The path of the last of them is stored with the thread
(`fold_path`), so that one query reads the first replies of fifty threads and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from blogapp.comments.models import (
    AWAITING_APPROVAL,
    MAX_DEPTH,
    NUMBER_WIDTH,
    PENDING,
    AnyComment,
    Comment,
    CommentInfo,
    Conversation,
    ConversationInfo,
    FullComment,
)
from blogapp.values import frozen
from blogapp.web.converters import LARGEST_INTEGER, whole_number
from blogapp.web.errors import NotFound

THREADS_PER_PAGE = 50
SORTS = ("oldest", "newest", "liked")
REPLIES_PER_STEP = 50
# The most comments of a visitor that await approval on one page.
MAX_OWN = 50
MAX_ELSEWHERE = 100

# The columns of a CommentInfo, in its order.
INFO = select(*(getattr(Comment, column.name) for column in fields(CommentInfo)))
# Statements of every page are built once: building one takes longer than running it.
CONVERSATION = select(*(getattr(Conversation, column.name) for column in fields(ConversationInfo))).where(
    Conversation.article_id == bindparam("article_id")
)
LATEST_IDS = (
    select(Comment.id)
    .where(Comment.article_id == bindparam("article_id"), Comment.shown.is_(True))
    .order_by(Comment.changed_in.desc())
    .limit(MAX_ELSEWHERE)
)
# The number of the last thread of the first page.
LAST_THREAD = (
    select(Comment.number)
    .where(Comment.article_id == bindparam("article_id"), Comment.root_id.is_(None), Comment.shown.is_(True))
    .order_by(Comment.number)
    .offset(THREADS_PER_PAGE - 1)
    .limit(1)
)
_root = aliased(Comment)
FIRST_REPLIES = (
    INFO.join(_root, _root.id == Comment.root_id)
    .where(
        _root.id.in_(bindparam("root_ids", expanding=True)),
        Comment.shown.is_(True),
        # One range for both cases: "z" sorts after every path.
        Comment.path <= func.coalesce(_root.fold_path, "z"),
    )
    .order_by(Comment.path)
)


@dataclass
class Node:
    """A comment in its thread: the replies displayed under it, and its parent (`answers`) if the indentation cannot
    show it. A thread's first comment also has the number of replies that are not displayed (`hidden_replies`), how
    many of them come after the displayed ones (`replies_left`), and the comment that those follow (`last_read`)."""

    comment: AnyComment
    answers: AnyComment | None = None
    replies: list[Node] = field(default_factory=list)
    hidden_replies: int = 0
    replies_left: int = 0
    last_read: AnyComment | None = None
    is_pinned: bool = False

    @property
    def reply_authors(self) -> list[str]:
        """The names of those who replied below the comment, each once, in reading order."""
        below = (node.comment for node in self if node is not self)
        return list(dict.fromkeys(comment.author_name for comment in below if comment.is_published))

    @property
    def last(self) -> AnyComment:
        """The last comment of the tree in reading order."""
        return self.replies[-1].last if self.replies else self.comment

    def __iter__(self) -> Iterator[Node]:
        yield self
        for reply in self.replies:
            yield from reply


@frozen
class Page:
    """Some threads in the order `sort`. `before` is the cursor of the next page, empty on the last one; `is_first` says
    whether it is the first page."""

    threads: list[Node]
    sort: str
    before: str
    is_first: bool


def conversation_of(session: Session, article_id: int) -> ConversationInfo:
    """The article's conversation; an empty one if there are no comments yet."""
    found = session.connection().execute(CONVERSATION, {"article_id": article_id}).first()
    return ConversationInfo(*found) if found else ConversationInfo(article_id)


def comment_counts(session: Session, article_ids: Iterable[int]) -> dict[int, int]:
    """The number of published comments of each article, in one query."""
    ids = list(article_ids)
    query = select(Conversation.article_id, Conversation.comment_count).where(Conversation.article_id.in_(ids))
    found = dict(session.execute(query).all())
    return {article_id: found.get(article_id, 0) for article_id in ids}


def load_page(
    session: Session,
    article_id: int,
    sort: str = "oldest",
    cursor: str = "",
    at: Comment | None = None,
    own: bytes | None = None,
    with_pending: bool = False,
    pinned_id: int | None = None,
) -> Page:
    """A page of threads in the order `sort`: the first page, the threads after `cursor`, or the threads from the one
    that contains `at` on (oldest first, regardless of `sort`).

    `own` is the token hash of a visitor, who also sees their own comments that await approval; an owner sees all that
    do, except spam (`with_pending`). The thread `pinned_id` comes first on the first page and is left out of the
    others. The number of queries does not depend on the number of comments: threads, replies, with `at` the part of the
    thread around it, with `own` the comments that await approval. Raises NotFound for an invalid cursor.
    """
    found = _load_roots(session, article_id, sort, cursor) if at is None else _load_roots_from(session, at)
    sort = sort if at is None else "oldest"
    roots = found[:THREADS_PER_PAGE]
    cursor_root = roots[-1] if len(found) > THREADS_PER_PAGE else None
    if pinned_id is not None:
        roots = _with_pinned(session, roots, article_id, pinned_id, is_first=not cursor and at is None)
    threads = [Node(root, is_pinned=root.id == pinned_id) for root in roots]
    # Without JavaScript, "Show more replies" leads to the last displayed one: from there on, the page shows others.
    around = at if at is not None and _is_folded(roots, at, with_last_displayed=True) else None
    _attach(threads, _first_replies(session, [root for root in roots if not around or root.id != around.root_id]))
    if around is not None:
        _attach(threads[:1], _replies_around(session, around))
    for thread in (each for each in threads if each.comment.reply_count):
        # Counted before the visitor's own pending comments are added, which other readers do not see.
        thread.hidden_replies = thread.comment.reply_count - sum(1 for _ in thread) + 1
        thread.replies_left, thread.last_read = thread.hidden_replies, thread.last
    if around is not None:
        threads[0].replies_left = _count_replies_after(session, threads[0].comment, threads[0].last.path)
    more = len(found) > THREADS_PER_PAGE
    is_first = not cursor and (at is None or number_of(at.path) == 1)
    if own is not None or with_pending:
        awaiting = _pending(session, article_id) if with_pending else _own_awaiting(session, article_id, own or b"")
        _add_own(threads, awaiting, new_here=is_first if sort == "newest" else not more)
    return Page(threads, sort, _cursor_of(cursor_root, sort) if cursor_root else "", is_first)


def load_elsewhere(session: Session, article_id: int, page: Page) -> list[int]:
    """The ids of the latest comments that are not on the page. The page can then show where a linked comment is, even
    without JavaScript: the server never receives the part of a link after the #."""
    if page.is_first and not page.before and not any(thread.hidden_replies for thread in page.threads):
        return []
    here = {node.comment.id for thread in page.threads for node in thread}
    latest = session.connection().scalars(LATEST_IDS, {"article_id": article_id}).all()
    return [comment_id for comment_id in latest if comment_id not in here]


def load_threads(session: Session, root_ids: Iterable[int]) -> list[Node]:
    """The threads that start with these comments, as a page displays them: one query for them, one for replies."""
    ids = list(root_ids)
    if not ids:
        return []
    roots = read_comments(session, INFO.where(Comment.id.in_(ids)))
    threads = [Node(root) for root in roots]
    _attach(threads, _first_replies(session, roots))
    return threads


def read_comments(session: Session, query: Select[Any], values: dict[str, Any] | None = None) -> list[CommentInfo]:
    """The comments that `query` selects; it begins with INFO."""
    return [CommentInfo(*row) for row in session.connection().execute(query, values).all()]


def _with_pinned(
    session: Session, roots: list[CommentInfo], article_id: int, pinned_id: int, is_first: bool
) -> list[CommentInfo]:
    """The threads, with the pinned one first on the first page. On a page around a linked comment it keeps its place if
    it is the thread that contains that comment."""
    pinned = next((root for root in roots if root.id == pinned_id), None) or _find_shown(session, article_id, pinned_id)
    if pinned is None:
        return roots
    if not is_first and roots and roots[0] is pinned:
        return roots
    others = [root for root in roots if root is not pinned]
    return [pinned, *others] if is_first else others


def _find_shown(session: Session, article_id: int, comment_id: int) -> CommentInfo | None:
    shown = and_(Comment.id == comment_id, Comment.article_id == article_id, Comment.shown.is_(True))
    return next(iter(read_comments(session, INFO.where(shown))), None)


def _load_roots(session: Session, article_id: int, sort: str, cursor: str) -> list[CommentInfo]:
    """The first comments of the threads after the cursor, one more than a page shows. The cursor is the number of the
    previous page's last thread; for `liked`, its likes and number."""
    likes, _, number = cursor.rpartition("-")
    values: dict[str, int] = {"article_id": article_id}
    try:
        if cursor:
            values["behind"] = whole_number(number)
        if cursor and sort == "liked":
            values["likes"] = whole_number(likes, LARGEST_INTEGER)
    except ValueError:
        raise NotFound from None
    return read_comments(session, _roots(sort, bool(cursor)), values)


def _load_roots_from(session: Session, at: Comment) -> list[CommentInfo]:
    """The first comments of the thread that contains `at` and of those after it."""
    values = {"article_id": at.article_id, "behind": number_of(at.path) - 1}
    return read_comments(session, _roots("oldest", True), values)


@cache
def _roots(sort: str, is_after: bool) -> Select[Any]:
    of_article = Comment.article_id == bindparam("article_id")
    query = INFO.where(of_article, Comment.root_id.is_(None), Comment.shown.is_(True)).limit(THREADS_PER_PAGE + 1)
    behind: BindParameter[int] = bindparam("behind")
    if sort == "newest":
        query = query.order_by(Comment.number.desc())
        return query.where(Comment.number < behind) if is_after else query
    if sort == "liked":
        query = query.order_by(Comment.like_count.desc(), Comment.number.desc())
        here = tuple_(Comment.like_count, Comment.number)
        return query.where(here < tuple_(bindparam("likes"), behind)) if is_after else query
    query = query.order_by(Comment.number)
    return query.where(Comment.number > behind) if is_after else query


def _cursor_of(root: AnyComment, sort: str) -> str:
    return f"{root.like_count}-{root.number}" if sort == "liked" else str(root.number)


def number_of(path: str) -> int:
    """The number of the thread that a path belongs to."""
    return int(path[:NUMBER_WIDTH])


def load_replies(session: Session, root: Comment, after_path: str) -> tuple[list[Node], int]:
    """The next replies of a thread after `after_path`, as trees, and how many are left after them."""
    after = and_(Comment.root_id == root.id, Comment.shown.is_(True), Comment.path > after_path)
    rows = read_comments(session, INFO.where(after).order_by(Comment.path).limit(REPLIES_PER_STEP))
    left = _count_replies_after(session, root, rows[-1].path) if len(rows) == REPLIES_PER_STEP else 0
    return as_trees(session, rows), left


def is_on_first_page(session: Session, comment: FullComment, sort: str = SORTS[0]) -> bool:
    """Whether the first page displays the comment: its thread is there, and the comment is not folded."""
    root = session.get(Comment, comment.root_id) if comment.root_id else comment
    if root is None or _is_folded([root], comment):
        return False
    if sort != SORTS[0]:
        roots = _load_roots(session, comment.article_id, sort, "")[:THREADS_PER_PAGE]
        return root.id in [each.id for each in roots]
    last = session.connection().scalar(LAST_THREAD, {"article_id": comment.article_id})
    return last is None or number_of(comment.path) <= last


def _is_folded(roots: Sequence[AnyComment], comment: AnyComment, with_last_displayed: bool = False) -> bool:
    """Whether the comment comes after the replies that its thread displays, or is the last of these."""
    root = next((root for root in roots if root.id == comment.root_id), None)
    if root is None or root.fold_path is None:
        return False
    return comment.path > root.fold_path or (with_last_displayed and comment.path == root.fold_path)


def _first_replies(session: Session, roots: list[CommentInfo]) -> list[Node]:
    """The replies that the threads display before "show more", in reading order."""
    ids = [root.id for root in roots if root.reply_count]
    return as_nodes(session, read_comments(session, FIRST_REPLIES, {"root_ids": ids})) if ids else []


def _replies_around(session: Session, at: Comment) -> list[Node]:
    """The displayed ancestors of `at`, `at` itself, and the next replies after it."""
    above = [at.path[:end] for end in range(2 * NUMBER_WIDTH, len(at.path), NUMBER_WIDTH)]
    shown = and_(Comment.root_id == at.root_id, Comment.shown.is_(True))
    around = and_(shown, or_(Comment.path.in_(above), Comment.path >= at.path))
    query = INFO.where(around).order_by(Comment.path).limit(REPLIES_PER_STEP + len(above))
    return as_nodes(session, read_comments(session, query))


def _count_replies_after(session: Session, root: AnyComment, path: str) -> int:
    after = and_(Comment.root_id == root.id, Comment.shown.is_(True), Comment.path > path)
    return session.scalar(select(func.count()).where(after)) or 0


def count_nodes(trees: Iterable[Node]) -> int:
    """The number of comments in the trees."""
    return sum(1 for tree in trees for _ in tree)


def as_nodes(session: Session, comments: Sequence[AnyComment]) -> list[Node]:
    """The comments as nodes, each with its parent if the indentation cannot show it."""
    known = {comment.id: comment for comment in comments}
    deep = {comment.parent_id for comment in comments if comment.depth > MAX_DEPTH}
    # In reading order from the first reply on, each parent is among the comments, and this query is not needed.
    if missing := deep - known.keys():
        known.update((each.id, each) for each in read_comments(session, INFO.where(Comment.id.in_(missing))))
    return [Node(each, known.get(each.parent_id or 0) if each.depth > MAX_DEPTH else None) for each in comments]


def as_trees(session: Session, comments: Sequence[AnyComment]) -> list[Node]:
    """The comments, which are in reading order, as trees: each is under the comment that it is displayed under, if that
    one is among them."""
    trees: list[Node] = []
    _attach(trees, as_nodes(session, comments))
    return trees


def _attach(threads: list[Node], replies: list[Node]) -> None:
    """Attach replies, in reading order, to the comments that they are displayed under; one whose place is not on the
    page is added as a thread."""
    places = {node.comment.id: node for thread in threads for node in thread}
    for node in replies:
        place = places.get(node.comment.shown_under_id or 0)
        (place.replies if place else threads).append(node)
        places[node.comment.id] = node


def _own_awaiting(session: Session, article_id: int, own: bytes) -> list[Node]:
    """A visitor's own comments that await approval. Suspected spam looks the same to its author."""
    awaiting = INFO.where(
        Comment.article_id == article_id,
        Comment.author_token_hash == own,
        Comment.status.in_(AWAITING_APPROVAL),
    )
    return as_nodes(session, read_comments(session, awaiting.order_by(Comment.number).limit(MAX_OWN)))


def _pending(session: Session, article_id: int) -> list[Node]:
    """The latest comments of an article that await approval, oldest first."""
    pending = INFO.where(Comment.article_id == article_id, Comment.status == PENDING)
    found = read_comments(session, pending.order_by(Comment.id.desc()).limit(MAX_OWN))
    return as_nodes(session, found[::-1])


def _add_own(threads: list[Node], awaiting: list[Node], new_here: bool) -> None:
    """Add comments that await approval, if the comments they belong under are on the page. `new_here`:
    new threads belong on this page."""
    places = {node.comment.id: node for thread in threads for node in thread}
    for node in awaiting:
        place = places.get(node.comment.shown_under_id or 0)
        if place is not None:
            place.replies.append(node)
        elif node.comment.root_id is None and new_here:
            threads.append(node)
