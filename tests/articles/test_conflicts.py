"""Forms of the editor that are sent twice, late, or from two tabs lose nothing and overwrite nothing."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from tests.articles.conftest import NAME, OTHER_NAME, PASSWORD, Form, hidden_of, signed_in
from tests.articles.test_editor import stored


def test_article_that_was_deleted_elsewhere_says_so_until_it_is_published(writer: FlaskClient) -> None:
    form = Form(writer)
    form.send("publish", True, title="Birds", body="They sing.")
    Form(writer, form.address).send("delete", title="Birds", body="They sing.")
    refused = form.send("publish", True, title="Birds", body="They fly.")
    assert refused.status_code == 409
    assert "This article is in the bin." in refused.text
    other = Form(writer, form.address)
    assert "This article is in the bin." in other.send("save", True, title="Birds", body="They fly.").text
    assert "in the bin" not in other.send("publish", True, title="Birds", body="They fly.").text


@pytest.mark.parametrize("htmx", [False, True])
def test_later_tab_gets_both_texts_and_overwrites_nothing(
    app: Flask, writer: FlaskClient, session: Session, htmx: bool
) -> None:
    first = Form(writer)
    first.send("save", title="Birds", body="The first text.")
    second = Form(signed_in(app, OTHER_NAME), first.address)
    second.send("save", title="Birds", body="Second <b>words</b> are stored.")
    answer = first.send("publish", htmx, title="Birds", body="My text.")
    assert answer.status_code == 409
    assert stored(session, first.article_id).body_source == "Second <b>words</b> are stored."
    if htmx:
        assert "Ada has saved this article elsewhere" in answer.text
        answer = first.send("compare", title="Birds", body="My text.")
    page = answer.text
    assert "<b>words" not in page
    assert "Second &lt;b&gt;words&lt;/b&gt; are stored." in page
    assert ">\nMy text.</textarea>" in page
    merged = Form(writer, first.address)
    merged.hidden = hidden_of(page)
    assert merged.send("publish", htmx, title="Birds", body="Both.").status_code in {200, 303}
    assert stored(session, first.article_id).body_source == "Both."


def reloaded(form: Form, late: Form) -> Form:
    """A form that was rendered before the last save of `form`, and has taken over its text, as `late` is."""
    late.hidden["continued"] = f"{form.hidden['editor']}.{form.sequence}"
    return late


def test_save_that_arrives_after_the_page_was_reloaded_is_no_conflict(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("autosave", True, title="Birds", body="One")
    late = Form(writer, form.address)
    form.send("autosave", True, title="Birds", body="One, two")
    late = reloaded(form, late)
    assert late.send("autosave", True, title="Birds", body="One, two, three").status_code == 200
    assert stored(session, form.article_id).body_source == "One, two, three"


def test_new_article_that_was_stored_after_the_page_was_reloaded_is_not_stored_twice(
    writer: FlaskClient, session: Session
) -> None:
    form, late = Form(writer), Form(writer)
    form.send("autosave", True, title="Birds", body="One")
    late = reloaded(form, late)
    late.send("autosave", True, title="Birds", body="One, two")
    assert [each.body_source for each in session.scalars(select(Article))] == ["One, two"]


@pytest.mark.parametrize("who", ["another owner", "the same form, which is still open"])
def test_reloaded_form_conflicts_with_a_later_save(app: Flask, writer: FlaskClient, session: Session, who: str) -> None:
    form = Form(writer)
    form.send("autosave", True, title="Birds", body="One")
    late = Form(writer, form.address)
    form.send("autosave", True, title="Birds", body="One, two")
    late = reloaded(form, late)
    if who == "another owner":
        Form(signed_in(app, OTHER_NAME), form.address).send("save", title="Birds", body="Newest")
    else:
        form.send("autosave", True, title="Birds", body="Newest")
    assert late.send("autosave", True, title="Birds", body="One, two, three").status_code == 409
    assert stored(session, form.article_id).body_source == "Newest"


@pytest.mark.parametrize("continued", ["", ".", "abcdefghij", "abcdefghij.", "abcdefghij.-1", ".1", "abcdefghij.x"])
def test_wrong_mark_of_a_continued_form_is_ignored(writer: FlaskClient, continued: str) -> None:
    form = Form(writer)
    form.send("autosave", True, title="Birds", body="One")
    late = Form(writer, form.address)
    form.send("autosave", True, title="Birds", body="One, two")
    assert late.send("save", True, title="Birds", body="Three", continued=continued).status_code == 409


def test_form_whose_response_was_lost_can_save_again(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("autosave", True, title="Birds", body="One")
    form.send_and_lose_the_response("autosave", True, title="Birds", body="Two")
    assert form.send("autosave", True, title="Birds", body="Three").status_code == 200
    assert stored(session, form.article_id).body_source == "Three"


def test_request_that_was_overtaken_is_refused(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("save", True, title="Birds", body="One")
    form.send_and_lose_the_response("publish", True, title="Birds", body="Published")
    form.sequence = 0
    assert form.send("autosave", True, title="Birds", body="Older").status_code == 409


def test_form_that_is_sent_twice_creates_one_article(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    for _ in range(2):
        answer = form.send_and_lose_the_response("publish", title="Birds", body="They sing.")
        assert answer.status_code == 303
    assert len(session.scalars(select(Article)).all()) == 1


def test_save_after_the_end_of_the_session_is_carried_out_after_signing_in(
    writer: FlaskClient, session: Session
) -> None:
    form = Form(writer)
    form.send("save", title="Birds", body="One")
    writer.post("/owner/sign-out")
    answer = form.send("publish", title="Birds", body="Typed & kept " + "x" * 100_000)
    assert answer.status_code == 401
    assert "Typed &amp; kept" in answer.text
    answer = form.send("publish", title="Birds", body="Typed & kept", sign_in_name=NAME, sign_in_password=PASSWORD)
    assert answer.status_code == 303
    assert stored(session, form.article_id).status == "published"
    writer.post("/owner/sign-out")
    answer = form.send("autosave", True, title="Birds", body="Two")
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (401, "#sign-in-again")


def test_slug_that_another_article_took_meanwhile_is_refused(writer: FlaskClient, session: Session) -> None:
    """The slug of a text that is not published yet is not reserved."""
    first = Form(writer)
    first.send("publish", title="First", body="One", slug="first")
    first.send("save", title="First", body="One", slug="second")
    other = Form(writer)
    other.send("publish", title="Second", body="Two", slug="second")
    answer = first.send("publish", title="First", body="One more", slug="second")
    assert answer.status_code == 422
    assert "Another article has this address." in answer.text
    assert "One more" in answer.text
    answer = first.send("autosave", True, title="First", body="Kept", slug="second")
    assert answer.status_code == 422
    assert first.send("publish", title="First", body="One more", slug="third").status_code == 303
    assert stored(session, first.article_id).slug == "third"


def test_form_of_a_new_article_that_was_saved_elsewhere_gets_both_texts(writer: FlaskClient) -> None:
    form = Form(writer)
    lost = form.send_and_lose_the_response("save", title="Birds", body="First")
    Form(writer, lost.location.partition("?")[0]).send("save", title="Birds", body="Saved elsewhere")
    answer = form.send("save", title="Birds", body="Typed here")
    assert answer.status_code == 409
    assert "Saved elsewhere" in answer.text
    assert "Typed here" in answer.text
    assert f"/owner/articles/{article_in(answer.text)}/edit" in answer.text


def article_in(page: str) -> str:
    found: list[str] = re.findall(r'action="/owner/articles/(\d+)/edit"', page)
    return found[0]
