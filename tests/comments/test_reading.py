"""What a reader meets in a conversation: its heading, refused forms, the sort order, links and print."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment
from blogapp.comments.threads import THREADS_PER_PAGE
from tests.comments.conftest import HTMX, Post, PublishArticle, WriteComments

pytestmark = pytest.mark.usefixtures("article")


def heading(page: str) -> str:
    return re.search(r'<h2 id="comments-heading">(.*?)</h2>', page, re.DOTALL)[1].strip()  # type: ignore[index]


def test_heading_says_the_number_of_comments(app: Flask, write_comments: WriteComments) -> None:
    reader = app.test_client()
    assert heading(reader.get("/articles/birds").text) == "Comments"
    write_comments(["One"])
    assert heading(reader.get("/articles/birds").text) == "1 comment"
    write_comments(["Two"])
    assert heading(reader.get("/articles/birds").text) == "2 comments"


def test_heading_of_a_french_article_follows_french_plurals(
    app: Flask, publish_article: PublishArticle, post: Post
) -> None:
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    post("oiseaux", body="Un")
    page = app.test_client().get("/articles/oiseaux").text
    assert heading(page) == "1 commentaire"
    assert 'id="comment-count" data-count="1"' in page


def test_post_and_refresh_update_the_heading(client: FlaskClient, post: Post, app: Flask) -> None:
    changed = '<hx-partial hx-target="#comments-heading" hx-swap="innerHTML">1 comment</hx-partial>'
    assert changed in re.sub(r"\s*\n\s*", "", post("birds", body="One", htmx=True).text)
    refresh = app.test_client().get("/articles/birds/comments?since=0", headers=HTMX).text
    assert changed in re.sub(r"\s*\n\s*", "", refresh)


def test_preview_follows_the_post_button_in_the_form(client: FlaskClient) -> None:
    page = client.get("/articles/birds").text
    form = page[page.index('id="comment-form"') :].split("</form>")[0]
    assert re.findall(r"<button[^>]*>([^<]+)</button>", form) == ["Post comment", "Preview"]


@pytest.mark.parametrize(
    ("form", "field"),
    [({"author_name": "Ada"}, "body"), ({"body": "Text"}, "author_name")],
)
def test_refused_form_without_javascript_focuses_the_wrong_field_and_says_error_in_the_title(
    client: FlaskClient, form: dict[str, str], field: str
) -> None:
    page = client.post("/articles/birds/comments", data=form)
    assert page.status_code == 422
    assert "<title>Error: Birds" in page.text
    assert re.findall(r'name="(\w+)"[^>]* autofocus', page.text) == [field]
    assert "<title>Birds" in client.get("/articles/birds").text
    assert "autofocus" not in client.get("/articles/birds").text


def test_refused_reply_and_edit_say_error_in_the_title(client: FlaskClient, comment: int) -> None:
    reply = client.post("/articles/birds/comments", data={"author_name": "Ada", "parent_id": str(comment)})
    assert "<title>Error: Reply to Ada" in reply.text
    assert re.findall(r'name="(\w+)"[^>]* autofocus', reply.text) == ["body"]
    edit = client.post(f"/comments/{comment}/edit", data={"body": " ", "revision": "0"})
    assert "<title>Error: Edit comment" in edit.text


def test_title_of_a_refused_french_form_has_a_no_break_space(
    client: FlaskClient, publish_article: PublishArticle
) -> None:
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    assert "<title>Erreur\N{NO-BREAK SPACE}: Oiseaux" in client.post("/articles/oiseaux/comments", data={}).text


def test_sort_order_survives_a_post_without_javascript(
    client: FlaskClient, write_comments: WriteComments, session: Session
) -> None:
    first = write_comments(f"Comment {number}" for number in range(THREADS_PER_PAGE))[0]
    page = client.get("/articles/birds?sort=newest").text
    action = re.search(r'id="comment-form" method="post" action="([^"]+)"', page)[1]  # type: ignore[index]
    answer = client.post(action, data={"author_name": "Ada", "body": "Newest"})
    own = session.scalars(select(Comment.id).order_by(Comment.id.desc()).limit(1)).one()
    assert answer.headers["Location"] == f"/articles/birds?sort=newest#comment-{own}"
    assert f'id="comment-{own}"' in client.get("/articles/birds?sort=newest").text
    # The first page of this order no longer has the first comment: a reply to it leads to the page that has.
    assert f'<article class="comment" id="comment-{first}"' not in client.get("/articles/birds?sort=newest").text
    answer = client.post(action, data={"author_name": "Ada", "body": "Reply", "parent_id": str(first)})
    assert answer.headers["Location"] == f"/articles/birds#comment-{own + 1}"


def test_sort_order_survives_a_reply_and_a_like_without_javascript(app: Flask, comment: int, session: Session) -> None:
    reader = app.test_client()
    page = reader.get("/articles/birds?sort=liked").text
    assert f'href="/comments/{comment}/reply?sort=liked"' in page
    assert f'action="/comments/{comment}/likes?sort=liked"' in page
    form = reader.get(f"/comments/{comment}/reply?sort=liked").text
    assert 'action="/articles/birds/comments?sort=liked"' in form
    assert 'formaction="/comments/preview?sort=liked"' in form
    like = reader.post(f"/comments/{comment}/likes?sort=liked")
    assert like.headers["Location"] == f"/articles/birds?sort=liked&notice=liked-{comment}#comment-{comment}"


def test_refused_form_keeps_the_sort_order(client: FlaskClient, comment: int) -> None:
    page = client.post("/articles/birds/comments?sort=newest", data={"author_name": "Ada"}).text
    assert 'id="comment-list" data-sort="newest"' in page
    assert 'action="/articles/birds/comments?sort=newest"' in page


def test_reply_form_contains_the_name_of_the_last_comment(client: FlaskClient, comment: int, app: Flask) -> None:
    for headers in ({}, HTMX):
        assert 'value="Ada"' in client.get(f"/comments/{comment}/reply", headers=headers).text
        assert 'value="Ada"' not in app.test_client().get(f"/comments/{comment}/reply", headers=headers).text


def test_article_and_comments_have_plain_permalinks(client: FlaskClient, comment: int) -> None:
    page = client.get("/articles/birds").text
    assert '<a class="copy-link" href="/articles/birds"' in page
    assert f'<a class="comment-time" href="/comments/{comment}">' in page


def test_comments_are_offered_for_printing_only_if_there_are_any(client: FlaskClient, post: Post) -> None:
    assert 'id="print-comments"' not in client.get("/articles/birds").text
    post("birds", body="One")
    assert 'id="print-comments"' in client.get("/articles/birds").text


def test_number_of_comments_that_are_loaded_is_announced_in_french(
    app: Flask, publish_article: PublishArticle, post: Post, session: Session
) -> None:
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    for number in range(12):
        post("oiseaux", body=f"Réponse {number}", parent_id="1" if number else "")
    reader = app.test_client()
    replies = reader.get("/comments/1/replies?after=" + "0000001" + "0000010", headers=HTMX).text
    assert (
        '<p id="status" role="status" hx-swap-oob="innerHTML">2 réponses supplémentaires sont affichées.</p>' in replies
    )
    page = reader.get("/articles/oiseaux/comments?sort=newest&before=2", headers=HTMX).text
    assert "11 commentaires supplémentaires sont affichés." in page
