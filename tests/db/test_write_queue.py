"""The write queue: first in, first out, and it leaves threads for readers."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.db.faults import Busy
from blogapp.db.transactions import write_transaction
from blogapp.db.write_queue import MAX_BLOCKED, WriteQueue
from tests.conftest import browser, eventually, locked

Publish = Callable[..., Article]


def test_writers_are_served_in_order() -> None:
    queue, came = WriteQueue(slots=1), list[int]()

    def ask(number: int) -> None:
        with queue.slot(20, may_refuse=False):
            came.append(number)

    threads = []
    with queue.slot(0, may_refuse=False):
        for number in range(10):
            threads.append(Thread(target=ask, args=[number]))
            threads[-1].start()
            eventually(lambda: queue.length, number + 1)
        with pytest.raises(Busy), queue.slot(0.01, may_refuse=False):
            pass  # it leaves the queue and does not delay the others
        assert queue.length == 10
    for thread in threads:
        thread.join()
    assert came == list(range(10))
    with queue.slot(0, may_refuse=False):
        pass


def test_stalled_queue_refuses_all_but_a_few_writers() -> None:
    queue, refused = WriteQueue(slots=1), list[int]()

    def ask(number: int) -> None:
        try:
            with queue.slot(60, may_refuse=True):
                pass
        except Busy:
            refused.append(number)

    threads = [Thread(target=ask, args=[number]) for number in range(20)]
    with queue.slot(0, may_refuse=True):
        for thread in threads:
            thread.start()
        eventually(lambda: queue.length, MAX_BLOCKED - 1)
        eventually(lambda: len(refused), 20 - MAX_BLOCKED + 1)
    for thread in threads:
        thread.join()
    assert len(refused) == 20 - MAX_BLOCKED + 1


def test_queue_that_makes_progress_refuses_no_writer() -> None:
    queue, all_here, done = WriteQueue(slots=1), Barrier(16), list[int]()

    def ask(number: int) -> None:
        all_here.wait(60)
        with queue.slot(60, may_refuse=True):
            time.sleep(0.05)  # the last writer waits for fifteen others
            done.append(number)

    threads = [Thread(target=ask, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(16))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_writer_that_times_out_does_not_affect_the_next_one(app: Flask) -> None:
    with app.app_context(), write_transaction():
        errors = list[str]()

        def write() -> None:
            try:
                with app.app_context(), write_transaction(lock_timeout_ms=20):
                    errors.append("none")
            except Busy:
                errors.append("busy")

        thread = Thread(target=write)
        thread.start()
        thread.join()
        assert errors == ["busy"]
    with app.app_context(), write_transaction(lock_timeout_ms=20):
        pass


def test_readers_are_served_while_writers_wait_for_a_lock(
    publish_article: Publish, app: Flask, post: Callable[..., TestResponse], database_url: str
) -> None:
    """24 concurrent likes while another process holds the lock: most of them get 503."""
    publish_article(slug="birds")
    address = post("birds").headers["Location"].rpartition("#comment-")[2]
    answers = list[TestResponse]()

    def like(number: int) -> None:
        headers = {"User-Agent": browser(f"Reader {number}")}
        answers.append(app.test_client().post(f"/comments/{address}/likes", headers=headers))

    threads = [Thread(target=like, args=[number]) for number in range(24)]
    with locked(database_url, "conversations", mode="EXCLUSIVE"):
        for thread in threads:
            thread.start()
        eventually(lambda: len(answers), 24 - MAX_BLOCKED)
        assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "2")}
        assert app.test_client().get("/articles/birds").status_code == 200
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers[-MAX_BLOCKED:]] == [303] * MAX_BLOCKED
