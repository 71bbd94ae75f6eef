"""Two forms at the same time, and what happens to the article in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.models import REMOVED, Comment, Conversation
from blogapp.comments.posting import REPEAT_PERIOD, Draft, Posted, Sender, post_comment, prepare
from blogapp.comments.spam import Rules
from blogapp.comments.visibility import lock_comment
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.web.errors import NotFound

SENDER = Sender(token_hash=b"t" * 32, visitor=b"v" * 32)


def send(article: Article, draft: Draft) -> Posted:
    """Post the comment. Both copies of a form are prepared before the first one gets the write lock."""
    prepared = prepare(db.session(), article, draft, f"<p>{draft.body}</p>", clock.now())
    with write_transaction(article.id) as session:
        return post_comment(session, article, prepared, SENDER, Rules("open", 0), clock.now())


def test_second_copy_of_a_reply_is_a_repeat_after_its_parent_was_removed(
    app: Flask, article: Article, comment: int, session: Session
) -> None:
    reply = Draft("Bob", "", "Answer", comment, trapped=False)
    with app.app_context():
        first = send(article, reply)
        with write_transaction(article.id) as writer:
            writer.execute(update(Comment).where(Comment.id == comment).values(status=REMOVED))
        again = send(article, reply)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.comment.id == first.comment.id
    assert len(session.scalars(select(Comment.id)).all()) == 2


def test_same_form_after_the_period_is_another_comment(app: Flask, article: Article, session: Session) -> None:
    draft = Draft("Bob", "", "Thank you!", None, trapped=False)
    with app.app_context():
        first = send(article, draft)
        with write_transaction(article.id) as writer:
            long_ago = clock.now() - REPEAT_PERIOD - timedelta(seconds=1)
            writer.execute(update(Comment).values(created_at=long_ago))
        second = send(article, draft)
        assert not send(article, draft).is_new
    assert first.is_new
    assert second.is_new
    rows = session.execute(select(Comment.id, Comment.digest).order_by(Comment.id)).all()
    assert [row.id for row in rows] == [first.comment.id, second.comment.id]
    assert rows[0].digest is None
    assert rows[1].digest is not None
    assert session.get_one(Conversation, article.id).last_number == 2


def test_comment_on_an_article_that_is_deleted_meanwhile_is_not_found(app: Flask, article: Article) -> None:
    with app.app_context():
        prepared = prepare(db.session(), article, Draft("Bob", "", "Late", None, False), "<p>Late</p>", clock.now())
        with write_transaction() as writer:
            writer.execute(delete(Article).where(Article.id == article.id))
        with pytest.raises(NotFound), write_transaction(article.id) as session:
            post_comment(session, article, prepared, SENDER, Rules("open", 0), clock.now())


def test_change_of_a_comment_whose_article_is_deleted_meanwhile_is_not_found(
    app: Flask, article: Article, comment: int
) -> None:
    with app.app_context():
        loaded = db.session.get_one(Comment, comment)
        db.session.commit()
        with write_transaction() as writer:
            writer.expunge_all()
            writer.execute(delete(Article).where(Article.id == article.id))
        with pytest.raises(NotFound), write_transaction(article.id) as session:
            lock_comment(session, loaded)
