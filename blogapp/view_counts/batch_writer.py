"""Write views in batches: one background thread per process writes all queued views in one transaction.

A request puts its view into a queue and waits up to a second for the new total. What can be lost, and when:

- A process is killed (kill -9, out of memory): the views in its queue. A request that was answered with the new total
  is committed and stays. Also lost: up to a second's refusals (the numbers of uncounted requests).
- The power fails: the views of the last moments, because view counts are not synced to disk individually.
- The database is locked: nothing. After a second, requests get the last known total, and their views are written when
  the lock is released. After ten seconds they are dropped as below.
- The database is unavailable, full or locked for longer: the views of that time are dropped. Their number is kept in
  memory and recorded as `lost` when the database can be written again.
- The server is stopped (SIGTERM): nothing, if the database can be written within five seconds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from datetime import date
from multiprocessing.util import Finalize
from queue import Empty, SimpleQueue
from weakref import WeakSet

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.faults import describe, fault_of, trace
from blogapp.db.transactions import wipe, write_transaction
from blogapp.view_counts.bot_filter import LOST
from blogapp.view_counts.counting import Seen, ViewTotal, add_refusals, count_views
from blogapp.visitors.day import day_has_begun
from blogapp.visitors.identity import key_of_day

log = logging.getLogger(__name__)

# Seconds that a request waits for its total. If a transaction takes longer than that, no request waits for it: the
# server's threads are needed for readers.
ANSWER_WITHIN = 1.0
# Milliseconds that a transaction waits for the write lock before its views are dropped.
WRITE_WITHIN_MS = 10_000
# Seconds between two checks of the clock and the refusals. The clock is polled because it can be set, and because a
# computer can be suspended over midnight.
POLL_EVERY = 1.0
# Seconds after its first request until a process begins the day (usually another process already has), and seconds
# until a failed operation is retried.
BEGIN_AFTER = 60.0
RETRY_AFTER = 10.0
# Seconds that a stopping process waits until its views are written; most hosts kill a process after ten.
EXIT_WITHIN = 5.0
# A batch waits as long as more views arrive in GATHER seconds, at most GATHER_TIMES: a transaction costs as much as ten
# requests.
GATHER, GATHER_TIMES = 0.001, 4
# Maximum views in one transaction, and in the queue (a few megabytes of memory).
BATCH = 500
MOST_WAITING = 20_000


class ViewWriter:
    """Writes the views of all threads of this process. Its thread starts with the process's first request."""

    def __init__(self, app: Flask, visitors_per_hour: int | None) -> None:
        self._app = app
        self._visitors_per_hour = visitors_per_hour
        self.reset()
        _writers.add(self)

    def reset(self) -> None:
        """Reset the queue and the thread. Called in a forked process, because both belong to its parent."""
        # A view and the future of its total, or None and the future that ends `flush`.
        self._queue: SimpleQueue[tuple[Seen | None, Future[ViewTotal | None]]] = SimpleQueue()
        self._refusals: Counter[tuple[date, str]] = Counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._at_exit: Finalize | None = None
        self._busy_since: float | None = None
        self._retry_at = 0.0
        self._day: date | None = None
        self._announced: date | None = None
        self._begin_at = 0.0

    def count(self, seen: Seen) -> ViewTotal | None:
        """Count a view and return the article's total. None if there is no such article, or if the total is not known
        in time; the view may still be counted later."""
        written = self.add(seen)
        try:
            return written.result(ANSWER_WITHIN) if written else None
        except TimeoutError:
            return None

    def add(self, seen: Seen) -> Future[ViewTotal | None] | None:
        """Count a view; returns the future of what `count` returns, or None if a request should not wait for it."""
        if self._queue.qsize() >= MOST_WAITING:
            self.refuse(LOST, seen.now.date())
            return None
        total: Future[ViewTotal | None] = Future()
        self._queue.put((seen, total))
        self.start()
        busy_since = self._busy_since
        if self._thread is None or (busy_since is not None and time.monotonic() - busy_since > ANSWER_WITHIN):
            return None
        return total

    def refuse(self, reason: str, day: date) -> None:
        """Record that a request was not counted. The record is written with the next views, or within a second."""
        with self._lock:
            self._refusals[day, reason] += 1
        self.start()

    def flush(self) -> None:
        """Write the queued views and stop the thread; the next request starts a new one."""
        if self._thread is not None:
            done: Future[ViewTotal | None] = Future()
            self._queue.put((None, done))
            with suppress(TimeoutError):
                done.result(EXIT_WITHIN)

    def start(self) -> None:
        """Start the thread if it is not running."""
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="views", daemon=True)
            self._begin_at = time.monotonic() + BEGIN_AFTER
            try:
                thread.start()
            except RuntimeError:  # the next request tries again
                log.error("views stay queued: the writer thread cannot be started")
                return
            self._thread = thread
            # Not `atexit`: worker processes of multiprocessing end without it.
            self._at_exit = Finalize(None, self.flush, exitpriority=10)

    def _run(self) -> None:
        is_ending = False
        while not (is_ending and self._end()):
            batch = self._next_batch()
            self._busy_since = time.monotonic()
            self._begin_day(clock.now().date())
            totals = self._write([seen for seen, _ in batch if seen])
            self._busy_since = None
            for seen, total in batch:
                total.set_result(totals.get(seen.slug) if seen else None)
                is_ending = is_ending or seen is None

    def _next_batch(self) -> list[tuple[Seen | None, Future[ViewTotal | None]]]:
        batch = []
        with suppress(Empty):
            batch.append(self._queue.get(timeout=POLL_EVERY))
            for _ in range(GATHER_TIMES):
                waiting = self._queue.qsize()
                time.sleep(GATHER)
                if self._queue.qsize() == waiting:
                    break
            while len(batch) < BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _begin_day(self, today: date) -> None:
        """Delete yesterday's key and the data made with it from the database and its files, even without requests."""
        if today == self._day or time.monotonic() < self._begin_at:
            return
        try:
            with self._app.app_context():
                with write_transaction(durable=False, lock_timeout_ms=WRITE_WITHIN_MS) as session:
                    key_of_day(session, today)
                is_begun = wipe("visitor_keys")
            # Whether or not it could be wiped: a reader that stays, such as Litestream, prevents that.
            if today != self._announced:
                self._announced = today
                day_has_begun(self._app, today)
        except Exception as error:
            log_failure("the visitor key of the day cannot be created, or the old one deleted", error)
            is_begun = False
        if is_begun:
            self._day = today
        else:
            self._begin_at = time.monotonic() + RETRY_AFTER

    def _write(self, seen: list[Seen]) -> dict[str, ViewTotal]:
        """Write `seen` and the refusals; returns the totals by slug, none if that failed."""
        if not seen and time.monotonic() < self._retry_at:
            return {}
        with self._lock:
            refusals, self._refusals = self._refusals, Counter()
        if not (seen or refusals):
            return {}
        try:
            with self._app.app_context(), write_transaction(durable=False, lock_timeout_ms=WRITE_WITHIN_MS) as session:
                totals = count_views(session, seen, self._visitors_per_hour) if seen else {}
                add_refusals(session.connection(), refusals)
            return totals
        except Exception as error:
            log_failure(f"{len(seen)} views are lost", error)
            self._retry_at = time.monotonic() + RETRY_AFTER
            with self._lock:
                self._refusals += refusals + Counter((each.now.date(), LOST) for each in seen)
            return {}

    def _end(self) -> bool:
        """End the thread, unless new views are queued."""
        with self._lock:
            if not self._queue.empty():
                return False
            self._thread = None
            if self._at_exit is not None:
                self._at_exit.cancel()
            return True


def log_failure(what: str, error: Exception) -> None:
    """Log a database fault with its cause, and any other error with its traceback."""
    fault = fault_of(error)
    if fault is not None:
        log.error("%s: %s: %s", what, fault.cause, describe(error))
    elif isinstance(error, SQLAlchemyError):
        log.error("%s\n%s", what, trace(error))
    else:
        log.error("%s", what, exc_info=error)


_writers: WeakSet[ViewWriter] = WeakSet()


def _reset_all() -> None:
    for writer in _writers:
        writer.reset()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_reset_all)


def view_writer() -> ViewWriter:
    """The writer of the current application."""
    writer: ViewWriter = current_app.extensions["view_writer"]
    return writer
