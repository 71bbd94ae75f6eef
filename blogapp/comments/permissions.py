"""Permissions to see, edit, delete and remove comments."""

from __future__ import annotations

from datetime import datetime, timedelta

from blogapp.comments.models import AnyComment
from blogapp.text.i18n import gettext
from blogapp.values import frozen
from blogapp.web.errors import NotAllowed


@frozen
class Author:
    """The author of a request: a browser identified by the hash of its cookie (None without a cookie), or the signed-in
    owner. Commenters can change their own comments for `minutes` minutes; `now` is the time of the request."""

    token_hash: bytes | None
    owner_id: int | None
    owner_name: str
    now: datetime
    minutes: int

    @property
    def is_owner(self) -> bool:
        return self.owner_id is not None

    def wrote(self, comment: AnyComment) -> bool:
        """Whether the comment was posted from this browser or by this owner."""
        if self.token_hash is not None and comment.author_token_hash == self.token_hash:
            return True
        return self.is_owner and comment.by_owner and comment.author_name == self.owner_name

    def sees(self, comment: AnyComment) -> bool:
        """Whether the comment's name and text are displayed to this person."""
        return comment.is_published or (comment.awaits_approval and (self.is_owner or self.wrote(comment)))

    def until(self, comment: AnyComment) -> datetime:
        """When the comment's edit window ends."""
        return comment.created_at + timedelta(minutes=self.minutes)

    def minutes_left(self, comment: AnyComment) -> int:
        """Minutes left in the edit window, rounded up; 0 after its end."""
        return max(0, -int((self.now - self.until(comment)).total_seconds() // 60))

    def may_edit(self, comment: AnyComment) -> bool:
        return self.is_owner or (self.wrote(comment) and self.minutes_left(comment) > 0)

    def may_delete(self, comment: AnyComment) -> bool:
        return self.wrote(comment) and (self.is_owner or self.minutes_left(comment) > 0)

    def may_remove(self, comment: AnyComment) -> bool:
        """The owner deletes their own comments, and removes those of others."""
        return self.is_owner and not self.wrote(comment)

    def check_may_change(self, comment: AnyComment) -> None:
        """Raise NotAllowed with the reason if the comment cannot be edited."""
        if self.is_owner:
            return
        if not self.wrote(comment):
            raise NotAllowed(
                gettext("Comments can only be edited by their author, in the browser they were posted from.")
            )
        if not self.minutes_left(comment):
            raise NotAllowed(gettext("This comment can no longer be edited. You can add a reply instead."))
