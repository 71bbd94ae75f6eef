"""Bots, preloads, the owner and readers who opted out are not counted; browsers are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import device_detector
import fake_useragent
import pytest
import yaml
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers

from blogapp.articles.models import Article
from blogapp.view_counts.bot_filter import REASONS, is_bot, reason_not_to_count
from blogapp.view_counts.models import DailyRefusals, ViewCount
from tests.conftest import browser

OWN = {"blog.example.org"}
Publish = Callable[..., Article]

BROWSERS = [
    json.loads(line)["useragent"]
    for line in (Path(fake_useragent.__file__).parent / "data" / "browsers.jsonl").read_text().splitlines()
]
BOTS = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
# Test data of Matomo's device detector, which the filter does not use.
FIXTURES = Path(device_detector.__file__).parent / "tests" / "fixtures" / "upstream"


def agents_in(fixture: str) -> list[str]:
    # The safe loader in C, because yaml.safe_load() needs seconds for such a file.
    entries = yaml.load((FIXTURES / fixture).read_text(), yaml.CSafeLoader)
    return [str(entry["user_agent"]) for entry in entries]


def test_at_most_two_percent_of_declared_bots_are_counted() -> None:
    agents = agents_in("bots.yml")
    assert len(agents) > 1000
    assert len([agent for agent in agents if not is_bot(agent)]) <= len(agents) / 50


def test_every_bot_of_the_crawler_list_is_recognised() -> None:
    assert len(BOTS) > 2000
    counted = [agent for agent in BOTS if not is_bot(agent)]
    # One entry of the list is the build number of a phone, in the user agent of Instagram's app.
    assert all("Build/AP3A.240617.008" in agent for agent in counted)
    assert len(counted) <= 1


@pytest.mark.parametrize("fixture", ["smartphone-42.yml", "tablet.yml", "phablet.yml"])
def test_at_most_half_a_percent_of_browsers_are_taken_for_bots(fixture: str) -> None:
    agents = [agent for agent in agents_in(fixture) if agent.startswith("Mozilla/5.0 (")]
    assert len(agents) > 100
    assert len([agent for agent in agents if is_bot(agent)]) <= len(agents) / 200


def test_every_current_browser_is_counted() -> None:
    assert len(set(BROWSERS)) > 400
    assert [agent for agent in BROWSERS if is_bot(agent)] == []


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "   ",
        "curl/8.11.0",
        "python-requests/2.32",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0) Playwright/1.55",
        "Mozilla/5.0 (compatible; SomethingNew; +https://example.org/about-us)",
        "Acme Link Validator",
        "brand-new-bot/0.1",
        "NewBot 1.0",
        "Googlebot",
        "NewCrawler",
        "SuperSpider 2",
        "MyFetcher",
        "node",
        "undici",
        "Deno/2.1.4",
        "reqwest/0.12",
        "PostmanRuntime/7.43.0",
        "GuzzleHttp/7",
        "PHP/8.3.1",
        "Java-http-client/17",
        "node-superagent/8",
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621",
        "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/22.1.0",
        "lychee/0.15",
        "WhatsApp/2.23.20.0 A",
        "TelegramBot (like TwitterBot)",
        "facebookexternalhit/1.1",
        "LinkedInBot/1.0",
        "Mozilla/5.0 (compatible)",
        "Mozilla/5.0 (Windows NT 10.0) WWW.new-program.net",
        "Mozilla/5.0 (Windows NT 10.0) Agent/1",
        "Something/1.0",
    ],
)
def test_program_or_missing_user_agent_is_a_bot(agent: str) -> None:
    assert is_bot(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Linux; Android 9; CUBOT) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; M bot 60) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile "
        "Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) WhatsApp/2.2226.5 "
        "Chrome/100.0.4896.143 Electron/18.2.3 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 "
        "Mobile/15E148 Safari/605.1.15 (Ecosia ios@11.0.2.2268)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
        "Instagram 390.0.0.28.85 (iPhone15,2; iOS 18_6; en_US; en; scale=3.00; 1179x2556; 756321)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
        "[LinkedInApp]/9.31.2",
        "Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/130.0.0.0 Mobile Safari/537.36 Line/14.3.2/IAB",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/130.0.0.0 Mobile Safari/537.36 Telegram-Android/11.2.3 (Google Pixel 8; Android 14; SDK 34; HIGH)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/370.0 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
        "Snapchat/13.20.0.44 (like Safari/8618.1.15, panda)",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 "
        "Mobile DuckDuckGo/5 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/130.0.0.0 Mobile Safari/537.36 [Pinterest/Android]",
        # A build number that the list of crawlers contains and many phones with Android 15 have.
        "Mozilla/5.0 (Linux; Android 15; RMX5101 Build/AP3A.240617.008; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/141.0.7390.97 Mobile Safari/537.36",
        "Mozilla/5.0 (compatible; Konqueror/4.14; Linux) KHTML/4.14.38 (like Gecko)",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        "Opera/9.80 (Android; Opera Mini/36.2/191.249; U; en) Presto/2.12.423 Version/12.16",
        "Lynx/2.9.2 libwww-FM/2.14",
        "Dillo/3.2.0",
        "w3m/0.5.3+git20230121",
        "Nodepad Browser/1.0",
        "Mozilla/5.0 (Windows NT 10.0; Awww.some UserAgent) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
        "[FBAN/FBIOS;FBAV/530.0;FBDV/iPhone15,2]",
    ],
)
def test_rare_browser_is_counted(agent: str) -> None:
    assert not is_bot(agent)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, ""),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign"),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
        ({"Sec-Fetch-Site": "same-origin", "Referer": "https://elsewhere.example/"}, ""),
        ({"Referer": "https://blog.example.org/articles/birds"}, ""),
        ({"Referer": "https://blog.example.org:8443/"}, ""),
        ({"Referer": "https://elsewhere.example/blog.example.org"}, "foreign"),
        ({"Referer": "https://["}, "foreign"),
        ({"Sec-Purpose": "prefetch"}, "preload"),
        ({"Sec-Purpose": "prefetch;prerender"}, "preload"),
        ({"Purpose": "prefetch"}, "preload"),
        ({"X-Purpose": "preview"}, "preload"),
        ({"X-Moz": "prefetch"}, "preload"),
        ({"HX-Request": "true"}, ""),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, "restore"),
        ({"Sec-GPC": "1"}, "objection"),
        ({"DNT": "1"}, "objection"),
        ({"DNT": "0", "Sec-GPC": "0"}, ""),
        ({"User-Agent": "Googlebot/2.1"}, "bot"),
        ({"User-Agent": ""}, "bot"),
    ],
)
def test_request_headers_give_the_reason_not_to_count(headers: dict[str, str], reason: str) -> None:
    said = Headers({"User-Agent": BROWSERS[0], **headers})
    for method in ("POST", "GET"):
        assert reason_not_to_count(method, said, OWN, has_objected=False, is_owner=False) == reason


def test_pixel_opened_as_a_document_is_not_counted() -> None:
    for destination, reason in (("image", ""), ("document", "foreign"), ("iframe", "foreign")):
        said = Headers({"User-Agent": BROWSERS[0], "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": destination})
        assert reason_not_to_count("GET", said, OWN, False, False) == reason


@pytest.mark.settings(SITE_URL="https://blog.example.org")
def test_pixel_in_a_page_of_another_site_is_not_counted(
    publish_article: Publish, client: FlaskClient, session: Session
) -> None:
    publish_article(slug="birds")
    counted = []
    for number, referer in enumerate(("https://elsewhere.example/", "http://localhost/", "https://blog.example.org/")):
        headers = {"Referer": referer, "User-Agent": browser(f"Reader {number}")}
        assert client.get("/articles/birds/views.gif", headers=headers).status_code == 200
        counted.append(session.scalars(select(ViewCount.counted)).one())
    assert counted == [0, 0, 1]


def test_uncounted_request_is_recorded_with_its_reason(
    publish_article: Publish, client: FlaskClient, session: Session
) -> None:
    publish_article(slug="birds", views=4)
    for headers in ({"DNT": "1"}, {"Sec-Purpose": "prefetch"}, {"User-Agent": "Googlebot/2.1"}, {"User-Agent": ""}):
        assert client.post("/articles/birds/views", headers=headers).status_code == 204
        assert client.get("/articles/birds/views.gif", headers=headers).status_code == 200
    client.set_cookie("uncounted", "1")
    assert client.post("/articles/birds/views").status_code == 204
    assert client.get("/articles/birds/views.gif").status_code == 200
    client.application.extensions["view_writer"].flush()
    assert session.scalars(select(ViewCount.counted)).one() == 0
    noted = {row.reason: row.views for row in session.scalars(select(DailyRefusals))}
    assert noted == {"objection": 4, "preload": 2, "bot": 4}


def test_uncounted_reader_sees_the_number(publish_article: Publish, client: FlaskClient) -> None:
    publish_article(slug="birds", lang="fr", views=4)
    answer = client.post("/articles/birds/views", headers={"HX-Request": "true", "DNT": "1"})
    assert re.fullmatch(r'<span id="view-count" data-count="4"[^>]*>4 vues</span>', answer.text.strip())


def test_head_request_is_not_counted(publish_article: Publish, client: FlaskClient, session: Session) -> None:
    publish_article(slug="birds")
    assert client.head("/articles/birds/views.gif").status_code == 200
    assert client.head("/articles/birds").status_code == 200
    assert session.scalars(select(ViewCount.counted)).one() == 0


def test_owner_is_counted_until_they_sign_in(
    publish_article: Publish, app: Flask, runner: FlaskCliRunner, session: Session
) -> None:
    publish_article(slug="birds")
    runner.invoke(args=["owner", "create", "--name", "Ada", "--password", "a long password"])
    client = app.test_client()
    client.post("/owner/sign-in", data={"name": "Ada", "password": "a long password"})
    client.post("/articles/birds/views")
    assert session.scalars(select(ViewCount.counted)).one() == 0
    client.post("/owner/sign-out")
    client.post("/articles/birds/views")
    assert session.scalars(select(ViewCount.counted)).one() == 1


def test_every_reason_has_a_description() -> None:
    for headers in ({"DNT": "1"}, {"Purpose": "prefetch"}, {"User-Agent": ""}, {"HX-History-Restore-Request": "true"}):
        all_headers = Headers({"User-Agent": BROWSERS[0], **headers})
        assert reason_not_to_count("POST", all_headers, OWN, False, False) in REASONS
    assert reason_not_to_count("HEAD", Headers(), OWN, False, False) in REASONS
    assert reason_not_to_count("POST", Headers({"User-Agent": BROWSERS[0]}), OWN, False, True) in REASONS
    assert all(len(reason) <= 16 for reason in REASONS)
