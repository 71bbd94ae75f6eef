"""Whose comment is it, and for how long may they change it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app, request
from werkzeug.local import LocalProxy

from blogapp import clock
from blogapp.comments.models import Comment
from blogapp.db.base import db
from blogapp.owners.sessions import signed_in_owner
from blogapp.text.i18n import gettext
from blogapp.visitors.cookie import read_token
from blogapp.visitors.identity import hash_token
from blogapp.web.errors import NotAllowed
from blogapp.web.http_cache import has_own_cookie

AUTHOR = "blogapp.author"


@dataclass(frozen=True)
class Author:
    """Somebody who looks at comments: by their cookie's hash (None for a reader), or as the owner, whose name it
    then is. What they posted they may change for `minutes`, as it is `now`."""

    token_hash: bytes | None
    owner_name: str
    now: datetime
    minutes: int

    @property
    def is_owner(self) -> bool:
        return bool(self.owner_name)

    def wrote(self, comment: Comment) -> bool:
        return self.token_hash is not None and comment.author_token_hash == self.token_hash

    def until(self, comment: Comment) -> datetime:
        """When the author's window closes."""
        return comment.created_at + timedelta(minutes=self.minutes)

    def minutes_left(self, comment: Comment) -> int:
        """Whole minutes left for changes, begun ones counted; 0 when it is too late."""
        return max(0, -int((self.now - self.until(comment)).total_seconds() // 60))

    def may_change(self, comment: Comment) -> bool:
        return self.is_owner or (self.wrote(comment) and self.minutes_left(comment) > 0)

    def check_may_change(self, comment: Comment) -> None:
        """Raises NotAllowed with the reason."""
        if self.is_owner:
            return
        if not self.wrote(comment):
            raise NotAllowed(gettext("Only its author can change a comment, from the browser that it was posted with."))
        if not self.minutes_left(comment):
            raise NotAllowed(gettext("The time for changes is over. Write a reply to add something."))


def init_app(app: Flask, minutes: int) -> None:
    app.config["COMMENT_EDIT_MINUTES"] = minutes
    # Looked up only where a template asks for it: an error page must not need the database that has just failed.
    app.context_processor(lambda: {"author": LocalProxy(current_author)})


def current_author() -> Author:
    """Who asks, by the request's cookies."""
    if AUTHOR not in request.environ:
        remember_author(read_token(request))
    author: Author = request.environ[AUTHOR]
    return author


def remember_author(token: str) -> None:
    """From here on this request is one of the visitor with this cookie: a first post makes its cookie on the way."""
    # Readers without one of our cookies cost no query.
    owner = signed_in_owner(db.session()) if has_own_cookie() else None
    request.environ[AUTHOR] = Author(
        token_hash=hash_token(token) if token else None,
        owner_name=owner.name if owner else "",
        now=clock.now(),
        minutes=current_app.config["COMMENT_EDIT_MINUTES"],
    )
