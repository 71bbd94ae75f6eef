"""The owner's list of comments: states, filters, pages, decisions about many, and undo."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.models import NUMBER_WIDTH, Comment, Conversation
from blogapp.comments.queue import PER_PAGE
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX, Post
from tests.comments.test_query_plans import recorded, scans

Wave = Callable[..., list[int]]

pytestmark = pytest.mark.usefixtures("article")


@pytest.fixture
def wave(app: Flask, article: Article) -> Wave:
    """Return a function that stores many comments in one state, without rendering them."""

    def store(count: int, status: str = "pending", body: str = "Buy pills") -> list[int]:
        with app.app_context(), write_transaction() as session:
            first = (session.scalar(select(func.max(Comment.number))) or 0) + 1
            is_shown = status == "published"
            rows = [
                {
                    "article_id": article.id,
                    "number": number,
                    "depth": 0,
                    "path": f"{number:0{NUMBER_WIDTH}d}",
                    "status": status,
                    "shown": is_shown,
                    "published_in": number if is_shown else 0,
                    "author_name": f"Name {number}",
                    "body_source": f"{body} {number}",
                    "body_html": f"<p>{body} {number}</p>",
                    "renderer_version": 1,
                    "body_digest": hashlib.sha256(f"{number}".encode()).digest(),
                    "created_at": clock.now(),
                }
                for number in range(first, first + count)
            ]
            session.execute(insert(Comment), rows)
            last = first + count - 1
            counters = session.get(Conversation, article.id)
            if counters is None:
                counters = Conversation(article_id=article.id, last_number=0, version=0, comment_count=0)
                session.add(counters)
            counters.last_number = last
            counters.version += count
            counters.comment_count += count if is_shown else 0
            return list(session.scalars(select(Comment.id).where(Comment.number >= first).order_by(Comment.id)))

    return store


def shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li class="queued" id="queued-(\d+)"', page)]


def counts(page: str) -> dict[str, int]:
    found = re.findall(r'data-state="(\w+)">([\d,]+)<', page)
    return {state: int(number.replace(",", "")) for state, number in found}


def statuses(session: Session) -> dict[str, int]:
    session.rollback()
    return dict(session.execute(select(Comment.status, func.count()).group_by(Comment.status)).all())


def big_scans(app: Flask, statements: list[tuple[str, Any]]) -> list[str]:
    """The scans of big tables, without that of the counters, of which there is one row for each article."""
    return [line for line in scans(app, statements) if "conversations" not in line.split("<-")[0]]


def hidden_fields(page: str) -> dict[str, str]:
    form = page[page.index('id="bulk"') :].split("</form>")[0]
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in fields}


def test_list_shows_each_state_with_its_count(owner: FlaskClient, wave: Wave) -> None:
    for status, count in (("pending", 3), ("published", 2), ("spam", 4), ("removed", 1)):
        wave(count, status)
    for status, count in (("pending", 3), ("published", 2), ("spam", 4), ("removed", 1)):
        page = owner.get(f"/owner/comments?status={status}")
        assert counts(page.text) == {"pending": 3, "published": 2, "spam": 4, "removed": 1}
        assert len(shown(page.text)) == count
        assert page.headers["Cache-Control"] == "private, no-store"
    assert 'id="owner-count-owner_comments-index">3<' in owner.get("/articles/birds").text


def test_first_page_of_the_owner_says_how_many_comments_wait(owner: FlaskClient, wave: Wave) -> None:
    assert "No comment awaits approval" in owner.get("/owner").text
    wave(2)
    assert re.search('<a href="/owner/comments">2 comments await approval</a>', owner.get("/owner").text)


def test_list_is_read_in_pages_newest_first(owner: FlaskClient, wave: Wave) -> None:
    ids = wave(PER_PAGE + 10)
    first = owner.get("/owner/comments").text
    assert shown(first) == ids[:9:-1]
    address = re.search(r'href="(/owner/comments\?before=[^"]*)"', first)
    assert address is not None
    second = owner.get(html.unescape(address[1])).text
    assert shown(second) == ids[9::-1]
    assert 'rel="next"' not in second


def test_reply_is_shown_with_its_article_and_parent(owner: FlaskClient, comment: int, post: Post) -> None:
    post("birds", author_name="Bob", body="Answer", parent_id=str(comment))
    page = owner.get("/owner/comments?status=published").text
    assert re.search(rf'in reply to <a href="/comments/{comment}" rel="nofollow">Ada</a>', page)
    assert "First text</q>" in page
    assert ">Birds</a>" in page


def test_filters_narrow_the_list_down(
    owner: FlaskClient, app: Flask, publish_article: Callable[..., Article], session: Session
) -> None:
    publish_article(slug="fish", title="Fish")
    sent = [
        ("birds", "Ada", "The nightingale sings", "192.0.2.1", ""),
        ("birds", "Bob", "See https://shop.pills.example/x", "192.0.2.9", ""),
        ("fish", "Ada", "100% of pills_example", "198.51.100.7", "https://pills.example:8443"),
        ("fish", "Eve", "notpills.example is another host", "198.51.100.8", "https://notpills.example"),
    ]
    for slug, name, body, address, url in sent:
        form = {"author_name": name, "body": body, "author_url": url}
        place = {"REMOTE_ADDR": address}
        answer = app.test_client().post(f"/articles/{slug}/comments", data=form, environ_overrides=place)
        assert answer.status_code == 303
    marks = [each or b"" for each in session.scalars(select(Comment.network_mark).order_by(Comment.id))]
    assert marks[0] == marks[1] != marks[2] == marks[3]
    wanted = {
        "article=birds": [2, 1],
        "name=Ada": [3, 1],
        "words=NIGHTINGALE": [1],
        "words=sings+the": [1],
        "words=bob": [2],
        "words=100%25": [3],
        "words=s_e": [3],
        "host=pills.example": [3, 2],
        "host=https://SHOP.pills.example/": [2],
        "host=example": [],
        f"network={marks[0].hex()}": [2, 1],
        "article=fish&name=Ada": [3],
        "article=nowhere": [],
        "network=zz": [4, 3, 2, 1],
        "words=https://blog.example/articles/birds%23comment-2": [2],
        "words=/comments/3": [3],
        "comment=4": [4],
        "comment=99999999999999": [],
    }
    found = {query: shown(owner.get(f"/owner/comments?status=published&{query}").text) for query in wanted}
    assert found == wanted


def test_network_of_a_comment_is_stored_only_as_a_keyed_digest(comment: int, session: Session) -> None:
    row = session.scalars(select(Comment)).one()
    assert row.network_mark is not None
    assert len(row.network_mark) == 16
    assert row.network_mark != hashlib.sha256(b"127.0.0.0/24").digest()[:16]


@pytest.mark.settings(COMMENT_MODERATION="all")
@pytest.mark.parametrize(("noun", "status"), [("approval", "published"), ("spam", "spam"), ("removal", "removed")])
@pytest.mark.parametrize("htmx", [True, False])
def test_decision_in_the_list_updates_the_list(
    owner: FlaskClient, comment: int, session: Session, noun: str, status: str, htmx: bool
) -> None:
    page = owner.get("/owner/comments").text
    queue = html.unescape(re.findall(r'name="queue" value="([^"]*)"', page)[0])
    form = {"queue": queue, "revision": "0"}
    answer = owner.post(f"/comments/{comment}/{noun}", data=form, headers=HTMX if htmx else {})
    if htmx:
        assert f'hx-target="#queued-{comment}"' in answer.text
        assert 'id="bulk-all-label" data-count="0" hx-swap-oob="outerHTML">All 0 comments</label>' in answer.text
        assert 'id="owner-count-owner_comments-index" hx-swap-oob="innerHTML"></span>' in answer.text
    else:
        assert answer.headers["Location"].startswith("/owner/comments?status=pending&undo=")
    after = answer.text if htmx else owner.get(answer.headers["Location"]).text
    assert counts(after) == {"pending": 0, "published": 0, "spam": 0, "removed": 0, status: 1}
    assert statuses(session) == {status: 1}
    batch = re.findall(r'name="batch" value="(\d+)"', after)[0]
    undone = owner.post("/owner/comments/undo", data={"batch": batch, "queue": queue}, headers=HTMX if htmx else {})
    assert undone.status_code == (200 if htmx else 303)
    assert statuses(session) == {"pending": 1}
    if htmx:
        assert shown(undone.text) == [comment]
        assert counts(undone.text)["pending"] == 1


@pytest.mark.parametrize("address", ["/owner/comments", "/owner/comments/bulk", "/owner/comments/undo"])
def test_list_requires_a_session(client: FlaskClient, wave: Wave, session: Session, address: str) -> None:
    wave(1)
    client.set_cookie("owner", "x" * 43)
    form = {"all": "1", "status": "pending", "action": "spam"}
    assert client.get(address).status_code in {302, 405}
    assert client.post(address, data=form).status_code in {401, 405}
    assert client.post(address, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert "pills" not in client.get(address).text
    assert statuses(session) == {"pending": 1}


def test_comments_of_unpublished_articles_can_be_moderated(
    owner: FlaskClient, wave: Wave, publish_article: Callable[..., Article], session: Session
) -> None:
    (number,) = wave(1)
    publish_article(slug="birds", draft=True)
    page = owner.get("/owner/comments").text
    assert shown(page) == [number]
    form = {"queue": "status=spam"}
    for headers in (HTMX, {}):
        assert owner.post(f"/comments/{number}/spam", headers=headers).status_code < 400
        assert owner.post(f"/comments/{number}/approval", data=form, headers=headers).status_code < 400
    assert owner.get(f"/comments/{number}/erasure").status_code == 200
    assert statuses(session) == {"published": 1}


def test_list_needs_the_same_queries_for_ten_and_for_ten_thousand(owner: FlaskClient, wave: Wave, app: Flask) -> None:
    numbers = []
    for count in (10, 9_990):
        ids = wave(count)
        with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        for query in ("", "?status=spam", "?article=birds", "?name=Name+5", f"?network={'0' * 32}", "?host=a.example"):
            with recorded(app) as statements:
                assert owner.get(f"/owner/comments{query}").status_code == 200
            numbers.append(len(statements))
            assert count == 10 or big_scans(app, statements) == []
        with recorded(app) as statements:
            owner.post(f"/comments/{ids[0]}/spam", data={"queue": "status=pending"}, headers=HTMX)
        numbers.append(len(statements))
        assert count == 10 or big_scans(app, statements) == []
    assert numbers[:7] == numbers[7:]


def test_no_press_of_the_owner_scans_a_big_table(owner: FlaskClient, wave: Wave, app: Flask) -> None:
    ids = wave(3_000)
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    some, batch = {"id": [f"{each}@0" for each in ids[:50]]}, ""
    presses: dict[str, Callable[[], TestResponse]] = {
        "article": lambda: owner.get("/articles/birds"),
        "approve": lambda: owner.post(f"/comments/{ids[-1]}/approval", data={"revision": "0"}),
        "ban": lambda: owner.post(f"/comments/{ids[-2]}/ban", data={"days": "1"}),
        "lock": lambda: owner.post(f"/comments/{ids[-1]}/lock", data={"on": "1"}),
        "pin": lambda: owner.post(f"/comments/{ids[-1]}/pin", data={"on": "1"}),
        "erase": lambda: owner.post(f"/comments/{ids[-3]}/erasure"),
        "approve some": lambda: owner.post("/owner/comments/bulk", data={**some, "action": "approve"}),
        "all by name": lambda: owner.post(
            "/owner/comments/bulk", data={"all": "1", "name": "Name 5", "status": "published", "action": "remove"}
        ),
        "spam": lambda: owner.post("/owner/comments/bulk", data={"all": "1", "status": "pending", "action": "spam"}),
        "undo": lambda: owner.post("/owner/comments/undo", data={"batch": batch, "queue": ""}),
    }
    found = {}
    for name, press in presses.items():
        with recorded(app) as statements:
            answer = press()
        assert answer.status_code in {200, 303, 409}, name
        batch = re.findall(r"undo=(\d+)|$", answer.headers.get("Location", ""))[0]
        if lines := big_scans(app, statements):
            found[name] = lines
    assert found == {}


def test_day_that_begins_deletes_old_network_marks(app: Flask, comment: int, post: Post, session: Session) -> None:
    with app.app_context(), write_transaction() as writer:
        old = text("UPDATE comments SET created_at = '2020-01-01 00:00:00+00'")
        writer.execute(old)
        writer.execute(text("DELETE FROM visitor_keys"))
    app.test_client().post("/articles/birds/comments", data={"author_name": "Bob", "body": "New day"})
    session.rollback()
    marks = dict(session.execute(select(Comment.author_name, Comment.network_mark)).all())
    assert marks["Ada"] is None
    assert marks["Bob"] is not None
