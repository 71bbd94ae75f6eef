"""Cards for shared links: meta elements, pictures, and descriptions for search engines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from blogapp.articles.models import PAGE, UNPUBLISHED, Article
from blogapp.comments.models import REMOVED, Comment
from blogapp.comments.visibility import hide, lock_comment
from blogapp.db.transactions import write_transaction
from blogapp.media import cards
from blogapp.media.cards import DrawnPictures
from blogapp.media.drawing import Card, draw_card
from blogapp.pages import card_routes
from blogapp.site.settings import current_site
from blogapp.web.gate import Gate
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]
PNG = b"\x89PNG\r\n\x1a\n"


def meta(page: str) -> dict[str, str]:
    """The meta elements of a page by their property or name."""
    document = html5lib.parse(page, namespaceHTMLElements=False)
    found = [each.attrib for each in document.iter("meta")]
    return {each.get("property") or each.get("name", ""): each.get("content", "") for each in found}


def data_of(page: str) -> Any:
    """The content of the only data block of a page, as a browser finds it."""
    document = html5lib.parse(page, namespaceHTMLElements=False)
    blocks = [each for each in document.iter("script") if each.get("type") == "application/ld+json"]
    assert len(blocks) == 1
    return json.loads(blocks[0].text or "")


@pytest.mark.settings(SITE_URL="https://example.org/blog", SITE_TITLE="Birds & co")
def test_article_has_a_card_with_the_addresses_of_the_site(publish_article: Publish, client: FlaskClient) -> None:
    at = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
    publish_article(slug="merle", lang="fr", title='Le "merle" : pourquoi ?', body="Il chante.", published_at=at)
    found = meta(client.get("/articles/merle", headers={"Host": "evil.example"}).text)
    assert found["og:type"] == "article"
    assert (
        found["og:title"]
        == "Le «\N{NO-BREAK SPACE}merle\N{NO-BREAK SPACE}»\N{NO-BREAK SPACE}: pourquoi\N{NARROW NO-BREAK SPACE}?"
    )
    assert found["og:url"] == "https://example.org/blog/articles/merle"
    assert found["og:image"] == "https://example.org/blog/articles/merle/card.png"
    assert found["og:description"] == "Il chante."
    assert found["og:site_name"] == "Birds & co"
    assert found["og:locale"] == "fr_FR"
    assert found["article:published_time"] == "2026-03-12T09:30:00Z"
    assert found["twitter:card"] == "summary_large_image"


@pytest.mark.settings(SITE_URL="https://example.org/blog")
def test_cover_is_the_picture_of_the_card(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    article = publish_article(slug="merle")
    address = f"/media/{'0123456789abcdef' * 2}-1600x900.webp"
    with app.app_context(), write_transaction(article.id) as session:
        stored = session.get_one(Article, article.id)
        stored.cover, stored.cover_alt = address, 'A "blackbird"'
    page = client.get("/articles/merle").text
    assert meta(page)["og:image"] == f"https://example.org/blog{address}"
    assert meta(page)["og:image:alt"] == 'A "blackbird"'
    assert data_of(page)["image"] == f"https://example.org/blog{address}"


@pytest.mark.settings(SITE_URL="https://example.org", SITE_LOCALE="he")
@pytest.mark.parametrize("path", ["/", "/privacy"])
def test_other_pages_have_the_card_of_the_site(client: FlaskClient, path: str) -> None:
    found = meta(client.get(path).text)
    assert found["og:type"] == "website"
    assert found["og:locale"] == "he_IL"
    assert found["og:image"] == "https://example.org/card.png"
    assert found["og:title"]


def test_page_is_not_described_as_an_article_of_the_blog(
    publish_article: Publish, app: Flask, client: FlaskClient
) -> None:
    with app.app_context(), write_transaction(publish_article(slug="about").id) as session:
        session.scalars(select(Article)).one().kind = PAGE
    page = client.get("/about").text
    assert meta(page)["og:type"] == "website"
    assert "article:published_time" not in meta(page)
    found = data_of(page)
    assert found["@type"] == "WebPage"
    assert not {"commentCount", "comment"} & found.keys()


def test_pages_of_owners_and_errors_have_no_card(client: FlaskClient) -> None:
    assert "og:" not in client.get("/nowhere").text
    sign_in(client)
    assert "og:" not in client.get("/owner/settings").text


def test_article_is_described_for_search_engines(publish_article: Publish, client: FlaskClient, post: Post) -> None:
    publish_article(slug="birds", lang="en", title="Birds")
    for number in range(7):
        post("birds", body=f"Remark **{number}** " + "and more words " * 40, author_name=f"Ada {number}")
    page = client.get("/articles/birds").text
    found = data_of(page)
    assert found["@type"] == "BlogPosting"
    assert found["headline"] == "Birds"
    assert found["url"] == "http://localhost/articles/birds"
    assert found["commentCount"] == 7
    assert [each["author"]["name"] for each in found["comment"]] == [f"Ada {number}" for number in range(5)]
    assert found["comment"][0]["text"].startswith("Remark 0 and more words")
    assert all(len(each["text"]) <= 201 for each in found["comment"])
    assert found["dateModified"] >= found["datePublished"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is about HTML
@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!-- <script>",
        "`</ScRiPt >` <![CDATA[ ]]>",
        "\\u003c/script> \\\" ' & &amp; &lt;/script&gt;",
        "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\N{BELL} 🐦",
    ],
)
def test_hostile_comment_cannot_leave_the_data_block(
    publish_article: Publish, client: FlaskClient, post: Post, text: str
) -> None:
    publish_article(slug="birds", lang="en", title=f"Birds {text}"[:200])
    before = len(re.findall("<script", client.get("/articles/birds").text))
    post("birds", body=f"Before {text} after", author_name="Ada </script>")
    page = client.get("/articles/birds").text
    found = data_of(page)
    comment = found["comment"][0]
    assert comment["text"].startswith("Before")
    assert comment["text"].endswith("after")
    assert comment["author"]["name"] == "Ada </script>"
    assert len(re.findall("<script", page)) == before
    document = html5lib.parse(page, namespaceHTMLElements=False)
    assert [each.tag for each in document] == ["head", "body"]
    assert "alert" not in "".join(each.text or "" for each in document.iter("script") if each.get("type") is None)


def test_withdrawn_comment_is_not_described(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    article = publish_article(slug="birds", lang="en")
    client.post("/articles/birds/comments", data={"author_name": "Ada", "body": "Secret"})
    assert "comment" in data_of(app.test_client().get("/articles/birds").text)
    with app.app_context(), write_transaction(article.id) as session:
        comment = session.scalars(select(Comment)).one()
        hide(session, lock_comment(session, comment), comment, REMOVED)
    assert "Secret" not in app.test_client().get("/articles/birds").text


@pytest.mark.settings(SITE_URL="https://example.org", SITE_DESCRIPTION="All about </script> birds")
def test_front_page_describes_the_blog(client: FlaskClient) -> None:
    found = data_of(client.get("/").text)
    assert found["@type"] == ["WebSite", "Blog"]
    assert found["url"] == "https://example.org/"
    assert found["description"] == "All about </script> birds"
    assert found["potentialAction"]["target"]["urlTemplate"] == "https://example.org/search?q={search_term_string}"


def test_card_of_an_article_is_a_picture(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds", lang="en", title="Birds")
    answer = client.get("/articles/birds/card.png")
    assert answer.mimetype == "image/png"
    assert answer.data.startswith(PNG)
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert "Set-Cookie" not in answer.headers
    again = client.get("/articles/birds/card.png", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    publish_article(slug="birds", lang="en", title="Other birds")
    assert client.get("/articles/birds/card.png").data not in (b"", answer.data)


@pytest.mark.settings(SITE_LOCALE="fr", SITE_TITLE="Le carnet « de » Zoé", SITE_DESCRIPTION="Pourquoi ?")
def test_card_of_the_site_has_the_spaces_of_its_language(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        look = current_site().look
    title, line = "Le carnet «\N{NO-BREAK SPACE}de\N{NO-BREAK SPACE}» Zoé", "Pourquoi\N{NARROW NO-BREAK SPACE}?"
    expected = Card(title, "Le carnet « de » Zoé", line, look, False, None)
    assert client.get("/card.png").data == draw_card(expected)


def test_card_follows_its_article(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    publish_article(slug="later", draft=True)
    assert client.get("/articles/later/card.png").status_code == 404
    article = publish_article(slug="birds", lang="en")
    assert client.get("/articles/birds/card.png").status_code == 200
    with app.app_context(), write_transaction(article.id) as session:
        session.get_one(Article, article.id).status = UNPUBLISHED
    assert client.get("/articles/birds").status_code == 410
    assert client.get("/articles/birds/card.png").status_code == 410


def test_only_a_few_requests_wait_for_a_card(
    publish_article: Publish, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(slug="birds", lang="en", title="Birds")
    monkeypatch.setattr(card_routes, "drawn_pictures", DrawnPictures(room=100_000))
    monkeypatch.setattr(cards, "GATE", Gate(waiting=0, seconds=1))
    with cards.GATE.enter():
        refused = client.get("/articles/birds/card.png")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "2"
    assert client.get("/articles/birds/card.png").status_code == 200


@pytest.mark.settings(SITE_TITLE="été <&>")
def test_icons_show_the_letter_of_the_blog(client: FlaskClient) -> None:
    page = client.get("/").text
    assert '<link rel="icon" href="/icon.svg">' in page
    assert '<link rel="apple-touch-icon" href="/apple-touch-icon.png">' in page
    vector = client.get("/icon.svg")
    assert vector.mimetype == "image/svg+xml"
    assert ">É</text>" in vector.text
    assert client.get("/apple-touch-icon.png").data.startswith(PNG)
    assert client.get("/icon.png").data.startswith(PNG)
    icon = client.get("/favicon.ico")
    assert icon.data.startswith(b"\0\0\1\0")
    assert icon.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.settings(SITE_TITLE="🐦")
def test_icon_without_a_letter_shows_lines(client: FlaskClient) -> None:
    assert "<path" in client.get("/icon.svg").text
    assert "<text" not in client.get("/icon.svg").text
