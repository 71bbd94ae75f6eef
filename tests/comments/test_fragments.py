"""The cache of rendered comments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from blogapp.comments.fragments import Fragments
from blogapp.comments.models import Comment
from blogapp.comments.threads import Node
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import WriteComments

LATER = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("author_name", "Bea <3", "Bea &lt;3"),
        ("author_url", "https://bea.example", 'href="https://bea.example"'),
        ("body_html", "<p>Other words</p>", "Other words"),
        ("by_owner", True, "owner-mark"),
        ("created_at", LATER, "2026-03-04T05:06:00Z"),
        ("edited_at", LATER, 'class="edited"'),
        ("like_count", 7, ">7</button>"),
        ("status", "removed", "Removed by the site owner."),
    ],
)
def test_page_shows_every_change_of_a_comment(
    app: Flask, write_comments: WriteComments, column: str, value: Any, shown: str
) -> None:
    """The cache key has every value that a fragment shows, so no page shows an outdated fragment."""
    write_comments(["First text"])
    reader = app.test_client()
    assert shown not in reader.get("/articles/birds").text
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).values({column: value}))
    assert shown in reader.get("/articles/birds").text


def test_times_are_in_the_time_zone_of_the_site(owner: FlaskClient, app: Flask, write_comments: WriteComments) -> None:
    write_comments(["Text"])
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).values(created_at=LATER, edited_at=LATER))
    for zone, time in (("UTC", "05:06"), ("Asia/Tokyo", "14:06")):
        assert (
            owner.post("/owner/settings", data={"site_title": "Birds", "lang": "en", "time_zone": zone}).status_code
            == 303
        )
        page = app.test_client().get("/articles/birds").text
        assert f'<time datetime="2026-03-04T05:06:00Z">March 4, 2026, {time}</time>' in page
        assert f'title="March 4, 2026, {time}"' in page


def test_page_shows_a_change_of_the_parent_that_a_deep_reply_names(
    app: Flask, write_comments: WriteComments, session: Session
) -> None:
    parent: int | None = None
    for depth in range(6):
        (parent,) = write_comments([f"Depth {depth}"], parent_id=parent, author_name=f"Name {depth}")
    reader = app.test_client()
    assert ">Name 4</a>" in reader.get("/articles/birds").text
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).where(Comment.depth == 4).values(author_name="Bea"))
    assert ">Bea</a>" in reader.get("/articles/birds").text


def test_page_shows_every_change_of_a_reply_and_of_the_replies_that_are_left(
    app: Flask, write_comments: WriteComments
) -> None:
    """The HTML of a thread is cached as a whole."""
    (root,) = write_comments(["First text"])
    replies = write_comments([f"Reply {number}" for number in range(12)], parent_id=root)
    reader = app.test_client()
    page = reader.get("/articles/birds").text
    assert "Show 2 more replies" in page
    assert "Reply 9" in page
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).where(Comment.id == replies[1]).values(like_count=7))
    assert ">7</button>" in reader.get("/articles/birds").text
    write_comments(["Reply 12"], parent_id=root)
    page = reader.get("/articles/birds").text
    assert "Show 3 more replies" in page
    assert "13 replies" in page


def test_closed_article_and_another_language_have_separate_entries() -> None:
    fragments, node = Fragments(), Node(comment(1))
    assert fragments.html(("en", False, "/"), lambda node: "open", node) == "open"
    assert fragments.html(("en", True, "/"), lambda node: "closed", node) == "closed"
    assert fragments.html(("fr", False, "/"), lambda node: "ouvert", node) == "ouvert"
    assert fragments.html(("en", False, "/"), lambda node: "not asked", node) == "open"


def test_least_recently_used_entries_are_dropped_when_the_cache_is_full() -> None:
    fragments, rendered = Fragments(room=10_000), list[int]()

    def render(node: Node) -> str:
        rendered.append(node.comment.id)
        return "x" * 2_000

    for number in [*range(20), 19, 0]:
        fragments.html((), render, Node(comment(number)))
    assert rendered == [*range(20), 0]
    assert fragments.size <= 10_000


def comment(number: int) -> Comment:
    return Comment(id=number, author_name="Ada", body_html="<p>Text</p>", like_count=0)


def test_ten_comments_add_at_most_ten_kilobytes_and_200_elements(app: Flask, write_comments: WriteComments) -> None:
    """Fifty comments, texts included, are then most of the page's 62,000 bytes and 1,050 elements."""
    write_comments(str(number) for number in range(10))
    before = app.test_client().get("/articles/birds").text
    write_comments(str(number) for number in range(10, 20))
    after = app.test_client().get("/articles/birds").text
    assert len(after.encode()) - len(before.encode()) <= 10_000
    assert len(re.findall("<[a-z]", after)) - len(re.findall("<[a-z]", before)) <= 200
