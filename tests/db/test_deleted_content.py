"""No process serves deleted or outdated content, even while the database is unavailable."""

from __future__ import annotations

import fcntl
import http.client
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask

from blogapp import create_app
from tests.conftest import SECRET_KEY, dispose, locked
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


def post_comment(server: Server) -> tuple[str, str]:
    """The new comment's id, and the cookie of its author."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/articles/birds/comments", f"author_name=Ada&body={SECRET.replace(' ', '+')}", headers)
    answer = connection.getresponse()
    number = re.findall(r"#comment-(\d+)", answer.headers["Location"])[0]
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    connection.close()
    return number, cookie


def delete(server: Server, number: str, cookie: str) -> None:
    assert post_form(server, f"/comments/{number}/delete", cookie, "") == 303


def edit(server: Server, number: str, cookie: str) -> None:
    assert post_form(server, f"/comments/{number}/edit", cookie, "body=Other+words&revision=0") == 303


def remove_by_command(server: Server, number: str, cookie: str) -> None:
    run(server, "comments", "remove", number)


def owner_cookie(server: Server) -> str:
    """The session cookie of an owner who signs in."""
    run(server, "owner", "create", "--name", "Chloe", "--password", PASSWORD)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/owner/sign-in", urlencode({"name": "Chloe", "password": PASSWORD}), headers)
    answer = connection.getresponse()
    cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie", [])]
    connection.close()
    return next(each for each in cookies if each.startswith("owner="))


def remove_by_owner(server: Server, number: str, cookie: str) -> None:
    assert post_form(server, f"/comments/{number}/removal", owner_cookie(server), "") == 303


def remove_article(server: Server, number: str, cookie: str) -> None:
    run(server, "articles", "remove", "birds", "--yes")


def run(server: Server, *arguments: str) -> None:
    """Run a command in a separate process."""
    command = [sys.executable, "-m", "flask", *arguments]
    environ = {**server.environ, "DATA_DIR": str(server.folder)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def unpublish(server: Server, number: str, cookie: str) -> None:
    file = server.folder / "birds.md"
    file.write_text("---\ntitle: Birds\nslug: birds\ndraft: true\n---\nThey sing.\n")
    run(server, "articles", "import", str(file))


@contextmanager
def unreadable(database_url: str) -> Iterator[None]:
    """Prevent every process from starting to read."""
    if database_url.startswith("sqlite"):
        # The locks of readers in WAL mode (https://www.sqlite.org/walformat.html, section 2.3).
        with Path(database_url.removeprefix("sqlite:///") + "-shm").open("r+b") as index:
            fcntl.lockf(index, fcntl.LOCK_EX, 5, 123)
            yield
    else:
        with locked(database_url, "articles, comments"):
            yield


def read_many(server: Server) -> set[tuple[int, bool]]:
    """The responses of both processes for the article: status, and whether the comment is in it."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: get(server, "/articles/birds"), range(12)))
    return {(status, SECRET in text) for status, text in answers}


def test_pages_are_served_while_the_database_is_unavailable(server: Server, blog: Flask, database_url: str) -> None:
    post_comment(server)
    assert read_many(server) == {(200, True)}
    with unreadable(database_url):
        answers = read_many(server)
    assert (200, True) in answers
    assert answers <= {(200, True), (503, False)}  # a process without earlier requests has no cached page


@pytest.mark.parametrize("act", [delete, edit, remove_by_command, remove_by_owner, unpublish, remove_article])
def test_no_process_serves_deleted_content_while_the_database_is_unavailable(
    server: Server, blog: Flask, database_url: str, act: Callable[[Server, str, str], None]
) -> None:
    number, cookie = post_comment(server)
    assert read_many(server) == {(200, True)}
    act(server, number, cookie)
    with unreadable(database_url):
        assert read_many(server) <= {(200, False), (503, False)}


def restore(server: Server, number: str) -> None:
    assert post_form(server, f"/comments/{number}/restoration", owner_cookie(server), "") == 303


def like(server: Server, number: str) -> None:
    assert post_form(server, f"/comments/{number}/likes", "", "liked=1") == 303


def approve_by_command(server: Server, number: str) -> None:
    run(server, "comments", "approve", str(int(number) + 1))


def import_article(server: Server, number: str) -> None:
    file = server.folder / "birds.md"
    file.write_text("---\ntitle: Birds\nslug: birds\n---\nThey sing again.\n")
    run(server, "articles", "import", str(file))


@pytest.mark.parametrize("change", [restore, like, approve_by_command, import_article])
def test_no_process_serves_a_page_that_was_rendered_before_a_change(
    server: Server, blog: Flask, database_url: str, change: Callable[[Server, str], None]
) -> None:
    number, _ = post_comment(server)
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "COMMENT_MODERATION": "all"}
    moderated = create_app(environ, server.folder)
    moderated.test_client().post("/articles/birds/comments", data={"author_name": "Eve", "body": "Awaiting approval"})
    dispose(moderated)
    if change is restore:
        run(server, "comments", "remove", number)
    assert len(read_many(server)) == 1
    change(server, number)
    with unreadable(database_url):
        assert read_many(server) == {(503, False)}
