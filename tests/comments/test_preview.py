"""POST /comments/preview: the HTML that the comment would have."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment


def test_fragment_is_the_sanitised_html(client: FlaskClient, session: Session) -> None:
    for headers in ({"HX-Request": "true"}, {}):
        answer = client.post(
            "/comments/preview", data={"body": "*a* <b>b</b> ![x](https://x.example)"}, headers=headers
        )
        assert answer.status_code == 200
        assert "<em>a</em> &lt;b&gt;b&lt;/b&gt;" in answer.text
        assert "<img" not in answer.text
        assert "<!doctype" not in answer.text
    assert session.scalar(select(func.count()).select_from(Comment)) == 0


def test_form_without_htmx_gets_a_page_that_keeps_the_text(
    client: FlaskClient, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="oiseaux", lang="fr", title="Oiseaux")
    form = {"body": "Vraiment ?", "author_name": "Ada", "article": "oiseaux"}
    answer = client.post("/comments/preview", data=form)
    assert answer.status_code == 200
    assert "Vraiment\u202f?</p>" in answer.text
    assert "Vraiment ?</textarea>" in answer.text
    assert 'value="Ada"' in answer.text
    assert 'action="/articles/oiseaux/comments"' in answer.text
    assert '<html lang="fr"' in answer.text


def test_preview_of_empty_or_overlong_text_shows_a_message(client: FlaskClient) -> None:
    assert "Nothing to preview." in client.post("/comments/preview", data={"body": " "}).text
    answer = client.post("/comments/preview", data={"body": "x" * 5001})
    assert answer.status_code == 422
    assert "limited to 5,000 characters" in answer.text
    assert client.post("/comments/preview", data={"body": "x", "article": "none"}).status_code == 404
