"""The author of the current request."""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.local import LocalProxy

from blogapp import clock
from blogapp.comments.permissions import Author
from blogapp.db.base import db
from blogapp.owners.sessions import signed_in_owner
from blogapp.visitors.cookie import read_token
from blogapp.visitors.identity import hash_token
from blogapp.web.http_cache import has_own_cookie

AUTHOR = "blogapp.author"


def init_app(app: Flask, minutes: int) -> None:
    """Make `author` available to templates; `minutes` is the length of the edit window."""
    app.config["COMMENT_EDIT_MINUTES"] = minutes
    # Evaluated only when a template uses it, so that an error page does not query a database that has failed.
    app.context_processor(lambda: {"author": LocalProxy(current_author)})


def current_author() -> Author:
    """Return the author, identified by the request's cookies."""
    if AUTHOR not in request.environ:
        remember_author(read_token(request))
    author: Author = request.environ[AUTHOR]
    return author


def remember_author(token: str) -> None:
    """Use `token` as the visitor's cookie for the rest of this request: a first comment creates its cookie during the
    request."""
    # A request without our cookies needs no query.
    owner = signed_in_owner(db.session()) if has_own_cookie() else None
    request.environ[AUTHOR] = Author(
        token_hash=hash_token(token) if token else None,
        owner_id=owner.id if owner else None,
        owner_name=owner.name if owner else "",
        now=clock.now(),
        minutes=current_app.config["COMMENT_EDIT_MINUTES"],
    )
