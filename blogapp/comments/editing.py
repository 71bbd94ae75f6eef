"""Edit and delete comments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from blogapp.comments import bayes, spam
from blogapp.comments.decisions import RULES, decider_of, record
from blogapp.comments.link_hosts import hosts_of, searchable
from blogapp.comments.models import (
    DELETE,
    DELETED,
    FINAL,
    HOLD,
    PENDING,
    PUBLISHED,
    REMOVED,
    Comment,
    CommentRevision,
    Like,
)
from blogapp.comments.permissions import Author
from blogapp.comments.spam import Rules
from blogapp.comments.visibility import hide, index_for_search, lock_comment, touch
from blogapp.text import markup
from blogapp.text.i18n import gettext
from blogapp.web.errors import Conflict, NotAllowed, NotFound

# Earlier texts of a comment are kept, at up to 20 KB each: these limit how much one comment can store. A reader may
# edit a comment MAX_EDITS times. The owner may edit it more often; then its first and its latest texts are kept.
MAX_EDITS = 20
MAX_REVISIONS = 20
# The columns of a comment that a permanent deletion empties.
ERASED_VALUES: dict[str, Any] = {
    "author_name": "",
    "author_url": "",
    "author_token_hash": None,
    "body_source": "",
    "body_html": "",
    "body_digest": b"",
    "digest": None,
    "edited_by": "",
    "like_count": 0,
    "link_hosts": "",
    "network_mark": None,
    "reasons": None,
    "learned_as": "",
}


class EditedMeanwhile(Conflict):
    """The comment has been edited since this edit began; `comment` has the current text."""

    def __init__(self, comment: Comment) -> None:
        super().__init__()
        self.comment = comment


def find_changeable(session: Session, comment_id: int, author: Author) -> Comment:
    """A comment that `author` may edit or delete now. Raises NotFound, or NotAllowed with the reason."""
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound
    _check(comment, author)
    return comment


def edit_comment(
    session: Session, comment_id: int, body: str, body_html: str, revision: int, author: Author, rules: Rules
) -> Comment:
    """Replace a comment's text; a write transaction must be open. `revision` is the one that the edit began with.

    The previous text is kept for the owner. The comment is held for approval if a new comment with this text would be,
    or if the text replaces an owner's edit. Raises NotFound, NotAllowed, EditedMeanwhile.
    """
    comment = find_changeable(session, comment_id, author)
    conversation = lock_comment(session, comment)
    _check(comment, author)
    if comment.body_source == body:
        return comment  # sent twice, or unchanged
    if comment.revision != revision:
        raise EditedMeanwhile(comment)
    if comment.revision >= MAX_EDITS and not author.is_owner:
        raise NotAllowed(gettext("This comment has been edited too many times. You can add a reply instead."))
    rules = spam.rules_of(conversation, rules)
    replaces_owners_edit = bool(comment.edited_by)
    bayes.learn(session, [comment], "")
    _replace_text(session, comment, body, body_html, author)
    if comment.status == PUBLISHED:
        touch(conversation, comment)
        verdict = spam.Verdict(PUBLISHED)
        if not author.is_owner:
            connection = session.connection()
            verdict = spam.judge(connection, comment, rules, spam.signs_in_text(session, comment))
        comment.reasons = verdict.reasons
        if verdict.status != PUBLISHED or (replaces_owners_edit and not author.is_owner):
            record(session, comment, HOLD, RULES, author.now)
            hide(session, conversation, comment, PENDING)
        else:
            index_for_search(session.connection(), comment)
    return comment


def delete_comment(session: Session, comment_id: int, author: Author) -> Comment:
    """Delete the author's own comment permanently: its name, text and earlier texts. A placeholder stays if it has
    replies. A write transaction must be open. Raises NotFound or NotAllowed."""
    comment = find_changeable(session, comment_id, author)
    conversation = lock_comment(session, comment)
    _check(comment, author)
    if not author.may_delete(comment):
        raise NotAllowed(gettext("Only its author can delete a comment. You can remove it."))
    record(session, comment, DELETE, decider_of(author, comment), author.now)
    erase_content(session, comment)
    hide(session, conversation, comment, DELETED)
    return comment


def erase_content(session: Session, comment: Comment) -> None:
    """Delete the name, the link, the text, the earlier texts, and everything that was computed from them or from the
    author's browser. The conversation must be locked."""
    if comment.learned_as == bayes.HONEST:
        bayes.learn(session, [comment], "")
    session.execute(delete(CommentRevision).where(CommentRevision.comment_id == comment.id))
    session.execute(delete(Like).where(Like.comment_id == comment.id))
    for name, value in ERASED_VALUES.items():
        setattr(comment, name, value)


def _check(comment: Comment, author: Author) -> None:
    # Only the author and the owner may know that an unpublished comment exists.
    if comment.status in FINAL or not (comment.is_published or author.is_owner or author.wrote(comment)):
        raise NotFound
    if comment.status == REMOVED:
        raise NotFound(gettext("This comment has been removed by the site owner."))
    author.check_may_change(comment)


def _replace_text(session: Session, comment: Comment, body: str, body_html: str, author: Author) -> None:
    editor = "" if author.wrote(comment) else author.owner_name
    session.add(
        CommentRevision(
            comment_id=comment.id,
            revision=comment.revision,
            body_source=comment.body_source,
            replaced_at=author.now,
            replaced_by=editor,
        )
    )
    comment.body_source, comment.body_html = body, body_html
    comment.renderer_version = markup.RENDERER_VERSION
    comment.link_hosts = searchable(hosts_of(body_html, comment.author_url))
    comment.body_digest = spam.digest_of(body)
    comment.digest = None
    comment.revision += 1
    comment.edited_at, comment.edited_by = author.now, editor
    _delete_old_revisions(session, comment)


def _delete_old_revisions(session: Session, comment: Comment) -> None:
    """Keep MAX_REVISIONS earlier texts: the first and the latest ones."""
    oldest_kept = comment.revision - (MAX_REVISIONS - 1)
    if oldest_kept > 1:
        old = CommentRevision.revision.between(1, oldest_kept - 1)
        session.execute(delete(CommentRevision).where(CommentRevision.comment_id == comment.id, old))
