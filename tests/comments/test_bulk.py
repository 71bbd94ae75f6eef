"""Decisions about many comments of the owner's list at once."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.comments.bulk import BATCH, VISIBLE_BATCH
from blogapp.comments.models import Comment, CommentDecision, Conversation
from tests.comments.conftest import HTMX
from tests.comments.test_query_plans import recorded
from tests.comments.test_queue import Wave, hidden_fields, statuses
from tests.comments.test_queue import wave as wave


@pytest.mark.settings(COMMENT_MODERATION="all")
@pytest.mark.parametrize("htmx", [True, False])
def test_checked_comments_are_decided_about_together(
    owner: FlaskClient, wave: Wave, session: Session, htmx: bool
) -> None:
    ids = wave(5)
    form = {"status": "pending", "id": [f"{ids[0]}@0", f"{ids[1]}@0", "4711", "x", "-1"], "action": "approve"}
    answer = owner.post("/owner/comments/bulk", data=form, headers=HTMX if htmx else {})
    after = answer.text if htmx else owner.get(answer.headers["Location"]).text
    assert "2 comments are published." in after
    assert "1 comment was left as it is" in after
    assert statuses(session) == {"pending": 3, "published": 2}
    assert session.scalars(select(Conversation.comment_count)).one() == 2
    batch = re.findall(r'name="batch" value="(\d+)"', after)[0]
    assert owner.post("/owner/comments/undo", data={"batch": batch, "queue": "status=pending"}).status_code == 303
    assert statuses(session) == {"pending": 5}
    assert session.scalars(select(Conversation.comment_count)).one() == 0


def test_bulk_approval_leaves_out_texts_that_were_not_seen(
    owner: FlaskClient, comment: int, client: FlaskClient, session: Session
) -> None:
    owner.post(f"/comments/{comment}/spam")
    page = owner.get("/owner/comments?status=spam").text
    client.post(f"/comments/{comment}/edit", data={"body": "Exchanged", "revision": "0"})
    for form in ({"id": f"{comment}@0"}, {**hidden_fields(page), "all": "1"}):
        owner.post("/owner/comments/bulk", data={"action": "approve", "status": "spam", **form})
        assert statuses(session) == {"spam": 1}
    owner.post("/owner/comments/bulk", data={"action": "approve", "id": f"{comment}@1"})
    assert statuses(session) == {"published": 1}


def test_all_that_match_leaves_out_what_arrived_later(owner: FlaskClient, wave: Wave, session: Session) -> None:
    wave(3)
    form = hidden_fields(owner.get("/owner/comments?words=pills").text)
    wave(2)
    owner.post("/owner/comments/bulk", data={**form, "all": "1", "action": "spam"})
    assert statuses(session) == {"pending": 2, "spam": 3}


def test_all_that_match_respects_the_filter(owner: FlaskClient, wave: Wave, session: Session) -> None:
    wave(3)
    wave(2, body="A kind word")
    form = hidden_fields(owner.get("/owner/comments?words=pills").text)
    assert form["words"] == "pills"
    owner.post("/owner/comments/bulk", data={**form, "all": "1", "action": "remove"})
    assert statuses(session) == {"pending": 2, "removed": 3}


def test_wave_goes_to_spam_in_one_press_and_comes_back(
    owner: FlaskClient, wave: Wave, app: Flask, session: Session
) -> None:
    count = 2 * BATCH + 10
    wave(count)
    wave(2, "published")
    page = owner.get("/owner/comments").text
    assert f"All {count:,} comments" in page
    before = app.test_client().get("/articles/birds").data
    with recorded(app) as statements:
        answer = owner.post("/owner/comments/bulk", data={**hidden_fields(page), "all": "1", "action": "spam"})
    assert len(statements) < 100
    assert statuses(session) == {"published": 2, "spam": count}
    assert session.scalar(select(func.count()).select_from(CommentDecision)) == count
    assert app.test_client().get("/articles/birds").data == before
    after = owner.get(answer.headers["Location"]).text
    assert f"{count:,} comments are marked as spam." in after
    batch = re.findall(r'name="batch" value="(\d+)"', after)[0]
    with recorded(app) as statements:
        owner.post("/owner/comments/undo", data={"batch": batch, "queue": ""})
    assert len(statements) < 100
    assert statuses(session) == {"published": 2, "pending": count}


def test_many_published_comments_are_removed_and_come_back(
    owner: FlaskClient, wave: Wave, app: Flask, session: Session
) -> None:
    count = 2 * VISIBLE_BATCH + 10
    wave(count, "published")
    assert app.test_client().get("/articles/birds").text.count('class="item"') == 50
    form = {"status": "published", "all": "1", "action": "remove"}
    answer = owner.post("/owner/comments/bulk", data=form)
    assert statuses(session) == {"removed": count}
    assert session.scalars(select(Conversation.comment_count)).one() == 0
    assert 'class="item"' not in app.test_client().get("/articles/birds").text
    batch = re.findall(r"undo=(\d+)", answer.headers["Location"])[0]
    owner.post("/owner/comments/undo", data={"batch": batch, "queue": ""})
    assert statuses(session) == {"published": count}
    assert session.scalars(select(Conversation.comment_count)).one() == count


@pytest.mark.parametrize("htmx", [True, False])
def test_deleting_many_for_good_asks_first(owner: FlaskClient, wave: Wave, session: Session, htmx: bool) -> None:
    ids = wave(3, "spam")
    headers = HTMX if htmx else {}
    form = {"status": "spam", "id": [f"{ids[0]}@0", f"{ids[1]}@0"], "action": "erase"}
    question = owner.post("/owner/comments/bulk", data=form, headers=headers).text
    assert "Delete 2 comments for good?" in question
    assert statuses(session) == {"spam": 3}
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', question)
    sent = {name: [value for each, value in fields if each == name] for name, _ in fields}
    assert owner.post("/owner/comments/bulk", data=sent, headers=headers).status_code == (200 if htmx else 303)
    assert statuses(session) == {"spam": 1, "erased": 2}
    erased = session.scalars(select(Comment).where(Comment.status == "erased")).all()
    assert {(each.author_name, each.body_source, each.body_html) for each in erased} == {("", "", "")}
    answer = owner.post("/owner/comments/bulk", data={"status": "spam", "all": "1", "action": "erase"})
    assert "Delete all comments that match for good?" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "spam"},
        {"action": "nothing", "all": "1"},
        {"id": "1@0"},
    ],
)
def test_bulk_form_without_a_selection_changes_nothing(
    owner: FlaskClient, wave: Wave, session: Session, form: dict[str, str]
) -> None:
    wave(1)
    answer = owner.post("/owner/comments/bulk", data={"status": "pending", **form})
    assert answer.status_code == 200
    assert "Select at least one comment." in answer.text
    assert statuses(session) == {"pending": 1}


def test_thousands_of_ids_in_one_form_are_limited(owner: FlaskClient, wave: Wave, session: Session) -> None:
    ids = wave(1_100)
    answer = owner.post("/owner/comments/bulk", data={"id": [f"{each}@0" for each in ids], "action": "spam"})
    assert answer.status_code == 303
    assert statuses(session) == {"pending": 100, "spam": 1_000}
    form = {"id": [f"{each}@0" for each in range(10_000)], "action": "spam"}
    assert owner.post("/owner/comments/bulk", data=form).status_code == 413
