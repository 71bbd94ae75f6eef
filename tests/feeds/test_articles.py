"""The feeds of articles: what they contain, ids, dates, links, caching."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from blogapp.feeds import reading
from tests.feeds.conftest import Change, Publish, parse, titles

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("address", ["/feed.xml", "/feed.json"])
def test_feed_has_the_newest_articles_with_their_text(
    client: FlaskClient, publish_article: Publish, address: str
) -> None:
    for number in range(reading.ARTICLES + 2):
        publish_article(
            slug=f"a{number}", title=f"Title {number}", body=f"Text *{number}*.", published_at=NOW + timedelta(number)
        )
    feed = client.get(address)
    assert feed.status_code == 200
    newest = range(reading.ARTICLES + 1, 1, -1)
    if address.endswith("json"):
        items = json.loads(feed.data)["items"]
        assert [item["title"] for item in items] == [f"Title {number}" for number in newest]
        assert items[0]["content_html"] == f"<p>Text <em>{newest[0]}</em>.</p>\n"
    else:
        entries = parse(client, address).entries
        assert [entry.title for entry in entries] == [f"Title {number}" for number in newest]
        assert entries[0].content[0].value == f"<p>Text <em>{newest[0]}</em>.</p>"


@pytest.mark.parametrize("status", ["draft", "unlisted", "unpublished", "deleted"])
def test_feed_has_only_listed_articles(
    client: FlaskClient, publish_article: Publish, change_article: Change, status: str
) -> None:
    publish_article(slug="shown", title="Shown")
    change_article(publish_article(slug="hidden", title="Hidden").id, status=status)
    assert titles(client) == ["Shown"]
    assert "Hidden" not in client.get("/feed.json").text
    assert "hidden" not in client.get("/sitemap.xml").text


def test_scheduled_article_appears_when_its_time_comes(
    client: FlaskClient, publish_article: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_article(title="Later", published_at=NOW)
    monkeypatch.setattr(clock, "now", lambda: NOW - timedelta(milliseconds=1))
    assert titles(client) == []
    assert "birds" not in client.get("/sitemap.xml").text
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert titles(client, "/feed.xml?lang=en") == ["Later"]


def test_feed_of_one_language(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds", title="Birds", lang="en")
    publish_article(slug="oiseaux", title="Oiseaux", lang="fr")
    assert titles(client, "/feed.xml?lang=fr") == ["Oiseaux"]
    feed = parse(client, "/feed.xml?lang=fr").feed
    assert (feed.title, feed.link) == ("Carnet – français", "http://localhost/?lang=fr")
    assert [item["title"] for item in json.loads(client.get("/feed.json?lang=en").data)["items"]] == ["Birds"]
    assert titles(client, "/feed.xml?lang=he") == []
    assert client.get("/feed.xml?lang=xx").status_code == 404


def test_feed_of_a_tag(client: FlaskClient, app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        for slug, tags in (("birds", ["Été", "Birds"]), ("bees", ["été"]), ("other", ["Other"])):
            publish(session, Manuscript(slug, "en", slug, "", tags, False, NOW, "Text."), NOW)
    feed = parse(client, "/tags/ete/feed.xml")
    assert [entry.title for entry in feed.entries] == ["bees", "birds"]
    assert feed.feed.title == "été – Carnet"
    assert {entry.id for entry in feed.entries} < {entry.id for entry in parse(client, "/feed.xml").entries}
    assert 'type="application/atom+xml" href="/tags/ete/feed.xml"' in client.get("/tags/ete").text
    assert client.get("/tags/none/feed.xml").status_code == 404


def test_cover_comes_before_the_text(client: FlaskClient, publish_article: Publish, change_article: Change) -> None:
    picture = f"/media/{'0123456789abcdef' * 2}-1600x900"
    change_article(publish_article(body="Text.").id, cover=f"{picture}.webp", cover_alt='A "bird"')
    (item,) = json.loads(client.get("/feed.json").data)["items"]
    assert item["image"] == f"http://localhost{picture}-960.webp"
    assert item["content_html"].startswith(f'<p><img src="{item["image"]}" alt="A &#34;bird&#34;"></p>\n<p>Text.</p>')
    assert parse(client, "/feed.xml").entries[0].content[0].value.startswith("<p><img ")


def test_pages_are_in_no_feed_of_articles(
    client: FlaskClient, publish_article: Publish, change_article: Change
) -> None:
    change_article(publish_article(slug="about").id, kind="page")
    assert titles(client) == []


def test_feed_and_entries_have_different_ids(client: FlaskClient, publish_article: Publish) -> None:
    for slug in ("birds", "bees"):
        publish_article(slug=slug)
    feeds = [parse(client, address) for address in ("/feed.xml", "/feed.xml?lang=en", "/comments.xml")]
    ids = [*(feed.feed.id for feed in feeds), *(entry.id for entry in feeds[0].entries)]
    assert len(set(ids)) == 5
    assert [entry.id for entry in feeds[1].entries] == [entry.id for entry in feeds[0].entries]


def test_id_stays_when_title_slug_and_site_change(client: FlaskClient, app: Flask, publish_article: Publish) -> None:
    article_id = publish_article(slug="birds", title="Birds").id
    before = parse(client, "/feed.xml")
    with app.app_context(), write_transaction() as session:
        article = session.get_one(Article, article_id)
        publish(session, Manuscript("bees", "en", "Bees", "", [], False, None, "They buzz."), NOW, article)
    # On PostgreSQL, emptying the test database has removed the site's own id.
    host = {} if app.extensions["database_file"] is None else {"base_url": "https://elsewhere.example.org"}
    answer = client.get("/feed.xml", **host)
    assert "Bees" in answer.text
    assert before.entries[0].id in answer.text
    assert before.feed.id in answer.text


def test_updated_is_stable_and_raised_by_edits(client: FlaskClient, app: Flask, publish_article: Publish) -> None:
    article_id = publish_article(published_at=NOW).id
    first = client.get("/feed.xml")
    assert client.get("/feed.xml").data == first.data
    assert parse(client, "/feed.xml").feed.updated == "2026-05-01T12:00:00Z"
    with app.app_context(), write_transaction() as session:
        article = session.get_one(Article, article_id)
        manuscript = Manuscript("birds", "en", "Birds", "", [], False, None, "They sing well.")
        publish(session, manuscript, NOW + timedelta(1), article)
    changed = parse(client, "/feed.xml")
    assert changed.feed.updated == changed.entries[0].updated == "2026-05-02T12:00:00Z"
    assert changed.entries[0].published == "2026-05-01T12:00:00Z"


def test_article_with_an_old_date_is_updated_when_it_becomes_public(
    client: FlaskClient, publish_article: Publish, change_article: Change
) -> None:
    change_article(publish_article(published_at=NOW - timedelta(900)).id, first_published_at=NOW)
    entry = parse(client, "/feed.xml").entries[0]
    assert (entry.published[:4], entry.updated) == ("2023", "2026-05-01T12:00:00Z")


@pytest.mark.parametrize("address", ["/feed.xml", "/feed.json", "/comments.xml", "/sitemap.xml", "/robots.txt"])
def test_unchanged_feed_is_answered_with_304(client: FlaskClient, publish_article: Publish, address: str) -> None:
    publish_article()
    etag = client.get(address).headers["ETag"]
    assert etag.startswith('"')
    unchanged = client.get(address, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


def test_new_comment_leaves_the_etag_of_the_feed_of_articles(
    client: FlaskClient, app: Flask, publish_article: Publish, post: Publish
) -> None:
    publish_article()
    reader = app.test_client()
    etag = reader.get("/feed.xml").headers["ETag"]
    post("birds")
    assert reader.get("/feed.xml").headers["ETag"] == etag


@pytest.mark.settings(SITE_URL="https://blog.example.org/notes")
def test_links_and_pictures_are_absolute(client: FlaskClient, publish_article: Publish) -> None:
    hash = "0123456789abcdef" * 2
    body = f"""[About](/about) [below](#end) [elsewhere](https://example.com/#x) [with prefix](/notes/about)

![Bird](/media/{hash}-600x400.webp)

`<a href="/kept">` Note[^1]

[^1]: The note.
"""
    publish_article(slug="birds", body=body)
    answer = client.get("/feed.xml", headers={"Host": "evil.example.org"})
    html = parse(client, "/feed.xml").entries[0].content[0].value
    site = "https://blog.example.org/notes"
    for link in ("/about", "/articles/birds#end", "/articles/birds#fn1", "/articles/birds#fnref1"):
        assert f'href="{site}{link}"' in html
    assert html.count(f'href="{site}/about"') == 2
    assert 'href="https://example.com/#x"' in html
    assert f'src="{site}/media/{hash}-600x400.webp"' in html
    assert f'srcset="{site}/media/{hash}-600x400-480.webp 480w, {site}/media/{hash}-600x400.webp 600w"' in html
    assert '&lt;a href="/kept"&gt;' in html
    assert "evil" not in answer.text
    assert "evil" not in client.get("/sitemap.xml", headers={"Host": "evil.example.org"}).text


def test_feed_is_shorter_if_texts_are_long(
    client: FlaskClient, publish_article: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_TEXTS", 1_000)
    for slug in ("a", "b", "c"):
        publish_article(slug=slug, body="x" * 600)
    assert len(titles(client)) == 1


def test_feed_names_the_author_tags_and_summary(client: FlaskClient, app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("b", "en", "B", "In short.", ["One", "Two"], False, NOW, "Text."), NOW)
    feed = parse(client, "/feed.xml")
    assert feed.feed.author == "Carnet"
    assert [tag.term for tag in feed.entries[0].tags] == ["One", "Two"]
    assert feed.entries[0].summary == "In short."
    assert json.loads(client.get("/feed.json").data)["items"][0]["tags"] == ["One", "Two"]


@pytest.mark.settings(WEBSUB_HUB="https://hub.example.org/")
def test_feeds_name_the_hub(client: FlaskClient, publish_article: Publish) -> None:
    publish_article()
    for address in ("/feed.xml", "/comments.xml", "/articles/birds/comments.xml"):
        assert {"rel": "hub", "href": "https://hub.example.org/", "type": "text/html"} in parse(
            client, address
        ).feed.links
    assert json.loads(client.get("/feed.json").data)["hubs"] == [{"type": "WebSub", "url": "https://hub.example.org/"}]


@pytest.mark.parametrize("path", ["/feed", "/feed/", "/rss", "/rss/", "/rss.xml", "/atom.xml", "/index.xml"])
def test_old_address_redirects(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (301, "/feed.xml")


def test_every_page_leads_to_the_feeds(client: FlaskClient, publish_article: Publish) -> None:
    publish_article()
    link = '<link rel="alternate" type="application/atom+xml" href="/feed.xml" title="Carnet">'
    for address in ("/", "/articles/birds", "/privacy", "/owner/sign-in", "/none"):
        page = client.get(address).text
        assert link in page
        assert '<a href="/feed.xml">Feed</a>' in page
    assert 'type="application/feed+json" href="/feed.json"' in client.get("/").text
    article = client.get("/articles/birds").text
    comments = '<link rel="alternate" type="application/atom+xml" href="/articles/birds/comments.xml"'
    assert article.index(link) < article.index(comments)
    assert '<a href="/articles/birds/comments.xml">Follow the comments</a>' in article


def test_page_of_one_language_leads_to_the_feeds_of_it(client: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds", lang="en")
    publish_article(slug="oiseaux", lang="fr")
    found = re.findall(r'rel="alternate" type="application/[^"]+" href="([^"]+)"', client.get("/?lang=fr").text)
    assert found == ["/feed.xml?lang=fr", "/feed.json?lang=fr"]
