"""The settings of the site: the environment, else the browser, else the default; seen by every process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.db import query_cache
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.pages.serve import has_outdated_html
from blogapp.site.models import SiteSetting
from blogapp.site.settings import change_site
from blogapp.text import markup
from tests.conftest import SECRET_KEY, dispose, eventually, locked
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
FORM = {"site_title": "Mein <Blog>", "description": "A “quoted” one", "lang": "fr", "time_zone": "Europe/Paris"}
# Values that no form stores.
UNUSABLE = {
    "title": " ",
    "locale": "zz",
    "time_zone": "nowhere",
    "look": "zz",
    "typography": "zz",
    "comment_moderation": "zz",
    "comment_close_days": "abc",
    "comment_closed": "zz",
    "footer_links": "zz",
    "logo": "/media/0123456789abcdef0123456789abcdef-0x9.webp",
    "feed_id": "zz",
}


@pytest.fixture
def owner(app: Flask, client: FlaskClient, password_hash: str) -> FlaskClient:
    with app.app_context(), write_transaction() as session:
        save_owner(session, "Chloé Martin", password_hash)
    assert sign_in(client).status_code == 303
    return client


@pytest.fixture
def other(app: Flask, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """Another process with the same database."""
    other = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}, tmp_path / "other")
    yield other
    dispose(other)


def test_change_is_on_every_page(owner: FlaskClient, app: Flask, publish_article: Publish, session: Session) -> None:
    publish_article(slug="birds")
    reader = app.test_client()
    pages = {address: reader.get(address).text for address in ("/", "/articles/birds", "/privacy", "/nowhere")}
    assert all("Carnet</a>" in page for page in pages.values())
    answer = owner.post("/owner/settings", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/owner/settings?notice=saved")
    for address in pages:
        page = reader.get(address).text
        assert "Mein &lt;Blog&gt;</a>" in page
        assert "Carnet" not in page
    assert '<html lang="fr"' in reader.get("/").text
    assert '<meta name="description" property="og:description" content="A “quoted” one">' in reader.get("/").text
    assert "Vos modifications sont enregistrées." in owner.get(answer.location).text
    assert {row.name: row.value for row in session.scalars(select(SiteSetting))}["time_zone"] == "Europe/Paris"


def test_other_processes_see_a_change(owner: FlaskClient, other: Flask, publish_article: Publish) -> None:
    publish_article(slug="birds")
    reader = other.test_client()
    for address in ("/", "/articles/birds"):
        assert "Carnet</a>" in reader.get(address).text
    owner.post("/owner/settings", data=FORM)
    for address in ("/", "/articles/birds"):
        eventually(lambda address=address: "Mein &lt;Blog&gt;</a>" in reader.get(address).text, True)  # type: ignore[misc]


@pytest.mark.settings(SITE_TITLE="From the host", SITE_TIME_ZONE="Asia/Tokyo")
def test_environment_wins_and_is_shown(owner: FlaskClient, app: Flask) -> None:
    page = owner.get("/owner/settings").text
    assert 'name="site_title"' not in page
    assert re.search(r"<code>SITE_TITLE</code></dt>\s*<dd><bdi>From the host", page)
    assert "Asia/Tokyo</bdi>" in page
    assert owner.post("/owner/settings", data={**FORM, "lang": "xx"}).status_code == 422
    assert owner.post("/owner/settings", data=FORM).status_code == 303
    page = app.test_client().get("/").text
    assert "From the host</a>" in page
    assert '<html lang="fr"' in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("site_title", ""),
        ("site_title", "\u200b \u2800"),
        ("site_title", "x" * 101),
        ("description", "x" * 301),
        ("lang", "xx"),
        ("lang", ""),
        ("time_zone", "Europe/Nowhere"),
        ("time_zone", "../../etc/passwd"),
    ],
)
def test_invalid_value_is_shown_again_with_its_error(
    owner: FlaskClient, session: Session, field: str, value: str
) -> None:
    answer = owner.post("/owner/settings", data={**FORM, field: value})
    assert answer.status_code == 422
    assert answer.text.count("data-error-for=") == 1
    assert f'data-error-for="{field}"' in answer.text
    assert answer.text.count("autofocus") == 1
    assert "A “quoted” one" in answer.text or field == "description"
    assert session.scalars(select(SiteSetting.value).where(SiteSetting.name == "title")).all() == []


def test_settings_are_read_again_only_after_a_change_and_never_for_a_cached_page(
    app: Flask, client: FlaskClient, publish_article: Publish
) -> None:
    publish_article(slug="birds")
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    query_cache.init_app(app)
    for address in ("/", "/articles/birds", "/privacy", "/nowhere"):
        client.get(address)
    assert len([each for each in statements if "site_settings" in each]) == 1
    with app.app_context(), write_transaction() as session:
        change_site(session, {"title": "Changed"})
    statements.clear()
    assert "Changed" in client.get("/").text
    assert "Changed" in client.get("/articles/birds").text
    assert len([each for each in statements if "site_settings" in each]) == 1
    statements.clear()
    client.get("/articles/birds")
    client.get("/")
    assert [each for each in statements if not each.startswith("SELECT content_versions")] == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_error_page_during_an_outage_has_the_last_title(
    app: Flask, client: FlaskClient, publish_article: Publish, database_url: str
) -> None:
    publish_article(slug="birds")
    with app.app_context(), write_transaction() as session:
        change_site(session, {"title": "Changed"})
    assert "Changed</a>" in client.get("/nowhere").text
    with locked(database_url, "articles, site_settings"):
        answer = client.get("/articles/birds")
    assert answer.status_code == 503
    assert "Changed</a>" in answer.text


def test_setting_of_the_browser_is_listed_by_the_command(app: Flask, owner: FlaskClient) -> None:
    owner.post("/owner/settings", data=FORM)
    output = app.test_cli_runner().invoke(args=["settings"]).output
    assert "SITE_TITLE=Mein <Blog>  (set in the browser)" in output
    assert "SITE_LOCALE=fr  (set in the browser)" in output


def settings_form(**fields: str) -> dict[str, str]:
    return {"site_title": "Birds", "description": "", "lang": "en", "time_zone": "UTC", **fields}


def test_moderation_is_set_in_the_browser(app: Flask, owner: FlaskClient, publish_article: Publish) -> None:
    publish_article()
    assert owner.post("/owner/settings", data=settings_form(moderation="all", close_days="0")).status_code == 303
    reader = app.test_client()
    form = {"author_name": "Ada", "body": "Hello"}
    answer = reader.post("/articles/birds/comments", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 202
    assert owner.post("/owner/settings", data=settings_form(moderation="open")).status_code == 303
    answer = app.test_client().post("/articles/birds/comments", data={**form, "body": "Again"})
    assert answer.status_code == 303
    assert "notice=waiting" not in answer.location


def test_comments_are_closed_after_days_set_in_the_browser(
    app: Flask, owner: FlaskClient, publish_article: Publish
) -> None:
    publish_article()
    assert app.test_client().get("/articles/birds").text.count('id="comment-form"') == 1
    assert re.search(r'name="close_days"[^>]* value="0"', owner.get("/owner/settings").text)
    assert owner.post("/owner/settings", data=settings_form(close_days="7")).status_code == 303
    assert app.test_client().get("/articles/birds").text.count('id="comment-form"') == 0
    # A form without the field leaves it as it is.
    assert owner.post("/owner/settings", data=settings_form()).status_code == 303
    assert app.test_client().get("/articles/birds").text.count('id="comment-form"') == 0


def test_typography_is_set_in_the_browser(
    app: Flask, owner: FlaskClient, publish_article: Publish, session: Session
) -> None:
    publish_article(title="It's", body='They "sing".')
    reader = app.test_client()
    for value, title, text in (("False", "It&#39;s", 'They "sing"'), ("True", "It’s", "They “sing”")):
        assert owner.post("/owner/settings", data=settings_form(typography=value)).status_code == 303
        page = reader.get("/articles/birds").text
        assert f"<h1>{title}</h1>" in page
        assert f"<p>{text}.</p>" in page
        session.expire_all()
        article = session.scalars(select(Article)).one()
        assert (article.title, article.body_source) == ("It's", 'They "sing".')
        assert article.renderer_version == markup.article_version(value == "True")
    assert owner.post("/owner/settings", data=settings_form(typography="x")).status_code == 422


@pytest.mark.settings(SITE_TYPOGRAPHY="off")
def test_typography_of_the_environment_wins(owner: FlaskClient, app: Flask, publish_article: Publish) -> None:
    publish_article(title="It's")
    assert owner.post("/owner/settings", data=settings_form(typography="True")).status_code == 303
    assert "<h1>It&#39;s</h1>" in app.test_client().get("/articles/birds").text
    with app.app_context():
        assert not has_outdated_html()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize("days", ["-1", "x", "40000", "1.5"])
def test_invalid_number_of_days_is_shown_again(owner: FlaskClient, days: str) -> None:
    answer = owner.post("/owner/settings", data=settings_form(close_days=days))
    assert answer.status_code == 422
    assert "Please enter a number of days" in answer.text
    assert f'value="{days}"' in answer.text


@pytest.mark.settings(COMMENT_MODERATION="all")
def test_moderation_of_the_environment_wins(owner: FlaskClient) -> None:
    page = owner.get("/owner/settings").text
    assert 'name="moderation"' not in page
    assert "<code>COMMENT_MODERATION</code>" in page


def test_text_about_the_blog_is_on_the_front_page_only(
    owner: FlaskClient, app: Flask, publish_article: Publish
) -> None:
    publish_article(slug="birds")
    reader = app.test_client()
    assert 'class="about"' not in reader.get("/").text
    owner.post("/owner/settings", data={**FORM, "about": "A *calm* blog.\r\n\r\n<script>alert(1)</script>"})
    page = reader.get("/").text
    assert "<p>A <em>calm</em> blog.</p>" in page
    assert "alert(1)" not in page
    assert 'class="about"' not in reader.get("/articles/birds").text
    assert "A *calm* blog." in owner.get("/owner/settings").text
    owner.post("/owner/settings", data=FORM)  # a form without the field keeps the text
    assert "<em>calm</em>" in reader.get("/").text
    owner.post("/owner/settings", data={**FORM, "about": ""})
    assert 'class="about"' not in reader.get("/").text


@pytest.mark.settings(SITE_URL="http://localhost/blog")
def test_links_of_the_footer_are_on_every_page(owner: FlaskClient, app: Flask, publish_article: Publish) -> None:
    publish_article(slug="birds")
    reader = app.test_client()
    pages = ("/blog/", "/blog/articles/birds", "/blog/privacy", "/blog/nowhere")
    assert not any("<bdi>À propos" in reader.get(address).text for address in pages)
    links = "À propos | /about\n\nA|B|https://example.org/?a=1&b=2\nMail | mailto:ada@example.org"
    assert owner.post("/blog/owner/settings", data={**FORM, "footer_links": links}).status_code == 303
    for address in pages:
        page = reader.get(address).text
        assert '<a href="/blog/about"><bdi>À propos</bdi></a>' in page
        assert '<a href="https://example.org/?a=1&amp;b=2"><bdi>A|B</bdi></a>' in page
        assert '<a href="mailto:ada@example.org">' in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing is written
@pytest.mark.parametrize(
    "line",
    [
        "No address",
        "| /about",
        "A | javascript:alert(1)",
        "A | //evil.example",
        "A | /\\evil.example",
        "A | https://user@evil.example",
        'A | https://a.example/" onclick="x',
        "A | example.org",
        f"{'a' * 61} | /about",
        "A | /a\n" * 21,
    ],
)
def test_wrong_link_gets_a_message_and_loses_nothing(owner: FlaskClient, app: Flask, line: str) -> None:
    answer = owner.post("/owner/settings", data={**FORM, "footer_links": f"Fine | /fine\n{line}"})
    assert answer.status_code == 422
    assert 'data-error-for="footer_links">Line ' in answer.text
    assert "Fine | /fine" in answer.text
    assert "/fine" not in app.test_client().get("/").text


def test_unusable_stored_values_have_their_defaults_and_are_logged_once(
    owner: FlaskClient, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), write_transaction(Changes.EVERYTHING) as session:
        change_site(session, UNUSABLE)
    for path in ("/", "/feed.xml", "/owner/settings", "/"):
        assert owner.get(path).status_code == 200
    assert "Carnet</a>" in app.test_client().get("/").text
    for name in UNUSABLE:
        assert caplog.text.count(f"the setting {name} cannot be used") == 1


def test_title_and_description_have_the_typography_of_the_site(owner: FlaskClient, publish_article: Publish) -> None:
    publish_article(slug="birds", lang="en")
    owner.post("/owner/settings", data=FORM | {"site_title": "L'Écho : lundi", "description": "Qu'est-ce ?"})
    front = owner.get("/").text
    assert ">L’Écho\u00a0: lundi</a>" in front
    assert ">Qu’est-ce\u202f?</p>" in front
    # Also on pages in another language.
    assert ">L’Écho\u00a0: lundi</a>" in owner.get("/articles/birds").text
