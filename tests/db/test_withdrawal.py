"""What was deleted is gone in every process at once, also while the database is away."""

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

import pytest
from flask import Flask

from tests.conftest import locked
from tests.harness.server import ROOT, Server

SECRET = "Words that are taken back"


def get(server: Server, path: str) -> tuple[int, str]:
    """Over a connection of its own, so that both processes get their share."""
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


def run(server: Server, *arguments: str) -> None:
    """A command, in a process of its own."""
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
    """No process can begin to read."""
    if database_url.startswith("sqlite"):
        # The locks of readers in WAL mode (https://www.sqlite.org/walformat.html, section 2.3).
        with Path(database_url.removeprefix("sqlite:///") + "-shm").open("r+b") as index:
            fcntl.lockf(index, fcntl.LOCK_EX, 5, 123)
            yield
    else:
        with locked(database_url, "articles, comments"):
            yield


def read_many(server: Server) -> set[tuple[int, bool]]:
    """The answers that both processes give for the article: status, and whether the text is in it."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: get(server, "/articles/birds"), range(12)))
    return {(status, SECRET in text) for status, text in answers}


def test_pages_are_served_while_the_database_is_away(server: Server, blog: Flask, database_url: str) -> None:
    post_comment(server)
    assert read_many(server) == {(200, True)}
    with unreadable(database_url):
        answers = read_many(server)
    assert (200, True) in answers
    assert answers <= {(200, True), (503, False)}  # a process that nobody asked before has no page


@pytest.mark.parametrize("act", [delete, edit, remove_by_command, unpublish])
def test_what_was_deleted_is_served_by_no_process_while_the_database_is_away(
    server: Server, blog: Flask, database_url: str, act: Callable[[Server, str, str], None]
) -> None:
    number, cookie = post_comment(server)
    assert read_many(server) == {(200, True)}
    act(server, number, cookie)
    with unreadable(database_url):
        assert read_many(server) <= {(200, False), (503, False)}
