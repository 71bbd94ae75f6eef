"""POST /articles/<slug>/comments: with HTMX and without, valid and invalid forms."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.articles.models import CLOSED, Article
from blogapp.comments.models import Comment, Conversation
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import Post, PublishArticle

pytestmark = pytest.mark.usefixtures("article")


def test_form_without_htmx_redirects_to_the_comment(post: Post, client: FlaskClient) -> None:
    answer = post("birds", author_name="Ada", body="Hello *there*")
    assert answer.status_code == 303
    assert re.fullmatch(r"/articles/birds#comment-\d+", answer.headers["Location"])
    page = client.get("/articles/birds").text
    assert "Hello <em>there</em>" in page
    assert '<bdi class="comment-author">Ada</bdi>' in page
    assert '<span id="comment-count" data-count="1">1 comment</span>' in page


def test_htmx_response_has_comment_count_empty_form_and_message(post: Post) -> None:
    answer = post("birds", author_name="Ada", body="Hello *there*", htmx=True)
    assert answer.status_code == 201
    assert "<!doctype" not in answer.text
    assert re.search(r'<article class="comment" id="comment-\d+"', answer.text)
    assert 'id="comment-count" data-count="1" hx-swap-oob' in answer.text
    assert 'id="comment-form"' in answer.text
    assert "Your comment is posted." in answer.text
    assert "HX-Request" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_fragment_is_the_same_as_on_the_page(post: Post, client: FlaskClient) -> None:
    answer = post("birds", author_name="Ada", body="Hello", htmx=True)
    comment = re.search(r'<article class="comment".*?</article>', answer.text, re.DOTALL)
    assert comment
    assert comment.group(0) in client.get("/articles/birds").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize("htmx", [True, False])
@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"body": ""}, "body", "Please write a comment."),
        ({"body": " \n\t "}, "body", "Please write a comment."),
        ({"body": "\u200b\u3164"}, "body", "Please write a comment."),
        ({"body": "x" * 5001}, "body", "Comments are limited to 5,000 characters; this one has 5,001."),
        ({"author_name": ""}, "author_name", "Please enter a name or nickname."),
        ({"author_name": "\u202e\u200b"}, "author_name", "Please enter a name or nickname."),
        ({"author_name": "x" * 61}, "author_name", "Names are limited to 60 characters; this one has 61."),
        ({"author_url": "javascript:alert(1)"}, "author_url", "Please enter a web address"),
        ({"author_url": "https://a:b@example.org"}, "author_url", "Please enter a web address"),
        ({"author_url": "http://"}, "author_url", "Please enter a web address"),
        ({"author_email": "nobody"}, "author_email", "Please enter an e-mail address"),
        ({"author_email": "@example.org"}, "author_email", "Please enter an e-mail address"),
        ({"parent_id": "x"}, "form", "was not found"),
    ],
)
def test_invalid_form_keeps_its_fields_and_gets_a_message(
    post: Post, session: Session, fields: dict[str, str], field: str, sentence: str, htmx: bool
) -> None:
    typed = {"author_name": "Ada <3", "body": "Kept & typed", **fields}
    answer = post("birds", htmx=htmx, **typed)
    assert answer.status_code == 422
    assert ("<!doctype" in answer.text) != htmx
    error = re.search(rf'data-error-for="{field}"[^>]*>([^<]*)<', answer.text)
    assert error
    assert sentence in error.group(1)
    if "body" not in fields:
        assert "Kept &amp; typed</textarea>" in answer.text
    if "author_name" not in fields:
        assert 'value="Ada &lt;3"' in answer.text
    assert session.scalar(select(func.count()).select_from(Comment)) == 0


def test_overlong_text_is_kept_in_the_form(post: Post) -> None:
    text = "é😀" * 3000
    answer = post("birds", body=text)
    assert answer.status_code == 422
    assert text in answer.text


def test_five_thousand_four_byte_characters_are_stored(post: Post, client: FlaskClient) -> None:
    text = "😀𝒳" * 2500
    assert post("birds", body=text).status_code == 303
    assert text in client.get("/articles/birds").text


def test_reply_is_displayed_under_its_parent(post: Post, session: Session, client: FlaskClient) -> None:
    post("birds", body="One")
    post("birds", body="Two")
    first = session.scalars(select(Comment).where(Comment.body_source == "One")).one()
    answer = post("birds", author_name="Bob", body="Answer", parent_id=str(first.id), htmx=True)
    assert answer.status_code == 201
    assert f'hx-target="#comment-{first.id} ~ .replies, #comment-{first.id} ~ .thread > .replies"' in answer.text
    assert f'data-parent="{first.id}"' in answer.text
    page = client.get("/articles/birds").text
    assert page.index("One") < page.index("Answer") < page.index("Two</p>")


@pytest.mark.parametrize("htmx", [True, False])
def test_reply_to_a_missing_comment_keeps_the_text(post: Post, htmx: bool) -> None:
    answer = post("birds", body="Kept", parent_id="4711", htmx=htmx)
    assert answer.status_code == 409
    assert "Kept</textarea>" in answer.text
    assert "no longer available" in answer.text


def test_reply_to_a_comment_on_another_article_is_refused(
    post: Post, session: Session, publish_article: PublishArticle
) -> None:
    publish_article(slug="bees", lang="en", title="Bees")
    post("birds", body="One")
    first = session.scalars(select(Comment)).one()
    assert post("bees", body="Answer", parent_id=str(first.id)).status_code == 409


def test_deeply_nested_reply_names_the_author_of_its_parent(post: Post, session: Session, client: FlaskClient) -> None:
    parent = ""
    for depth in range(7):
        post("birds", author_name=f"Name{depth}", body=f"Depth {depth}", parent_id=parent)
        parent = str(session.scalars(select(func.max(Comment.id))).one())
    deepest = session.get_one(Comment, int(parent))
    assert deepest.depth == 6
    page = client.get("/articles/birds").text
    assert re.search(r"in reply to <a [^>]*>Name5</a>", page)
    assert page.count("in reply to") == 2


@pytest.mark.parametrize("has_cookie", [False, True])
def test_eight_simultaneous_identical_posts_create_one_comment(
    app: Flask, post: Post, session: Session, has_cookie: bool
) -> None:
    headers = {"HX-Request": "true"}
    if has_cookie:
        headers["Cookie"] = post("birds", body="Before").headers["Set-Cookie"].split(";")[0]
    gate = Barrier(8)

    def send(number: int) -> tuple[int, str]:
        gate.wait(60)
        form = {"author_name": "Ada", "body": "Once"}
        for _ in range(100):  # on a busy machine the write queue may refuse a request
            browser = app.test_client(use_cookies=False)
            answer = browser.post("/articles/birds/comments", data=form, headers=headers)
            if answer.status_code != 503:
                break
            time.sleep(0.1)
        return answer.status_code, re.findall(r'id="(comment-\d+)"', answer.text)[0]

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(8)))
    assert len(answers) == 1
    assert {status for status, _ in answers} == {201}
    assert session.scalar(select(func.count()).select_from(Comment).where(Comment.body_source == "Once")) == 1
    assert session.scalars(select(Conversation.comment_count)).one() == 1 + has_cookie


def test_repeated_form_gets_no_cookie(app: Flask) -> None:
    form = {"author_name": "Ada", "body": "Mine"}
    first = app.test_client().post("/articles/birds/comments", data=form)
    again = app.test_client().post("/articles/birds/comments", data=form)
    assert "visitor=" in first.headers["Set-Cookie"]
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Lax" in first.headers["Set-Cookie"]
    assert "Set-Cookie" not in again.headers
    assert again.headers["Location"] == first.headers["Location"]


def test_cookie_over_https_has_the_host_prefix(app: Flask) -> None:
    answer = app.test_client().post(
        "/articles/birds/comments", data={"author_name": "Ada", "body": "Safe"}, base_url="https://blog.example.org"
    )
    assert answer.headers["Set-Cookie"].startswith("__Host-visitor=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


def test_no_address_is_stored(post: Post, session: Session) -> None:
    post("birds", body="Hello")
    comment = session.scalars(select(Comment)).one()
    stored = " ".join(str(value) for value in vars(comment).values())
    assert "127.0.0" not in stored


def test_post_from_another_site_is_refused(client: FlaskClient, session: Session) -> None:
    form = {"author_name": "Ada", "body": "Hello"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8001"},
    ):
        assert client.post("/articles/birds/comments", data=form, headers=headers).status_code == 403
    assert session.scalar(select(func.count()).select_from(Comment)) == 0
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/articles/birds/comments", data=form, headers=own).status_code == 303


def test_body_over_64_kb_is_refused(client: FlaskClient) -> None:
    answer = client.post("/articles/birds/comments", data={"body": "x" * 70_000})
    assert answer.status_code == 413
    assert "too large" in answer.text
    fragment = client.post("/articles/birds/comments", data={"body": "x" * 70_000}, headers={"HX-Request": "true"})
    assert fragment.status_code == 413
    assert "<!doctype" not in fragment.text


def test_missing_article_is_404_and_wrong_method_405(client: FlaskClient) -> None:
    assert client.post("/articles/none/comments", data={"author_name": "A", "body": "B"}).status_code == 404
    assert client.delete("/articles/birds/comments").status_code == 405


@pytest.mark.settings(RATELIMIT_ENABLED="on", COMMENT_RATE_PER_MINUTE="2")
@pytest.mark.parametrize("htmx", [True, False])
def test_too_many_comments_from_one_network_are_refused_with_their_text(app: Flask, htmx: bool) -> None:
    client = app.test_client()
    headers = {"HX-Request": "true"} if htmx else {}

    def send(text: str, address: str) -> TestResponse:
        return client.post(
            "/articles/birds/comments",
            data={"author_name": "Ada", "body": text},
            headers=headers,
            environ_overrides={"REMOTE_ADDR": address},
        )

    good = 201 if htmx else 303
    assert send("one", "192.0.2.1").status_code == good
    assert send("two", "192.0.2.2").status_code == good
    refused = send("three", "192.0.2.3")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "three</textarea>" in refused.text
    assert "from your network" in refused.text
    # A repeated form gets the first response, and other networks are not limited.
    assert send("two", "192.0.2.2").status_code == good
    assert send("four", "198.51.100.1").status_code == good


@pytest.mark.settings(COMMENT_CLOSE_DAYS="1")
def test_closed_article_accepts_no_comments(publish_article: PublishArticle, post: Post, client: FlaskClient) -> None:
    from datetime import UTC, datetime

    publish_article(slug="old", lang="en", title="Old", published_at=datetime(2020, 1, 1, tzinfo=UTC))
    answer = post("old", body="Late")
    assert answer.status_code == 409
    page = client.get("/articles/old").text
    assert "Comments are closed." in page
    assert 'id="comment-form"' not in page


@pytest.mark.settings(RATELIMIT_ENABLED="on", COMMENT_RATE_PER_MINUTE="1")
@pytest.mark.parametrize("htmx", [True, False])
def test_repeat_without_cookie_over_the_limit_gets_the_first_answer(app: Flask, htmx: bool) -> None:
    form = {"author_name": "Ada", "body": "Once"}
    headers = {"HX-Request": "true"} if htmx else {}
    answers = [app.test_client().post("/articles/birds/comments", data=form, headers=headers) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {201 if htmx else 303}
    assert len({answer.headers.get("Location") for answer in answers}) == 1
    other = app.test_client().post("/articles/birds/comments", data={**form, "body": "Other"}, headers=headers)
    assert other.status_code == 429


@pytest.mark.parametrize("has_cookie", [True, False])
def test_repeat_after_the_comments_were_closed_gets_the_first_answer(
    app: Flask, session: Session, has_cookie: bool
) -> None:
    browser, form = app.test_client(), {"author_name": "Ada", "body": "Once"}
    first = browser.post("/articles/birds/comments", data=form)
    with app.app_context(), write_transaction() as writer:
        writer.execute(update(Article).values(comments=CLOSED))
    client = browser if has_cookie else app.test_client()
    again = client.post("/articles/birds/comments", data=form)
    assert (again.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    assert client.post("/articles/birds/comments", data={**form, "body": "Other"}).status_code == 409
    assert session.scalars(select(Comment.body_source)).all() == ["Once"]
