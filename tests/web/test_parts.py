"""Parts of pages that are kept until everything changes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp import clock
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.text.i18n import set_locale
from blogapp.web.parts import keeper
from tests.comments.conftest import Post, PublishArticle
from tests.comments.test_threads import counted

PART = "{% call kept('part', name) %}{{ number() }} {{ name }} & {{ locale() }}{% endcall %}"


@pytest.fixture
def counting(app: Flask) -> Flask:
    numbers = itertools.count(1)
    app.jinja_env.globals["number"] = lambda: next(numbers)
    return app


def render(app: Flask, name: str = "<a>", lang: str = "en", address: str = "http://localhost") -> str:
    with app.test_request_context(base_url=address):
        set_locale(lang)
        html = app.jinja_env.from_string(PART.replace("&", "&amp;")).render(name=name, kept=keeper(db.session()))
        db.session.remove()
        return html


def test_part_is_rendered_once_for_each_argument_language_and_address(counting: Flask) -> None:
    with counting.app_context(), write_transaction():
        pass
    first = render(counting)
    assert first == "1 &lt;a&gt; &amp; en"
    others = [render(counting, "b"), render(counting, lang="fr"), render(counting, address="https://blog.example/x")]
    assert [other.split()[0] for other in others] == ["2", "3", "4"]
    assert render(counting) == first


def test_part_is_rendered_again_after_a_change_to_everything(counting: Flask) -> None:
    for changes in (Changes.EVERYTHING, Changes.NOTHING, 1, Changes.EVERYTHING):
        with counting.app_context(), write_transaction(changes):
            pass
        render(counting)
    assert render(counting).startswith("2 ")


def test_form_of_a_commenter_is_not_kept_for_others(
    app: Flask, client: FlaskClient, publish_article: PublishArticle, post: Post
) -> None:
    publish_article(slug="birds")
    post("birds", author_name="Ada", author_url="https://ada.example", body="Text")
    assert 'value="Ada"' in client.get("/articles/birds").text
    page = app.test_client().get("/articles/birds").text
    assert 'value="Ada"' not in page
    assert page == app.test_client().get("/articles/birds").text
    assert 'value="Ada"' in client.get("/articles/birds").text


def test_each_order_of_comments_has_its_own_parts(client: FlaskClient, publish_article: PublishArticle) -> None:
    publish_article(slug="birds")
    for _ in range(2):
        for sort in ("newest", "liked"):
            page = client.get(f"/articles/birds?sort={sort}").text
            assert f'action="/articles/birds/comments?sort={sort}"' in page
            assert f'data-sort="{sort}"' in page
            assert f'href="/articles/birds?sort={sort}#comments" rel="nofollow" aria-current="true"' in page
        assert 'action="/articles/birds/comments"' in client.get("/articles/birds").text


def test_neighbour_and_translation_appear_when_their_time_comes(
    app: Flask, client: FlaskClient, publish_article: PublishArticle, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    publish_article(slug="birds", lang="en", title="Birds")
    oiseaux = Manuscript(
        "oiseaux", "fr", "Oiseaux", "", [], False, now + timedelta(days=1), "Ils chantent.", translation_of="birds"
    )
    with app.app_context(), write_transaction() as session:
        publish(session, oiseaux, now)
    publish_article(slug="bees", lang="en", title="Bees", published_at=now + timedelta(hours=12))
    client.set_cookie("uncounted", "1")  # past the page cache, whose clock is another one
    seen = []
    for days in (0, 0.7, 1.5):
        monkeypatch.setattr(clock, "now", lambda days=days: now + timedelta(days=days))
        page = client.get("/articles/birds").text
        seen.append(("Aussi en français" in page, "/articles/bees" in page))
    assert seen == [(False, False), (False, True), (True, True)]


def test_parts_of_sixty_articles_are_kept(app: Flask, publish_article: PublishArticle) -> None:
    slugs = [f"bird-{number}" for number in range(60)]
    for slug in slugs:
        publish_article(slug=slug)
    reader = app.test_client()
    costs = []
    for order in ("newest", "liked"):  # pages that the page cache does not have
        with counted(app) as statements:
            for slug in slugs:
                assert reader.get(f"/articles/{slug}?sort={order}").status_code == 200
        costs.append(len(statements))
    assert costs[1] <= costs[0] - 2 * len(slugs)  # the neighbours of each are read with two statements
