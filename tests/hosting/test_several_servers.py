"""Two servers, each with a data folder of its own, on one PostgreSQL and one Redis, behind the real nginx with
docs/hosting/nginx.conf and without sticky sessions."""

from __future__ import annotations

import http.client
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks.nginx import wait_until_listening
from blogapp import create_app
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password
from tests.conftest import FIREFOX, SECRET_KEY, dispose, eventually
from tests.faults.visitors import ARTICLE, COMMENTS, FORM, check, make_blog
from tests.harness.databases import on_server, url_of
from tests.harness.nginx import nginx_command
from tests.harness.redis import Redis
from tests.harness.server import Server, free_port
from tests.harness.supervised_process import supervise
from tests.harness.threads import Repeated
from tests.media.conftest import picture

OWNER = {"name": "Chloé Martin", "password": "correct horse battery"}
# Each visitor comes from a network of its own.
networks = itertools.count(1)


@dataclass
class Answer:
    status: int
    text: str
    location: str
    cookie: str
    servers: list[int]  # the ports of those that nginx asked; the last one has answered


@dataclass
class Visitor:
    """A browser. `port` is that of nginx, or of one of the servers."""

    port: int
    network: int
    cookie: str = ""

    def ask(
        self,
        method: str,
        path: str,
        body: str | bytes | dict[str, str] | None = None,
        kind: str = "",
        htmx: bool = False,
    ) -> Answer:
        if isinstance(body, dict):
            body, kind = urlencode(body), FORM["Content-Type"]
        fields = {
            "User-Agent": FIREFOX,
            "X-Forwarded-For": f"10.{self.network >> 8}.{self.network & 255}.1",
            "Cookie": self.cookie,
            "Content-Type": kind,
            "HX-Request": "true" if htmx else "",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.request(method, path, body, {name: value for name, value in fields.items() if value})
            received = connection.getresponse()
            text = received.read().decode(errors="replace")
        finally:
            connection.close()
        cookies = [each.partition(";")[0] for each in received.headers.get_all("Set-Cookie", [])]
        cookie = next((each for each in cookies if each.startswith(("visitor=", "owner="))), "")
        servers = [int(each) for each in re.findall(r":(\d+)", received.getheader("X-Upstream", ""))]
        return Answer(received.status, text, received.getheader("Location", ""), cookie, servers)

    def comment(self, body: str) -> Answer:
        answer = self.ask("POST", COMMENTS, {"author_name": "Ada", "body": body})
        self.cookie = self.cookie or answer.cookie
        return answer


@dataclass
class Site:
    port: int
    servers: list[Server]
    database_url: str
    folder: Path

    def visitor(self, server: Server | None = None, cookie: str = "") -> Visitor:
        """A new visitor, who asks nginx, or one of the servers."""
        return Visitor(server.port if server else self.port, next(networks), cookie)

    def ports(self) -> set[int]:
        return {server.port for server in self.servers}


@pytest.fixture(scope="module")
def site(migrated_postgres: str, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Site]:
    folder, port, name = tmp_path_factory.mktemp("site"), free_port(), f"several_{worker_id}"
    on_server(f"CREATE DATABASE {name} TEMPLATE {migrated_postgres}")
    make_blog(folder, url_of(name))
    app = create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url_of(name)}, folder)
    with app.app_context(), write_transaction() as session:
        save_owner(session, OWNER["name"], hash_password(OWNER["password"]))
    dispose(app)
    redis = Redis()
    environ = {
        "DATABASE_URL": url_of(name),
        "SECRET_KEY": "",  # the servers share the key in the database
        "RATELIMIT_ENABLED": "on",
        "RATELIMIT_STORAGE_URI": redis.url,
        "SITE_URL": f"http://127.0.0.1:{port}",
        "TRUSTED_PROXIES": "2",  # the visitors here claim to come through another proxy
    }
    with ThreadPoolExecutor() as pool:  # they start at the same time
        servers = list(pool.map(lambda each: Server(folder / each, workers=2, **environ), ("one", "two")))
    work = folder / "proxy"
    work.mkdir()
    command, more = nginx_command(work, port, servers[0].port, others=[servers[1].port])
    nginx = supervise(command, work / "log", "TERM", env={**os.environ, **more})
    try:
        wait_until_listening(port, work / "log")
        yield Site(port, servers, url_of(name), folder)
    finally:
        nginx.end()
        nginx.wait(timeout=30)
        for server in servers:
            server.stop()
        redis.stop()
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


def comments_of(site: Site, server: Server) -> str:
    answer = site.visitor(server).ask("GET", ARTICLE)
    assert answer.status == 200
    return answer.text


def test_rate_limits_are_shared(site: Site) -> None:
    visitor = site.visitor()
    answers = [visitor.comment(f"Limited {number}") for number in range(7)]
    assert [answer.status for answer in answers] == [303] * 5 + [429] * 2
    assert {answer.servers[-1] for answer in answers[:5]} == site.ports()


def test_likes_and_views_of_one_visitor_count_once(site: Site) -> None:
    written = site.visitor().comment("Liked by one visitor")
    number = written.location.rpartition("-")[2]
    reader = site.visitor()
    likes = [reader.ask("POST", f"/comments/{number}/likes", {"liked": "1"}) for _ in range(4)]
    assert {like.status for like in likes} == {303}
    assert {like.servers[-1] for like in likes} == site.ports()

    def likes_shown(server: Server) -> str:
        found = re.search(rf'/comments/{number}/likes".*?>(\d*)</button>', comments_of(site, server), re.DOTALL)
        assert found
        return found[1]

    for server in site.servers:
        eventually(lambda server=server: likes_shown(server), "1")  # type: ignore[misc]

    def view(visitor: Visitor) -> tuple[int, int]:
        """The server that has counted the view, and the total."""
        answer = visitor.ask("POST", f"{ARTICLE}/views", htmx=True)
        found = re.search(r'data-count="(\d+)"', answer.text)
        assert found
        return answer.servers[-1], int(found[1])

    views = [view(reader) for _ in range(4)]
    assert {server for server, _ in views} == site.ports()
    assert {total for _, total in views} == {views[0][1]}
    assert view(site.visitor())[1] == views[0][1] + 1


def test_owner_is_signed_in_and_pictures_are_served_everywhere(site: Site) -> None:
    owner = site.visitor()
    signed_in = owner.ask("POST", "/owner/sign-in", OWNER)
    assert signed_in.status == 303
    owner.cookie = signed_in.cookie
    assert owner.cookie.startswith("owner=")
    pages = [owner.ask("GET", "/owner/articles") for _ in range(4)]
    assert [page.status for page in pages] == [200] * 4
    assert {page.servers[-1] for page in pages} == site.ports()
    boundary = "a-boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="pictures"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + picture() + f"\r\n--{boundary}--\r\n".encode()
    stored = owner.ask("POST", "/owner/pictures", body, f"multipart/form-data; boundary={boundary}")
    assert stored.status == 200
    address = re.findall(r"\((/media/[^)]+)\)", stored.text)[0]
    assert [site.visitor(server).ask("GET", address).status for server in site.servers] == [200, 200]
    assert owner.ask("POST", "/owner/sign-out").status == 303
    for server in site.servers:
        assert site.visitor(server, owner.cookie).ask("GET", "/owner/articles").status == 302


def test_deleted_comment_leaves_the_page_cache_of_each_server_within_a_second(site: Site) -> None:
    author = site.visitor()
    number = author.comment("Soon deleted").location.rpartition("-")[2]
    time.sleep(1)
    for server in site.servers * 2:  # each worker process has a cache of its own
        assert "Soon deleted" in comments_of(site, server)
    assert author.ask("POST", f"/comments/{number}/delete").status == 303
    time.sleep(1)
    for server in site.servers * 2:
        assert "Soon deleted" not in comments_of(site, server)


class Load(Repeated):
    """Visitors who read, comment, count views, and an owner, until the end of the `with` block."""

    def __init__(self, site: Site) -> None:
        owner = site.visitor()
        owner.cookie = owner.ask("POST", "/owner/sign-in", OWNER).cookie
        self.site = site
        self.acknowledged: list[str] = []
        self.answers: list[Answer] = []
        actions: list[Callable[[], Answer]] = [
            *[lambda: site.visitor().ask("GET", f"{ARTICLE}?sort=newest")] * 2,
            lambda: site.visitor().ask("GET", "/"),
            lambda: site.visitor().ask("POST", f"{ARTICLE}/views"),
            lambda: owner.ask("GET", "/owner/comments"),
            *[self._comment] * 2,
        ]
        super().__init__([partial(self._note, action) for action in actions], pause=0.05)

    def _note(self, action: Callable[[], Answer]) -> None:
        try:
            answer = action()
        except (OSError, http.client.HTTPException) as error:
            answer = Answer(0, repr(error), "", "", [])
        self.answers.append(answer)

    def _comment(self) -> Answer:
        visitor = self.site.visitor()
        body = f"Under load {visitor.network}"
        answer = visitor.comment(body)
        if answer.status == 303:
            self.acknowledged.append(body)
        return answer


def test_rolling_restart_answers_every_request(site: Site) -> None:
    with Load(site) as load:
        for server in site.servers:
            assert server.stop() == 0
            server.start()
    assert [answer for answer in load.answers if answer.status not in {200, 204, 303}][:5] == []
    # While a server was away, nginx sent requests to it, which the other one answered.
    assert {answer.servers[0] for answer in load.answers if len(answer.servers) > 1} == site.ports()
    kept = check(load.acknowledged, site.folder, site.database_url)
    assert (kept.lost, kept.doubled) == (0, 0)
