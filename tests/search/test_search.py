"""What the search finds: the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from sqlalchemy import insert
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import PAGE, Article
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.search.indexing import index_articles
from blogapp.text.search_terms import neighbours_in
from tests.search.conftest import Search, titles_in

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

ARTICLES = {
    "cafe": ("fr", "Un café à Paris", "Les chevaux mangeaient devant la maison. L’œuvre d’art est belle."),
    "birds": ("en", "Learning birds by ear", "Horses were running. The bread is baking in the naïve oven."),
    "china": ("en", "Travel notes", "我是中国人，住在北京。 Then 日本語 and 한국어를 배웁니다."),
    "hebrew": ("he", "שָׁלוֹם עוֹלָם", "סיפור על צה״ל ועל אֶרֶץ ישראל."),
    "arabic": ("en", "Arabic letters", "كتب أحمد عن الإسلام وعن مُؤْمِن في المدرسة."),
    "phrase": ("fr", "Les mots", "Le marché du jeudi est sur la place, et le jeudi du marché aussi."),
    "mixed": ("en", "Straße and Łódź", "ΣΊΣΥΦΟΣ met İpek in a ｆｕｌｌ width garden; 10 km on foot."),
}
# Each query with the articles that it finds.
QUERIES = {
    "cafe": {"cafe"},
    "CAFÉ": {"cafe"},
    "cafe\u0301": {"cafe"},
    "cheval": {"cafe"},
    "chevaux": {"cafe"},
    "oeuvre": {"cafe"},
    "œuvres": {"cafe"},
    "l'œuvre": {"cafe"},
    "maisons": {"cafe"},
    "horse": {"birds"},
    "run": {"birds"},
    "bake": {"birds"},
    "naive": {"birds"},
    "bird ear": {"birds"},
    "bird cafe": set(),
    "lear": {"birds"},
    "ear lear": {"birds"},
    "lear ear": set(),  # only the last word may be unfinished
    "中国": {"china"},
    "中国人": {"china"},
    "国中": set(),
    "中": {"china"},
    "北京": {"china"},
    "日本": {"china"},
    "한국": {"china"},
    "שלום": {"hebrew"},
    "שָׁלוֹם": {"hebrew"},
    'צה"ל': {"hebrew"},
    "צהל": {"hebrew"},
    "ארץ": {"hebrew"},
    "احمد": {"arabic"},
    "أحمد": {"arabic"},
    "الاسلام": {"arabic"},
    "مؤمن": {"arabic"},
    "المدرسه": {"arabic"},
    '"marché du jeudi"': {"phrase"},
    '"marche du jeudi"': {"phrase"},
    '"jeudi du marché"': {"phrase"},
    '"du marché jeudi"': set(),
    "jeudi marché": {"phrase"},
    '"marché du je': {"phrase"},
    "« marché du jeudi »": {"phrase"},
    '"中国人"': {"china"},
    '"国人，住"': {"china"},
    '"mots le marché"': set(),  # not from the title into the text
    "strasse lodz": {"mixed"},
    "σίσυφος": {"mixed"},
    "ipek": {"mixed"},
    "full": {"mixed"},
    "10 km": {"mixed"},
}
ODD = (
    '"', '""', "'", "(", ")", "[a", "{", "*", "-", "+", "~", "^", "^cafe", "f~cheval", ":", "\\", "|", "&", "!", "<->",
    "a\0b", "NEAR(a b)", "NEAR", "AND", "OR", "NOT", "cafe NOT", "cafe AND (", "cafe*", "-cafe", "'; DROP TABLE x",
    "cafe:*", "title:cafe", "%", "_", "\ud800", "😀", "\u202e", "\u0301", "\u0640", "a" * 10_000, "a " * 5_000,
    '"' * 10_000, "中" * 10_000, "\u0301" * 10_000, "é" * 10_000, "((((((((((((", "'a' | 'b'", "$$", ":q", "%(now)s",
)  # fmt: skip


@pytest.fixture
def corpus(publish_article: Publish) -> None:
    for slug, (lang, title, body) in ARTICLES.items():
        publish_article(slug=slug, lang=lang, title=title, body=body)


def test_both_databases_find_the_same(corpus: None, client: FlaskClient) -> None:
    for typed, expected in QUERIES.items():
        page = client.get("/search", query_string={"q": typed}).text
        assert set(re.findall(r'/articles/([^"]+)"', page)) == expected, typed


def test_no_query_is_an_error(corpus: None, client: FlaskClient) -> None:
    for typed in ODD:
        for others in ({}, {"in": "comments"}, {"page": "9" * 30}, {"page": "-1"}):
            answer = client.get("/search", query_string={"q": typed.encode(errors="surrogatepass"), **others})
            assert answer.status_code == 200, typed[:20]
            assert 'role="status"' in answer.text


def test_only_the_beginning_of_a_long_query_is_searched(corpus: None, client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": "cafe " * 3_000}).text
    assert titles_in(page) == ["Un café à Paris"]
    assert "What you typed is long" in page
    assert "What you typed is long" not in client.get("/search?q=cafe").text


def test_phrase_is_found_behind_any_number_of_newer_texts_with_its_words(
    publish_article: Publish, post: Post, app: Flask, search: Search
) -> None:
    publish_article(title="Colours", body="The blue red flag.", published_at=datetime(2026, 1, 1, tzinfo=UTC))
    post("birds", body="A red blue flag")
    newer = publish_article(slug="a", title="X", body="Red, then blue.")
    row = {each.key: getattr(newer, each.key) for each in Article.__mapper__.column_attrs if each.key != "id"}
    with app.app_context():
        with write_transaction() as session:
            session.execute(insert(Article), [{**row, "slug": f"a{number}"} for number in range(320)])
        assert sum(index_articles(db.session())) == 320
    assert search('"blue red"') == ["Colours"]
    assert search('"red blue"', comments=True) == ["Ada on “Colours”"]
    assert search('"blue re') == ["Colours"]


def test_phrase_is_found_at_the_end_of_a_very_long_text(publish_article: Publish, search: Search) -> None:
    publish_article(body="The barn and the owl. " * 4_000 + "The white owl and the barn.")
    assert search('"white owl and the barn"') == ["Birds"]
    assert search('"barn and owl"') == []


def test_words_that_share_the_term_of_a_phrase_are_not_the_phrase(publish_article: Publish, search: Search) -> None:
    wanted = neighbours_in("white owl")
    other = next(f"y{number} x" for number in count() if neighbours_in(f"y{number} x") == wanted)
    publish_article(body=f"An owl, {other}, white.")
    assert search("white owl") == ["Birds"]
    assert search('"white owl"') == []


def test_query_without_words_is_answered_with_what_to_type(client: FlaskClient) -> None:
    assert "Type at least one letter or digit." in client.get("/search?q=%3F%21").text


def test_words_in_the_title_count_more_than_words_in_the_text_then_the_newest_comes_first(
    publish_article: Publish, search: Search
) -> None:
    for number, (title, body) in enumerate((("Owls", "."), ("A", "owls"), ("Owls too", "."), ("B", "owls"))):
        publish_article(
            slug=f"a{number}", title=title, body=body, published_at=datetime(2026, 1, 1 + number, tzinfo=UTC)
        )
    assert search("owl") == ["Owls too", "Owls", "B", "A"]


def test_summary_and_tags_are_searched(app: Flask, publish_article: Publish, search: Search) -> None:
    with app.app_context(), write_transaction() as session:
        manuscript = Manuscript("x", "en", "X", "A short summary", ["gardening"], False, clock.now(), "Text.")
        publish(session, manuscript, clock.now())
    assert search("summary") == search("gardens") == ["X"]


def test_comments_are_found_by_choice_after_the_articles(publish_article: Publish, post: Post, search: Search) -> None:
    publish_article(slug="birds", title="Birds", body="Owls.")
    post("birds", body="Two owls in the barn")
    post("birds", author_name="Bob", body="An owl!")
    assert search("owl") == ["Birds"]
    assert search("owl", comments=True) == ["Birds", "Bob on “Birds”", "Ada on “Birds”"]


def test_found_words_are_marked_and_everything_is_escaped(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(title="Cafés & <b>", body="Un café `<script>` et des cafés.")
    page = client.get("/search?q=cafe").text
    assert "<mark>Cafés</mark> &amp; &lt;b&gt;" in page
    assert "Un <mark>café</mark> &lt;script&gt; et des <mark>cafés</mark>." in page


def test_excerpt_is_the_part_of_the_text_with_the_words(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(title="X", body="Filler words. " * 100 + "A heron stood near the pond. " + "More filler. " * 100)
    page = client.get("/search?q=pond heron").text
    assert re.search(r"…[^<]*A <mark>heron</mark> stood near the <mark>pond</mark>\. [^<]*…", page)


def test_heading_does_not_run_into_the_text_of_an_excerpt(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(title="X", body="Look up.\n\n## A pond\n\nThe heron stood still.")
    assert "Look up. A pond · The <mark>heron</mark> stood still." in client.get("/search?q=heron").text


def test_chinese_characters_are_marked(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(title="X", body="我是中国人，住在北京。")
    assert "我是<mark>中国</mark>人" in client.get("/search?q=中国").text


def test_results_are_on_pages_whose_number_is_bounded(publish_article: Publish, client: FlaskClient) -> None:
    for number in range(23):
        publish_article(
            slug=f"a{number}", title=f"Owl {number}", published_at=datetime(2026, 1, 1 + number, tzinfo=UTC)
        )
    first = client.get("/search?q=owl").text
    assert titles_in(first) == [f"Owl {number}" for number in range(22, 12, -1)]
    assert "23 results" in first
    assert 'href="/search?q=owl&amp;page=2"' in first
    assert titles_in(client.get("/search?q=owl&page=3").text) == ["Owl 2", "Owl 1", "Owl 0"]
    assert titles_in(client.get("/search?q=owl&page=99").text) == ["Owl 2", "Owl 1", "Owl 0"]


def test_more_than_a_hundred_results_are_not_counted(publish_article: Publish, app: Flask, client: FlaskClient) -> None:
    with app.app_context(), write_transaction() as session:
        for number in range(102):
            when = datetime(2026, 1, 1, tzinfo=UTC)
            publish(session, Manuscript(f"a{number}", "en", "Owl", "", [], False, when, "Text."), when)
    page = client.get("/search?q=owl&page=11").text
    assert "More than 100 results." in page
    assert "Page 10 of 10" in page
    assert "1 result\n" not in page


def test_htmx_gets_the_results_and_their_number_from_the_same_address(
    publish_article: Publish, client: FlaskClient
) -> None:
    publish_article(title="Owls")
    fragment = client.get("/search?q=owl", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert titles_in(fragment) == ["Owls"]
    assert re.search(r'<p id="search-count" hx-swap-oob="innerHTML">1 result\s*</p>', fragment)


def test_searches_are_not_stored_and_not_for_search_engines(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(title="Owls")
    answer = client.get("/search?q=owl")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "noindex" not in client.get("/search").text
    assert titles_in(client.get("/search?q=nothing").text) == []  # not the page of the query before


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_network_that_searches_too_often_has_to_wait(app: Flask, client: FlaskClient) -> None:
    app.config["SEARCH_RATES"] = (RateLimitItemPerMinute(1),)
    assert client.get("/search?q=owl").status_code == 200
    refused = client.get("/search?q=owl+again")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert 'value="owl again"' in refused.text
    assert "Too many searches" in refused.text
    assert client.get("/search?q=owl", headers={"HX-Request": "true"}).status_code == 429
    assert client.get("/search").status_code == 200


def test_page_is_found_at_its_own_address(app: Flask, client: FlaskClient) -> None:
    day = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        publish(session, Manuscript("about", "en", "About", "", [], False, day, "My herons.", kind=PAGE), day)
    assert '<h2 class="result-title"><a href="/about">' in client.get("/search?q=herons").text
