"""Concurrent writes of two server processes, and servers that are stopped or killed."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from sqlalchemy import func, select

from blogapp.articles.models import Article
from blogapp.comments.models import Comment, Conversation
from blogapp.db.base import db
from blogapp.view_counts.models import DailyRefusals, ViewCount
from tests.conftest import FIREFOX, browser, eventually, locked
from tests.db.conftest import Site
from tests.harness.server import Server


def send(server: Server, path: str, agent: str = FIREFOX, **form: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {"HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded", "User-Agent": agent}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_concurrent_comments_and_views_in_two_processes_are_all_stored(site: Site) -> None:
    slug = site.add_article()

    def act(number: int) -> int:
        if number % 2:
            return send(site.server, f"/articles/{slug}/views", agent=browser(f"Reader {number}"))[0]
        form = {"author_name": f"N{number}", "body": f"Text {number}"}
        return send(site.server, f"/articles/{slug}/comments", **form)[0]

    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(act, range(400)))
    assert answers == {200: 200, 201: 200}
    with site.app.app_context():
        article = db.session.scalars(select(Article.id).where(Article.slug == slug)).one()
        stored = select(func.count()).select_from(Comment).where(Comment.article_id == article)
        assert db.session.scalar(stored) == 200
        conversation = db.session.get_one(Conversation, article)
        assert (conversation.comment_count, conversation.last_number, conversation.version) == (200, 200, 200)
        eventually(lambda: counted(slug), 200)
    assert "ERROR" not in site.server.log()


def counted(slug: str) -> int:
    """The view count of an article. On a busy machine a response may arrive before its view is written."""
    db.session.rollback()
    return db.session.scalars(select(ViewCount.counted).join(Article).where(Article.slug == slug)).one()


def view_many(server: Server, slug: str, agents: list[str]) -> Counter[int]:
    """View the article once with each of `agents`, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers: Counter[int] = Counter()
    for agent in agents:
        headers = {"Content-Length": "0", "User-Agent": agent}
        connection.request("POST", f"/articles/{slug}/views", headers=headers)
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += 1
    connection.close()
    return answers


def test_two_thousand_concurrent_readers_are_all_counted(site: Site) -> None:
    slug = site.add_article()
    agents = [[browser(f"{connection}.{number}") for number in range(63 - connection % 2)] for connection in range(32)]
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda each: view_many(site.server, slug, each), agents), Counter())
    assert answers == {204: 2000}
    with site.app.app_context():
        eventually(lambda: counted(slug), 2000)
    assert "ERROR" not in site.server.log()


def test_hundred_concurrent_requests_of_one_reader_are_one_view(site: Site) -> None:
    slug = site.add_article()
    with ThreadPoolExecutor(32) as pool:
        answers = sum(pool.map(lambda _: view_many(site.server, slug, [FIREFOX]), range(100)), Counter())
    assert answers == {204: 100}
    with site.app.app_context():
        eventually(lambda: counted(slug), 1)


def test_acknowledged_comment_survives_a_killed_server(site: Site) -> None:
    slug = site.add_article()
    status, page = send(site.server, f"/articles/{slug}/comments", author_name="Ada", body="Kept")
    assert status == 201
    site.server.kill()
    site.server.start()
    number = re.findall(r'id="comment-(\d+)"', page)[0]
    with site.app.app_context():
        assert db.session.get_one(Comment, int(number)).body_source == "Kept"


def test_queued_views_and_refusals_are_written_before_the_server_ends(site: Site) -> None:
    slug, bot = site.add_article(), "Googlebot/2.1"
    with locked(site.database_url):
        assert {
            send(site.server, f"/articles/{slug}/views", agent=agent)[0]
            for agent in (browser("One"), browser("Two"), bot)
        } == {200}
        assert site.server.process
        site.server.process.end()
    assert site.server.stop() == 0
    with site.app.app_context():
        assert counted(slug) == 2
        assert db.session.scalars(select(DailyRefusals.views).where(DailyRefusals.reason == "bot")).one() == 1
