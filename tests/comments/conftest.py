"""Fixtures for comments: an article, a comment that a reader has posted, and a signed-in owner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.models import Comment
from blogapp.comments.permissions import Author
from blogapp.comments.posting import Draft, Sender, post_comment, prepare
from blogapp.comments.spam import Rules
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.cookies import session_cookie_name
from blogapp.owners.sessions import start_session
from blogapp.visitors.identity import new_token
from tests.conftest import locked

Post = Callable[..., TestResponse]
PublishArticle = Callable[..., Article]
WriteComments = Callable[..., list[int]]

HTMX = {"HX-Request": "true"}
OWNER = "Chloé Martin"


@pytest.fixture
def article(publish_article: PublishArticle) -> Article:
    """Return the article at /articles/birds."""
    return publish_article(slug="birds", lang="en", title="Birds")


@pytest.fixture
def comment(article: Article, post: Post, session: Session) -> int:
    """Return the id of a comment that `client` has posted: "First text" by Ada."""
    post("birds", author_name="Ada", body="First text")
    return session.scalars(select(Comment.id)).one()


@pytest.fixture
def write_comments(app: Flask, article: Article) -> WriteComments:
    """Return a function that posts many comments on the article in one transaction, and returns their ids."""

    def write(bodies: Iterable[str], parent_id: int | None = None, author_name: str = "Ada") -> list[int]:
        sender, rules = Sender(token_hash=b"t" * 32, visitor=None), Rules("open", 0)
        with app.app_context(), write_transaction() as session:
            drafts = [Draft(author_name, "", body, parent_id, trapped=False) for body in bodies]
            prepared = [prepare(session, article, draft, f"<p>{draft.body}</p>", clock.now()) for draft in drafts]
            return [post_comment(session, article, each, sender, rules, clock.now()).comment.id for each in prepared]

    return write


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """Return a browser in which the owner is signed in."""
    token = new_token()
    with app.app_context(), write_transaction() as session:
        # These tests do not check the password, and hashing one takes longer than most of them.
        account = save_owner(session, OWNER, password_hash="")
        start_session(session, account, token, "Firefox", clock.now())
    browser = app.test_client()
    browser.set_cookie(session_cookie_name(is_secure=False), token)
    return browser


@pytest.fixture
def busy(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """Return a context in which another process holds the write lock and requests wait for it only 100 ms."""
    defaults = {"durable": True, "lock_timeout_ms": 100}
    monkeypatch.setattr(write_transaction.__wrapped__, "__kwdefaults__", defaults)  # type: ignore[attr-defined]
    return locked(database_url, "conversations, comments", "EXCLUSIVE")


def signed_in(now: datetime = datetime(2026, 1, 2, tzinfo=UTC)) -> Author:
    """Return the owner as an author, for tests that need no request."""
    return Author(token_hash=None, owner_id=1, owner_name=OWNER, now=now, minutes=15)
