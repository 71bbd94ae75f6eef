"""No process serves deleted or outdated content, even while the database is unavailable."""

from __future__ import annotations

import fcntl
import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from blogapp.db.content_versions import POSTGRESQL_MAX_AGE
from tests.conftest import locked
from tests.db.conftest import Site
from tests.harness.server import ROOT, Server

PASSWORD = "a long pass phrase for tests"
SECRET = "Text that is deleted later"


def get(server: Server, path: str) -> tuple[int, str]:
    """Use a new connection, so that both processes get requests."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def post_form(server: Server, path: str, cookie: str, body: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def post_comment(server: Server, slug: str, text: str = SECRET) -> tuple[str, str]:
    """The new comment's id, and the cookie of its author."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", f"/articles/{slug}/comments", f"author_name=Ada&body={text.replace(' ', '+')}", headers)
    answer = connection.getresponse()
    number = re.findall(r"#comment-(\d+)", answer.headers["Location"])[0]
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    connection.close()
    return number, cookie


def delete(server: Server, number: str, cookie: str) -> None:
    assert post_form(server, f"/comments/{number}/delete", cookie, "") == 303


@contextmanager
def unreadable(database_url: str) -> Iterator[None]:
    """Prevent every process from starting to read."""
    if database_url.startswith("sqlite"):
        # The locks of readers in WAL mode (https://www.sqlite.org/walformat.html, section 2.3).
        with Path(database_url.removeprefix("sqlite:///") + "-shm").open("r+b") as index:
            fcntl.lockf(index, fcntl.LOCK_EX, 5, 123)
            yield
    else:
        with locked(database_url, "articles, comments, content_versions"):
            yield


def read_many(server: Server, slug: str) -> set[tuple[int, bool]]:
    """The responses of both processes for the article: status, and whether the comment is in it."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(server, f"/articles/{slug}"), range(8)))
    return {(status, SECRET in text) for status, text in answers}


def test_pages_are_served_while_the_database_is_unavailable_unless_their_content_was_deleted(site: Site) -> None:
    """tests/pages/test_content_versions.py has every other kind of change."""
    server, slug = site.server, site.add_article()
    number, cookie = post_comment(server, slug)
    assert read_many(server, slug) == {(200, True)}
    with unreadable(site.database_url):
        answers = read_many(server, slug)
    assert (200, True) in answers
    assert answers <= {(200, True), (503, False)}  # a process without earlier requests has no cached page
    assert read_many(server, slug) == {(200, True)}
    delete(server, number, cookie)
    with unreadable(site.database_url):
        assert read_many(server, slug) <= {(200, False), (503, False)}


class PausedRemoval:
    """A process that removes a comment, and waits before and after the commit."""

    def __init__(self, server: Server, number: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.db.paused_command", "comments", "remove", number],
            cwd=ROOT,
            env=server.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> PausedRemoval:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def reaches(self, line: str) -> bool:
        assert self._process.stdout is not None
        return self._process.stdout.readline() == f"{line} the commit\n"

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def ends(self) -> bool:
        return self._process.wait(30) == 0


def test_removal_of_a_killed_process_is_not_hidden_by_another_that_ends_later(site: Site) -> None:
    """The first process has committed, and the second begins before the first writes the end of its removal."""
    server, slug = site.server, site.add_article()
    other, _ = post_comment(server, slug, "Another text")
    number, _ = post_comment(server, slug)
    with PausedRemoval(server, other) as first:
        assert first.reaches("before")
        first.go_on()
        assert first.reaches("after")
        with PausedRemoval(server, number) as killed:
            assert killed.reaches("before")
            first.go_on()
            assert first.ends()
            assert read_many(server, slug) == {(200, True)}
            killed.go_on()
            assert killed.reaches("after")
    with unreadable(site.database_url):
        time.sleep(POSTGRESQL_MAX_AGE)  # a version may be remembered for so long
        assert read_many(server, slug) <= {(200, False), (503, False)}
