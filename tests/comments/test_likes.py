"""Likes: one per visitor and comment, counted exactly under concurrency."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.comments.models import Comment


def like(
    app: Flask, comment: int, htmx: bool = True, address: str = "192.0.2.1", agent: str = "Firefox"
) -> TestResponse:
    return app.test_client().post(
        f"/comments/{comment}/likes",
        headers={"User-Agent": agent, **({"HX-Request": "true"} if htmx else {})},
        environ_overrides={"REMOTE_ADDR": address},
    )


def likes(session: Session) -> int:
    return session.scalars(select(Comment.like_count)).one()


def test_like_button_adds_and_removes_a_like(app: Flask, comment: int, session: Session) -> None:
    given = like(app, comment)
    assert given.status_code == 200
    assert 'aria-pressed="true"' in given.text
    assert ">1</button>" in given.text
    assert "Set-Cookie" not in given.headers
    assert likes(session) == 1
    taken = like(app, comment)
    assert 'aria-pressed="false"' in taken.text
    assert likes(session) == 0


def test_like_without_htmx_redirects_to_the_comment(app: Flask, comment: int, session: Session) -> None:
    answer = like(app, comment, htmx=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/articles/birds?notice=liked-{comment}#comment-{comment}"
    assert likes(session) == 1
    assert ">1</button>" in app.test_client().get("/articles/birds").text


def test_visitors_are_distinguished_by_network_and_browser(app: Flask, comment: int, session: Session) -> None:
    like(app, comment, address="192.0.2.1")
    like(app, comment, address="198.51.100.1")
    like(app, comment, address="198.51.100.1", agent="Chrome")
    assert likes(session) == 3


def test_own_comment_cannot_be_liked(client: FlaskClient, comment: int, session: Session) -> None:
    answer = client.post(f"/comments/{comment}/likes")
    assert answer.status_code == 403
    assert "own comment" in answer.text
    assert f"/comments/{comment}/likes" not in client.get("/articles/birds").text
    assert likes(session) == 0


def test_like_of_a_missing_comment_is_404(app: Flask, comment: int) -> None:
    assert like(app, 4711).status_code == 404


def test_sixty_simultaneous_likes_are_counted(app: Flask, comment: int, session: Session) -> None:
    def give(number: int) -> int:
        for _ in range(100):  # on a busy machine the write queue may refuse a request, which is then sent again
            answer = like(app, comment, address=f"10.0.{number}.1")
            if answer.status_code != 503:
                break
            time.sleep(0.1)
        return answer.status_code

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(give, range(60))) == {200: 60}
    assert likes(session) == 60
