"""The word filter: it learns from the owner's decisions, holds spam, and lets honest comments pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments import bayes, spam
from blogapp.comments.link_hosts import hosts_of, searchable
from blogapp.comments.models import Comment, SpamWord
from blogapp.db.transactions import write_transaction
from blogapp.text import markup
from tests.comments.conftest import Post

CORPUS = Path(__file__).parent / "corpus"
FOLDS = 5


def texts(name: str) -> list[str]:
    return (CORPUS / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def comment_of(body: str, article_id: int = 1) -> Comment:
    html = markup.render_comment(body, "en")
    return Comment(
        article_id=article_id,
        author_name="Ada",
        body_source=body,
        body_html=html,
        body_digest=spam.digest_of(body),
        link_hosts=searchable(hosts_of(html, "")),
        learned_as="",
    )


def folds(kind: str, number: int) -> tuple[list[str], list[str]]:
    """The texts to learn and the texts to judge: each text is judged by a filter that has not learned it."""
    every = texts(kind)
    judged = every[number::FOLDS]
    return [each for each in every if each not in judged], judged


def test_honest_comments_pass_and_spam_is_held(app: Flask, article: Article) -> None:
    held: dict[str, list[str]] = {"honest": [], "spam": []}
    for number in range(FOLDS):
        with app.app_context(), write_transaction() as session:
            session.execute(delete(SpamWord))
            for kind in held:
                bayes.learn(session, [comment_of(each) for each in folds(kind, number)[0]], kind)
            for kind in held:
                for body in folds(kind, number)[1]:
                    connection, comment = session.connection(), comment_of(body)
                    signs = spam.signs_in_text(session, comment)
                    verdict = spam.judge(connection, comment, spam.Rules("open", 0), signs, clock.now())
                    if verdict.status != "published":
                        held[kind].append(body)
    assert len(held["honest"]) <= len(texts("honest")) / 100, held["honest"]
    assert len(held["spam"]) >= len(texts("spam")) * 0.75


def test_filter_abstains_until_it_has_learned_enough_of_both_kinds(app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        bayes.learn(session, [comment_of(each) for each in texts("spam")], "spam")
        bayes.learn(session, [comment_of(each) for each in texts("honest")[: bayes.ENOUGH - 1]], "honest")
        assert bayes.suspicious_words(session.connection(), comment_of(texts("spam")[0])) == []
        bayes.learn(session, [comment_of(texts("honest")[-1])], "honest")
        assert "viagra" in bayes.suspicious_words(session.connection(), comment_of(texts("spam")[0]))


def learned(session: Session) -> dict[str, tuple[int, int]]:
    session.rollback()
    rows = session.execute(select(SpamWord.word, SpamWord.spam, SpamWord.honest)).all()
    return {row.word: (row.spam, row.honest) for row in rows if row.spam or row.honest}


@pytest.mark.usefixtures("article")
def test_filter_learns_each_comment_once_and_forgets_what_is_undone(
    owner: FlaskClient, comment: int, client: FlaskClient, session: Session
) -> None:
    for _ in range(2):
        owner.post(f"/comments/{comment}/spam")
    once = {"": (1, 0), "ada": (1, 0), "first": (1, 0), "text": (1, 0)}
    assert learned(session) == once
    owner.post(f"/comments/{comment}/approval", data={"revision": "0"})
    assert learned(session) == dict.fromkeys(once, (0, 1))
    client.post(f"/comments/{comment}/edit", data={"body": "Second", "revision": "0"})
    assert learned(session) == {}
    answer = owner.post(f"/comments/{comment}/spam")
    batch = answer.headers["Location"].partition("undo=")[2].partition("#")[0]
    assert set(learned(session)) == {"", "ada", "second"}
    owner.post("/owner/comments/undo", data={"batch": batch})
    assert learned(session) == {}


@pytest.mark.usefixtures("article")
def test_words_of_a_wave_are_learned_and_forgotten(owner: FlaskClient, post: Post, session: Session) -> None:
    for number in range(3):
        post("birds", body=f"Pills {number} https://a{number}.example https://b.example https://c.example")
    answer = owner.post("/owner/comments/bulk", data={"all": "1", "status": "pending", "action": "spam"})
    assert learned(session)["pills"] == (3, 0)
    assert learned(session)["//b.example"] == (3, 0)
    batch = answer.headers["Location"].partition("undo=")[2]
    owner.post("/owner/comments/undo", data={"batch": batch, "queue": "status=pending"})
    assert learned(session) == {}


@pytest.mark.usefixtures("article")
def test_deletion_for_good_forgets_approved_words(owner: FlaskClient, comment: int, session: Session) -> None:
    owner.post(f"/comments/{comment}/removal")
    owner.post(f"/comments/{comment}/approval", data={"revision": "0"})
    assert learned(session)["first"] == (0, 1)
    owner.post(f"/comments/{comment}/erasure")
    assert learned(session) == {}
