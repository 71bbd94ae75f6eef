"""Fixtures for comments: an article, a comment that a reader has posted, and a signed-in owner."""

from __future__ import annotations

from collections.abc import Callable
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
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.cookies import session_cookie_name
from blogapp.owners.sessions import start_session
from blogapp.visitors.identity import new_token
from tests.conftest import locked

Post = Callable[..., TestResponse]
PublishArticle = Callable[..., Article]

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
    """Return a context in which another process holds the write lock, and requests wait for it 100 ms only."""
    defaults = {"durable": True, "lock_timeout_ms": 100}
    monkeypatch.setattr(write_transaction.__wrapped__, "__kwdefaults__", defaults)  # type: ignore[attr-defined]
    return locked(database_url, "conversations, comments", "EXCLUSIVE")


def signed_in(now: datetime = datetime(2026, 1, 2, tzinfo=UTC)) -> Author:
    """Return the owner as an author, for tests that need no request."""
    return Author(token_hash=None, owner_id=1, owner_name=OWNER, now=now, minutes=15)
