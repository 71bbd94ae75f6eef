"""Threads as readers see them: a page of them, what came since, and how a comment enters or leaves the view.

Every page costs the same number of queries, and each query reads a range of an index: threads by number, replies by
path. A thread shows its first REPLIES_SHOWN replies; the path of the last of them is kept with the thread
(`fold_path`), so one query brings the beginnings of fifty threads without looking at the rest of any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from blogapp.comments.models import MAX_DEPTH, NUMBER_WIDTH, PENDING, PUBLISHED, SPAM, Comment, Conversation
from blogapp.db.transactions import insert_for
from blogapp.web.converters import whole_number
from blogapp.web.errors import NotFound

THREADS_PER_PAGE = 50
SORTS = ("oldest", "newest", "liked")
REPLIES_SHOWN = 10
REPLIES_PER_STEP = 50
CHANGES_AT_MOST = 50
ELSEWHERE_AT_MOST = 500


@dataclass
class Node:
    """A comment at its place: the replies shown under it, and whom it answers where the screen cannot show it."""

    comment: Comment
    answers: Comment | None = None
    replies: list[Node] = field(default_factory=list)
    hidden_replies: int = 0

    @property
    def voices(self) -> list[str]:
        """The names below the comment, each once, in reading order."""
        below = (node.comment for node in self if node is not self)
        return list(dict.fromkeys(comment.author_name for comment in below if comment.is_published))

    @property
    def last(self) -> Comment:
        """The last comment of the tree, as it is read."""
        return self.replies[-1].last if self.replies else self.comment

    def __iter__(self) -> Iterator[Node]:
        yield self
        for reply in self.replies:
            yield from reply


@dataclass(frozen=True)
class Page:
    """Some threads in the order `sort`; `before` is the cursor of the next page, "" at the end; `is_first` where
    nothing comes before them."""

    threads: list[Node]
    sort: str
    before: str
    is_first: bool


def conversation_of(session: Session, article_id: int) -> Conversation:
    """The article's conversation, an empty one where nobody has spoken yet."""
    found = session.get(Conversation, article_id)
    return found or Conversation(article_id=article_id, last_number=0, version=0, comment_count=0)


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
) -> Page:
    """A page of threads in the order `sort`: the first, those behind `cursor`, or those from the one that holds `at`
    on (oldest first, whatever `sort` says).

    `own` is the token hash of a visitor who also sees what of theirs waits for approval. The number of queries does
    not depend on the number of comments: threads, replies, with `at` the part of the thread around it, with `own`
    what waits. Raises NotFound for a cursor that is none.
    """
    query = select(Comment).where(Comment.article_id == article_id, Comment.root_id.is_(None), Comment.shown.is_(True))
    if at is not None:
        sort, query = "oldest", query.where(Comment.number >= number_of(at.path)).order_by(Comment.number)
    else:
        query = _in_order(query, sort, cursor)
    found = list(session.scalars(query.limit(THREADS_PER_PAGE + 1)))
    roots = found[:THREADS_PER_PAGE]
    threads = [Node(root) for root in roots]
    around = at if at is not None and at.root_id is not None and _is_folded(roots, at) else None
    _hang(threads, _first_replies(session, [root for root in roots if not around or root.id != around.root_id]))
    if around is not None:
        _hang(threads[:1], _replies_around(session, around))
    for thread in threads:
        thread.hidden_replies = thread.comment.reply_count - sum(1 for _ in thread) + 1
    more = len(found) > THREADS_PER_PAGE
    is_first = not cursor and (at is None or number_of(at.path) == 1)
    if own is not None:
        _add_own(threads, _waiting(session, article_id, own), new_here=is_first if sort == "newest" else not more)
    return Page(threads, sort, _cursor_of(roots[-1], sort) if more else "", is_first)


def load_elsewhere(session: Session, article_id: int, page: Page) -> list[int]:
    """The ids of the latest comments that are not on the page: a link to one of them can then be told where it is,
    even in a browser without JavaScript, which tells the server nothing of the part behind the #."""
    here = {node.comment.id for thread in page.threads for node in thread}
    latest = (
        select(Comment.id)
        .where(Comment.article_id == article_id, Comment.shown.is_(True))
        .order_by(Comment.changed_in.desc())
        .limit(ELSEWHERE_AT_MOST)
    )
    return [comment_id for comment_id in session.scalars(latest) if comment_id not in here]


def load_threads(session: Session, root_ids: Iterable[int]) -> list[Node]:
    """The threads that begin with these comments, as a page shows them: one query for them, one for their replies."""
    roots = list(session.scalars(select(Comment).where(Comment.id.in_(list(root_ids)))))
    threads = [Node(root) for root in roots]
    _hang(threads, _first_replies(session, roots))
    return threads


def _in_order(query: Select[Comment], sort: str, cursor: str) -> Select[Comment]:
    """Threads behind the cursor, which is the number of the last one before, for `liked` its likes and number."""
    likes, _, number = cursor.rpartition("-")
    try:
        behind = whole_number(number) if cursor else None
        behind_likes = whole_number(likes) if cursor and sort == "liked" else 0
    except ValueError:
        raise NotFound from None
    if sort == "newest":
        query = query.order_by(Comment.number.desc())
        return query if behind is None else query.where(Comment.number < behind)
    if sort == "liked":
        query = query.order_by(Comment.like_count.desc(), Comment.number.desc())
        here = tuple_(Comment.like_count, Comment.number)
        return query if behind is None else query.where(here < (behind_likes, behind))
    query = query.order_by(Comment.number)
    return query if behind is None else query.where(Comment.number > behind)


def _cursor_of(root: Comment, sort: str) -> str:
    return f"{root.like_count}-{root.number}" if sort == "liked" else str(root.number)


def number_of(path: str) -> int:
    """The number of the thread that a path lies in."""
    return int(path[:NUMBER_WIDTH])


def load_replies(session: Session, root: Comment, after_path: str) -> tuple[list[Node], int]:
    """The next replies of a thread behind `after_path`, as trees with the comment above each still unshown in them,
    and how many are left after them."""
    rows = _replies(
        session,
        and_(Comment.root_id == root.id, Comment.shown.is_(True), Comment.path > after_path),
        REPLIES_PER_STEP,
    )
    trees: list[Node] = []
    _hang(trees, rows)
    if len(rows) < REPLIES_PER_STEP:
        return trees, 0
    left = select(func.count()).where(
        Comment.root_id == root.id, Comment.shown.is_(True), Comment.path > rows[-1].comment.path
    )
    return trees, session.scalar(left) or 0


def load_changes(session: Session, article_id: int, since: int) -> list[Node]:
    """What changed for readers after version `since`, oldest change first and at most CHANGES_AT_MOST of them."""
    changed = and_(Comment.article_id == article_id, Comment.changed_in > since)
    return _nodes(session, select(Comment).where(changed).order_by(Comment.changed_in).limit(CHANGES_AT_MOST))


def version_of(session: Session, article_id: int, comment_id: int) -> int:
    """The version in which readers first saw the comment, or the last one before it that they saw."""
    seen = (
        select(Comment.published_in)
        .where(Comment.article_id == article_id, Comment.id <= comment_id, Comment.published_in > 0)
        .order_by(Comment.id.desc())
        .limit(1)
    )
    return session.scalar(seen) or 0


def find_comment(session: Session, comment_id: int) -> Comment:
    """A comment that readers see. Raises NotFound for no such, one that waits, and one that went without trace."""
    comment = session.get(Comment, comment_id)
    if comment is None or not comment.shown:
        raise NotFound
    return comment


def is_on_first_page(session: Session, comment: Comment) -> bool:
    """Whether the article's own address shows the comment: its thread is among the first, and it is not folded."""
    last = session.scalar(
        select(Comment.number)
        .where(Comment.article_id == comment.article_id, Comment.root_id.is_(None), Comment.shown.is_(True))
        .order_by(Comment.number)
        .offset(THREADS_PER_PAGE - 1)
        .limit(1)
    )
    root = session.get(Comment, comment.root_id) if comment.root_id else comment
    return (last is None or number_of(comment.path) <= last) and not (root and _is_folded([root], comment))


def conversation_for_writing(session: Session, article_id: int) -> Conversation:
    """The article's conversation, locked until the transaction ends: comments of one article are written one by one."""
    row = {"article_id": article_id, "last_number": 0, "version": 0, "comment_count": 0}
    session.execute(insert_for(session, Conversation).values(row).on_conflict_do_nothing(index_elements=["article_id"]))
    locked = select(Conversation).where(Conversation.article_id == article_id).with_for_update()
    return session.scalars(locked.execution_options(populate_existing=True)).one()


def reveal(session: Session, conversation: Conversation, comment: Comment) -> None:
    """Let readers see a comment, and the trace of what it answers if that was gone."""
    comment.status = PUBLISHED
    conversation.comment_count += 1
    _show(session, conversation, comment)
    comment.published_in = comment.changed_in
    parent = session.get(Comment, comment.parent_id) if comment.parent_id else None
    while parent is not None and not parent.shown:
        _show(session, conversation, parent)
        parent = session.get(Comment, parent.parent_id) if parent.parent_id else None


def hide(session: Session, conversation: Conversation, comment: Comment, status: str) -> None:
    """Take a comment from readers' view. Where replies are shown its place stays, without name or text; else it goes,
    and with it the places above that it alone held."""
    if comment.is_published:
        conversation.comment_count -= 1
    comment.status = status
    touch(conversation, comment)
    gone: Comment | None = comment
    while gone is not None and gone.shown and not gone.is_published and not _has_shown_replies(session, gone):
        gone.shown = False
        touch(conversation, gone)
        session.flush()
        if gone.root_id is not None:
            _count_replies(session, gone.root_id)
        gone = session.get(Comment, gone.parent_id) if gone.parent_id else None


def _show(session: Session, conversation: Conversation, comment: Comment) -> None:
    comment.shown = True
    touch(conversation, comment)
    session.flush()
    if comment.root_id is not None:
        _count_replies(session, comment.root_id)


def touch(conversation: Conversation, comment: Comment) -> None:
    """Note that the comment changes for readers: open pages will ask for it."""
    conversation.version += 1
    comment.changed_in = conversation.version


def _has_shown_replies(session: Session, comment: Comment) -> bool:
    replies = select(Comment.id).where(Comment.parent_id == comment.id, Comment.shown.is_(True))
    return bool(session.scalar(select(exists(replies))))


def _count_replies(session: Session, root_id: int) -> None:
    """Put the thread's number of replies and its fold right; the fold is the path of the REPLIES_SHOWNth reply."""
    root = session.get_one(Comment, root_id)
    shown = select(Comment).where(Comment.root_id == root_id, Comment.shown.is_(True)).subquery()
    root.reply_count = session.scalar(select(func.count()).select_from(shown)) or 0
    fold = select(shown.c.path).order_by(shown.c.path).offset(REPLIES_SHOWN - 1).limit(1)
    root.fold_path = session.scalar(fold) if root.reply_count > REPLIES_SHOWN else None
    session.flush()


def _is_folded(roots: list[Comment], comment: Comment) -> bool:
    root = next((root for root in roots if root.id == comment.root_id), None)
    return root is not None and root.fold_path is not None and comment.path > root.fold_path


def _first_replies(session: Session, roots: list[Comment]) -> list[Node]:
    """The replies that the threads show before "show more", in reading order."""
    root = aliased(Comment)
    folded = (
        select(Comment)
        .join(root, root.id == Comment.root_id)
        .where(
            root.id.in_([each.id for each in roots if each.reply_count]),
            Comment.shown.is_(True),
            # One range for both cases: "z" lies behind every path.
            Comment.path <= func.coalesce(root.fold_path, "z"),
        )
        .order_by(Comment.path)
    )
    return _nodes(session, folded)


def _replies_around(session: Session, at: Comment) -> list[Node]:
    """What stands above `at` on the screen, `at`, and what follows it."""
    above = [at.path[:end] for end in range(2 * NUMBER_WIDTH, len(at.path), NUMBER_WIDTH)]
    shown = and_(Comment.root_id == at.root_id, Comment.shown.is_(True))
    condition = and_(shown, or_(Comment.path.in_(above), Comment.path >= at.path))
    return _replies(session, condition, REPLIES_SHOWN + len(above))


def _replies(session: Session, condition: ColumnElement[bool], limit: int) -> list[Node]:
    return _nodes(session, select(Comment).where(condition).order_by(Comment.path).limit(limit))


def _nodes(session: Session, query: Select[Comment]) -> list[Node]:
    """The comments of `query`, each with the one it answers where the screen cannot show that by its place."""
    answered = aliased(Comment)
    deep = and_(answered.id == Comment.parent_id, Comment.depth > MAX_DEPTH)
    rows = session.execute(query.add_columns(answered).outerjoin(answered, deep))
    return [Node(comment, answers) for comment, answers in rows]


def _hang(threads: list[Node], replies: list[Node]) -> None:
    """Hang replies, in reading order, under the comments that they are shown under; a stray one becomes a thread."""
    places = {node.comment.id: node for thread in threads for node in thread}
    for node in replies:
        place = places.get(node.comment.shown_under_id or 0)
        (place.replies if place else threads).append(node)
        places[node.comment.id] = node


def _waiting(session: Session, article_id: int, own: bytes) -> list[Node]:
    """What a visitor has posted and nobody else sees yet. Spam is told nothing else: it waits like the rest."""
    waits = select(Comment).where(
        Comment.article_id == article_id,
        Comment.author_token_hash == own,
        Comment.status.in_((PENDING, SPAM)),
    )
    return _nodes(session, waits.order_by(Comment.number).limit(CHANGES_AT_MOST))


def _add_own(threads: list[Node], waiting: list[Node], new_here: bool) -> None:
    """Put a visitor's waiting comments at their places, as far as these are on the page; `new_here` is whether the
    page has the place for new threads."""
    places = {node.comment.id: node for thread in threads for node in thread}
    for node in waiting:
        place = places.get(node.comment.shown_under_id or 0)
        if place is not None:
            place.replies.append(node)
        elif node.comment.root_id is None and new_here:
            threads.append(node)
