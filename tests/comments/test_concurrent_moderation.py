"""Owners and readers write at the same time: no error, and the counters stay right."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment, CommentDecision, Conversation
from tests.comments.conftest import HTMX, WriteComments
from tests.comments.test_queue import Wave, wave

__all__ = ["wave"]


@pytest.mark.usefixtures("article")
def test_bulk_decisions_single_ones_and_posts_at_the_same_time(
    app: Flask,
    owner: FlaskClient,
    wave: Wave,
    write_comments: WriteComments,
    publish_article: Callable[..., Article],
    session: Session,
) -> None:
    publish_article(slug="fish", title="Fish")
    pending, published = wave(300), write_comments(f"Published {number}" for number in range(60))
    cookie = owner.get_cookie("owner")
    assert cookie is not None

    def as_owner(address: str, **form: str) -> int:
        browser = app.test_client()
        browser.set_cookie("owner", cookie.value)
        return browser.post(address, data=form, headers=HTMX).status_code

    def as_reader(number: int) -> int:
        form = {"author_name": "Bob", "body": f"Reader {number}"}
        slug = "birds" if number % 2 else "fish"
        return app.test_client().post(f"/articles/{slug}/comments", data=form, headers=HTMX).status_code

    bulk = "/owner/comments/bulk"
    # As many threads as may wait to write: more would be refused if the machine is slow (db/write_queue.py).
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(as_owner, bulk, all="1", status="pending", action="spam"),
            pool.submit(as_owner, bulk, all="1", status="published", words="Published", action="remove"),
            pool.submit(as_owner, bulk, all="1", status="pending", action="remove"),
        ]
        for number, each in enumerate(pending[:40]):
            jobs.append(pool.submit(as_owner, f"/comments/{each}/approval", revision="0", queue="status=pending"))
            jobs.append(pool.submit(as_owner, f"/comments/{published[number]}/spam", queue="status=published"))
            jobs.append(pool.submit(as_reader, number))
        statuses = {job.result() for job in jobs}
    assert statuses <= {200, 201, 202}
    session.rollback()
    counted = dict(
        session.execute(
            select(Comment.article_id, func.count()).where(Comment.status == "published").group_by(Comment.article_id)
        ).all()
    )
    assert counted == dict(session.execute(select(Conversation.article_id, Conversation.comment_count)).all())
    shown = select(func.count()).where(Comment.shown.is_(True), Comment.status != "published")
    assert session.scalar(shown) == 0
    # The last decision about each comment says how it came to its state.
    after = {"approve": "published", "spam": "spam", "remove": "removed"}
    last = select(func.max(CommentDecision.id)).group_by(CommentDecision.comment_id)
    query = (
        select(CommentDecision.act, Comment.status)
        .join(Comment, Comment.id == CommentDecision.comment_id)
        .where(CommentDecision.id.in_(last))
    )
    assert all(after[act] == status for act, status in session.execute(query))
