"""Two versions of an article are merged; where both have changed the same place, the owner chooses."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from blogapp.articles.merging import Overlap, choose_in_text, merge, merge_texts
from blogapp.articles.models import ArticleRevision
from tests.articles.conftest import OTHER_NAME, Form, hidden_of, signed_in
from tests.articles.test_editor import stored

BASE = "One. Two. Three.\n\nFour. Five.\n"


def merged(base: str | None, mine: str, other: str) -> tuple[str, list[tuple[str, str]]]:
    overlaps: list[tuple[str, str]] = []

    def note(overlap: Overlap) -> str:
        overlaps.append((overlap.mine, overlap.other))
        return overlap.mine

    return merge_texts(base, mine, other, note), overlaps


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        (BASE.replace("One", "1"), BASE.replace("Five", "5"), BASE.replace("One", "1").replace("Five", "5")),
        (BASE.replace("One", "1"), BASE.replace("Three", "3"), BASE.replace("One", "1").replace("Three", "3")),
        (BASE + "\nMine.\n", "Other.\n\n" + BASE, "Other.\n\n" + BASE + "\nMine.\n"),
        (BASE.replace("One. ", ""), BASE.replace("Four. ", ""), "Two. Three.\n\nFive.\n"),
        (BASE.replace("One", "1"), BASE.replace("One", "1"), BASE.replace("One", "1")),
        (BASE, BASE.replace("One", "1"), BASE.replace("One", "1")),
        (BASE.replace("One", "1"), BASE, BASE.replace("One", "1")),
    ],
)
def test_changes_of_different_sentences_are_merged(mine: str, other: str, expected: str) -> None:
    text, overlaps = merged(BASE, mine, other)
    assert (text, overlaps) == (expected, [])


def test_changes_of_one_sentence_are_an_overlap() -> None:
    mine, other = BASE.replace("One", "1").replace("Four", "4"), BASE.replace("One", "I").replace("Five", "5")
    text, overlaps = merged(BASE, mine, other)
    assert overlaps == [("1.", "I."), ("4. Five.\n", "Four. 5.\n")]
    assert text == mine


def test_without_a_common_text_every_difference_is_an_overlap() -> None:
    assert merged(None, "Same. Mine.\n", "Same. Other.\n") == ("Same. Mine.\n", [(" Mine.\n", " Other.\n")])
    assert merged(None, "Same.\n", "Same.\n") == ("Same.\n", [])


def test_fields_are_merged_each_for_itself() -> None:
    base = {"title": "Birds", "tags": "a", "body": BASE, "summary": ""}
    mine, other = {**base, "title": "Owls", "summary": "Mine"}, {**base, "tags": "b", "summary": "Other"}
    proposal = merge(base, mine, other, {})
    assert proposal.fields == {**base, "title": "Owls", "tags": "b", "summary": "Mine"}
    assert proposal.overlaps == [Overlap("summary", "Mine", "Other")]
    chosen = merge(base, mine, other, {proposal.overlaps[0].key: "other"})
    assert (chosen.fields["summary"], chosen.overlaps) == ("Other", [])


@pytest.mark.parametrize(
    ("choice", "expected"), [("mine", "1."), ("other", "I."), ("both", "1. I."), ("nonsense", "1."), (None, "1.")]
)
def test_choice_is_applied_to_a_proposal_that_was_edited_since(choice: str | None, expected: str) -> None:
    mine, other = BASE.replace("One", "1"), BASE.replace("One", "I")
    choices = {Overlap("body", "1.", "I.").key: choice} if choice else {}
    text, left = choose_in_text(BASE, mine, other, mine + "\nEdited since.\n", choices)
    assert text == BASE.replace("One.", expected) + "\nEdited since.\n"
    assert len(left) == (choice not in {"mine", "other", "both"})


@pytest.fixture
def forms(app: Flask, writer: FlaskClient) -> tuple[Form, Form]:
    """Two forms with the same article, in two browsers."""
    first = Form(writer)
    first.send("publish", title="Birds", body=BASE)
    return first, Form(signed_in(app, OTHER_NAME), first.address)


def text_in(page: str) -> str:
    found = re.search(r'<textarea id="owner-body".*?>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def all_hidden(page: str) -> dict[str, str]:
    return {**hidden_of(page), **dict(re.findall(r'<input type="hidden" name="(base|other)" value="([^"]*)"', page))}


def test_comparison_with_an_author_that_is_no_number_keeps_the_text(writer: FlaskClient, session: Session) -> None:
    form = Form(writer)
    form.send("publish", title="Birds", body=BASE)
    session.execute(update(ArticleRevision).values(author_id=None))
    session.execute(delete(ArticleRevision).where(ArticleRevision.id.not_in(select(func.max(ArticleRevision.id)))))
    session.commit()
    form.hidden["revision"] = "0"
    for author in ("abc", "²", "9" * 5_000):
        answer = form.send("compare", title="Birds", body="My text.", author=author)
        assert answer.status_code == 200
        assert "My text." in text_in(answer.text)


@pytest.mark.parametrize("htmx", [True, False])
def test_later_form_gets_a_proposal_with_both_changes(forms: tuple[Form, Form], session: Session, htmx: bool) -> None:
    first, second = forms
    second.send("publish", title="Birds", body=BASE.replace("Five", "5"), tags="songs")
    mine = {"title": "Owls", "body": BASE.replace("One", "1")}
    answer = first.send("publish", htmx, **mine)
    assert answer.status_code == 409
    page = first.send("compare", False, **mine).text if htmx else answer.text
    assert text_in(page) == BASE.replace("One", "1").replace("Five", "5")
    assert 'name="tags" dir="auto" autocomplete="off" value="songs"' in page
    assert "Both texts are merged in the form below." in page
    assert BASE.replace("Five", "5") in html.unescape(page)
    assert BASE.replace("One", "1") in html.unescape(page)
    first.hidden = hidden_of(page)
    assert first.send("publish", htmx, title="Owls", body=text_in(page)).status_code in {200, 303}
    assert stored(session, first.article_id).body_source == text_in(page)


def test_owner_chooses_where_both_have_changed_the_same(forms: tuple[Form, Form], session: Session) -> None:
    first, second = forms
    second.send("save", title="Birds", body=BASE.replace("One", "<I>").replace("Five", "5"))
    mine = BASE.replace("One", "1")
    page = first.send("save", title="Birds", body=mine).text
    assert "&lt;I&gt;." in page
    assert text_in(page) == mine.replace("Five", "5")
    [choice] = set(re.findall(r'name="(choice-\w+)"', page))
    edited = text_in(page) + "\nEdited.\n"
    first.hidden = all_hidden(page)
    page = first.send(
        "merge", False, title="Birds", body=edited, typed=mine.replace("\n", "\r\n"), **{choice: "other"}
    ).text
    assert text_in(page) == BASE.replace("One", "<I>").replace("Five", "5") + "\nEdited.\n"
    assert "choice-" not in page
    assert stored(session, first.article_id).body_source == BASE
    first.hidden = hidden_of(page)
    assert first.send("publish", title="Birds", body=text_in(page)).status_code == 303
    assert stored(session, first.article_id).body_source == text_in(page)


def test_text_saved_by_a_third_form_meanwhile_is_not_overwritten(
    forms: tuple[Form, Form], app: Flask, session: Session
) -> None:
    first, second = forms
    second.send("save", title="Birds", body=BASE.replace("One", "I"))
    mine = BASE.replace("One", "1")
    page = first.send("save", title="Birds", body=mine).text
    Form(second.client, first.address).send("publish", title="Birds", body="Third.")
    [choice] = set(re.findall(r'name="(choice-\w+)"', page))
    first.hidden = all_hidden(page)
    page = first.send("merge", False, title="Birds", body=mine, typed=mine, **{choice: "other"}).text
    first.hidden = hidden_of(page)
    assert first.send("publish", title="Birds", body=text_in(page)).status_code == 409
    assert stored(session, first.article_id).body_source == "Third."


def test_automatic_saves_of_another_form_keep_the_common_text(forms: tuple[Form, Form], app: Flask) -> None:
    first, second = forms
    # A revision that is changed by later automatic saves is not what the first form began with.
    second.send("autosave", True, title="Birds", body=BASE.replace("Five", "5a"))
    third = Form(first.client, first.address)
    second.send("autosave", True, title="Birds", body=BASE.replace("Five", "5b"))
    page = third.send("save", title="Birds", body=BASE.replace("Five", "5a").replace("One", "1")).text
    assert text_in(page) == BASE.replace("Five", "5a").replace("One", "1")
    assert "5b." in page
    assert len(set(re.findall(r'name="(choice-\w+)"', page))) == 1


def test_revisions_of_another_article_cannot_be_merged(writer: FlaskClient) -> None:
    one, two = Form(writer), Form(writer)
    one.send("save", title="One", body="Secret of one")
    two.send("save", title="Two", body="Two")
    for number in ("1", "2", "99", "x", "9" * 30):
        answer = two.send("merge", title="Two", body="Two", typed="Two", other=number)
        assert answer.status_code in {200, 404}
        assert "Secret of one" not in answer.text
