"""Measure the memory of the server's workers after they have answered all kinds of requests from ever new visitors."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

from benchmarks.results import Row
from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

CONNECTIONS = 16
# Requests after which each of them is replaced, as other visitors come. A connection stays with one worker, so one of
# them could otherwise answer several times as many requests as the other.
REQUESTS_EACH = 50
ARTICLES = 40
SIGN_INS = 40
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HTMX = {"HX-Request": "true"}
Request = tuple[str, str, dict[str, str], str]


def measure(folder: Path, requests: int) -> list[Row]:
    """The memory of the workers when idle and after so many requests, and of all processes during sign-ins."""
    publish_articles(folder)
    server = Server(folder, workers=2, TRUSTED_PROXIES="1", RATELIMIT_ENABLED="on")
    try:
        idle = Row("a worker, idle", "MB", memory_of_workers(server), 55, at_most=True)
        main_process = Row("the main process, idle", "MB", [megabytes(server.main_process())])
        answers = send_all(server, range(requests))
        busy = Row(f"a worker, after {requests:,} requests", "MB", memory_of_workers(server), 65, at_most=True)
        busy.details = {
            "answered with 500 or more": sum(n for status, n in answers.items() if status >= 500 or not status)
        }
        return [main_process, idle, busy, sign_ins(server)]
    finally:
        server.stop()


def memory_of_workers(server: Server) -> list[float]:
    return [megabytes(worker) for worker in server.workers()]


def publish_articles(folder: Path) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY}, folder)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    for number in range(ARTICLES):
        text = f"Number {number}.\n\n" + "They sing before sunrise, and nobody has asked them to. " * 100
        with app.app_context(), write_transaction() as session:
            publish(session, Manuscript(f"birds-{number}", "en", "Birds", "", [], False, now, text), now)
    app.test_cli_runner().invoke(args=["owner", "create", "--name", "Marie", "--password", "a good password"])
    dispose(app)


def sign_ins(server: Server) -> Row:
    """The largest total memory of all workers during SIGN_INS concurrent sign-ins."""
    most, done = 0.0, Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, sum(map(megabytes, server.workers())))

    watcher = Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(SIGN_INS) as pool:
        list(pool.map(lambda number: sign_in(server, number), range(SIGN_INS)))
    done.set()
    watcher.join()
    return Row(f"both workers together, at most during {SIGN_INS} sign-ins at once", "MB", [most])


def sign_in(server: Server, number: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = urlencode({"name": f"Visitor {number}", "password": f"wrong {number}"})
    headers = {**FORM, "User-Agent": CHROME, "X-Forwarded-For": f"10.9.{number}.1"}
    connection.request("POST", "/owner/sign-in", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def send_all(server: Server, numbers: range) -> Counter[int]:
    """Send the requests with these numbers over CONNECTIONS connections at a time; count the responses by status."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = pool.map(lambda first: send(server, numbers[first::CONNECTIONS]), range(CONNECTIONS))
        return sum(parts, Counter())


def send(server: Server, numbers: range) -> Counter[int]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    answers: Counter[int] = Counter()
    for place, number in enumerate(numbers):
        if place % REQUESTS_EACH == 0:
            connection.close()  # the next request opens another one
        method, address, headers, body = request(number)
        agent = f"{CHROME} {number}"
        network = f"10.{number >> 16 & 255}.{number >> 8 & 255}.1"
        try:
            connection.request(
                method,
                address,
                body,
                {"User-Agent": agent, "X-Forwarded-For": network, "Accept-Encoding": "br", **headers},
            )
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        except (OSError, http.client.HTTPException):  # a refused header field closes the connection
            connection.close()
            answers[0] += 1
    connection.close()
    return answers


def request(number: int) -> Request:
    """One of twenty kinds of requests, with values that depend on `number`."""
    article = f"/articles/birds-{number // 20 % ARTICLES}"
    body = urlencode({"author_name": f"Reader {number}", "body": f"They sing, said number {number}."})
    kinds: tuple[Request, ...] = (
        ("GET", article, {}, ""),
        ("GET", article, {}, ""),
        ("GET", article, {"Cookie": f"visitor={number:043}"}, ""),
        ("GET", article + "?sort=newest", {"Accept-Encoding": "gzip", "Accept-Language": "fr"}, ""),
        ("GET", f"{article}/comments", HTMX, ""),
        ("GET", f"{article}/comments?since={number % 7}", HTMX, ""),
        ("POST", f"{article}/views", HTMX, ""),
        ("POST", f"{article}/views", {}, ""),
        ("POST", f"{article}/views", {}, f"referrer=https://example{number}.org/"),
        ("GET", f"{article}/views.gif", {}, ""),
        ("GET", "/", {}, ""),
        ("GET", f"/?before={number}", {}, ""),
        ("GET", f"/?before={'x' * 60_000}{number}", {}, ""),
        ("GET", f"/?before={'x' * 20_000}{number}", {}, ""),
        ("GET", f"{article}?utm_{number}={number}&notice=x{number}", {}, ""),
        ("POST", f"{article}/comments", {**FORM, **HTMX}, body),
        ("POST", "/comments/preview", {**FORM, **HTMX}, f"{body}&article=birds-1"),
        ("POST", f"/comments/{1 + number // 40}/likes", {**FORM, **HTMX}, "liked=1"),
        ("GET", f"/none-{number}", {"Referer": f"https://example.org/{number}"}, ""),
        ("GET", "/privacy", {"Host": f"host-{number}.example"}, ""),
    )
    if number % 200 == 199:
        return "POST", "/owner/sign-in", FORM, urlencode({"name": f"Visitor {number}", "password": "wrong"})
    return kinds[number % len(kinds)]


def megabytes(process: int) -> float:
    """The proportional set size of a process: its own memory and its part of shared memory, in MB of 2**20 bytes."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024
