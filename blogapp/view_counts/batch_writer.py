"""The way of a view to the database: through one thread of the process, many views in one transaction.

Whoever reads never waits for a count, and whoever counts waits for a moment only. When the database is locked, full
or away, the views of that time are given up after a while; how many is written down when it is back.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing.util import Finalize
from weakref import WeakSet

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.db.transactions import wipe, write_transaction
from blogapp.view_counts.bot_filter import LOST
from blogapp.view_counts.counting import Seen, count_views, note_refusals
from blogapp.visitors.identity import key_of_day

log = logging.getLogger(__name__)

# Seconds that an answer waits for its count, behind those that came before it; and after which one transaction counts
# as stuck, so that none waits for it: a database that is locked must not hold the threads that others read with.
WAIT = 10.0
STUCK = 1.0
LOOK = 0.1
# How long a write transaction waits for the lock before its views are dropped.
LOCK_TIMEOUT_MS = 10_000
# Seconds after a process's first request in which it makes sure that the day has begun: it has more to do at first,
# and mostly finds a day that has. And until that is tried again where it failed.
BEGIN_WITHIN = 60.0
TRY_AGAIN = 10.0
# Seconds after which the clock is looked at again, midnight or not: it may be put, and a machine may sleep.
LOOK_AT_CLOCK = 60.0
# Seconds in which refusals are gathered.
NOTE_WITHIN = 0.2
# Seconds that the end of a process waits for what is not written yet; a host gives it ten.
LAST_WAIT = 5.0
# What one transaction takes, and what may wait for one: some megabytes of memory.
BATCH = 500
MOST_WAITING = 20_000


@dataclass(eq=False)
class _Ticket:
    """One view on its way; `views` are the article's when it is done, None when it was given up."""

    seen: Seen
    done: threading.Event = field(default_factory=threading.Event)
    views: int | None = None


class ViewWriter:
    """Writes the views of all threads of this process. Its own thread starts with the first request, and from then
    on begins each day, whether or not anybody comes."""

    def __init__(self, app: Flask, visitors_per_hour: int | None) -> None:
        self._app = app
        self._visitors_per_hour = visitors_per_hour
        self._begin_anew()
        _writers.add(self)

    def _begin_anew(self) -> None:
        """Have nothing to do. After a fork the thread is the parent's, and so is what it was about to write."""
        self._waiting: list[_Ticket] = []
        self._refusals: Counter[tuple[date, str]] = Counter()
        # What could not be written is kept until the next time that there is something to write: no second try at
        # once, and none for ever.
        self._kept: Counter[tuple[date, str]] = Counter()
        self._begun: date | None = None
        self._begin_at: float | None = None
        self._alarm: float | None = None
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._at_exit: Finalize | None = None
        self._busy_since: float | None = None
        self._is_closing = False

    def count(self, seen: Seen) -> int | None:
        """Count a view. The views that its article then has; None if that is not known in time, and then it may
        still be counted."""
        ticket = _Ticket(seen)
        with self._wake:
            if len(self._waiting) >= MOST_WAITING:
                self._refusals[seen.now.date(), LOST] += 1
                return None
            self._waiting.append(ticket)
            self._ring()
        until = time.monotonic() + WAIT
        while self._thread and not (ticket.done.is_set() or self._is_stuck() or time.monotonic() > until):
            ticket.done.wait(LOOK)
        return ticket.views

    def _is_stuck(self) -> bool:
        since = self._busy_since
        return since is not None and time.monotonic() - since > STUCK

    def refuse(self, reason: str, day: date) -> None:
        """Note that something was not counted, with its reason; it is written with the next view, or soon."""
        with self._wake:
            self._refusals[day, reason] += 1
            self._set_alarm(NOTE_WITHIN)

    def begin_day(self, day: date) -> None:
        """Have yesterday's key deleted, and all that goes with it, soon. Call it with every request of any kind."""
        if day == self._begun or (self._begin_at is not None and time.monotonic() < self._begin_at):
            return
        with self._wake:
            if self._begin_at is None:
                self._begin_at = time.monotonic() + BEGIN_WITHIN
            self._ring()

    def flush(self) -> None:
        """Write what waits, and end the thread; the next view starts another."""
        with self._wake:
            thread = self._thread
            self._is_closing = thread is not None
            self._wake.notify()
        if thread is not None:
            thread.join(LAST_WAIT)

    def _set_alarm(self, seconds: float) -> None:
        """Write what is not urgent in so many seconds at the latest."""
        alarm = time.monotonic() + seconds
        if self._alarm is None or alarm < self._alarm:
            self._alarm = alarm
            self._ring()

    def _ring(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="views", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread to be had just now: what waits is written when there is one
                log.error("views wait: a thread cannot be started")
                self._alarm = None
                return
            self._thread = thread
            # Not `atexit`: a server's worker is a child of multiprocessing, and such a one ends without it.
            self._at_exit = Finalize(None, self.flush, exitpriority=10)
        self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._waiting or self._is_closing):
                    seconds = self._seconds_to_wait()
                    if seconds <= 0:
                        break
                    self._wake.wait(seconds)
                self._alarm = None
                tickets, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                refusals, self._refusals, self._kept = self._refusals + self._kept, Counter(), Counter()
                day = self._day_to_begin(clock.now().date())
                if not (tickets or refusals or day):
                    if self._is_closing:
                        self._end()
                        return
                    continue
                self._busy_since = time.monotonic()
            is_written = self._try_to_write(tickets, refusals, day)
            if is_written and day is not None:
                self._wipe(day)
            with self._wake:
                # What could not be written is not tried again on the way out.
                if self._is_closing and not (is_written or self._waiting):
                    self._end()
                    return

    def _seconds_to_wait(self) -> float:
        """Until something is to be done, or the clock is to be looked at again."""
        now, today = time.monotonic(), clock.now()
        waits = [LOOK_AT_CLOCK, _seconds_to_midnight(today)]
        if self._alarm is not None:
            waits.append(self._alarm - now)
        if self._begin_at is not None and today.date() != self._begun:
            waits.append(self._begin_at - now)
        return min(waits)

    def _day_to_begin(self, today: date) -> date | None:
        is_due = self._begin_at is not None and time.monotonic() >= self._begin_at
        return today if is_due and today != self._begun else None

    def _end(self) -> None:
        self._thread, self._is_closing, self._alarm = None, False, None
        if self._at_exit is not None:
            self._at_exit.cancel()

    def _try_to_write(self, tickets: list[_Ticket], refusals: Counter[tuple[date, str]], day: date | None) -> bool:
        try:
            self._write(tickets, refusals, day)
            return True
        except Exception as error:
            self._give_up(tickets, refusals, day, error)
            return False
        finally:
            self._busy_since = None
            for ticket in tickets:
                ticket.done.set()

    def _write(self, tickets: list[_Ticket], refusals: Counter[tuple[date, str]], day: date | None) -> None:
        with self._app.app_context():
            with write_transaction(durable=False, lock_timeout_ms=LOCK_TIMEOUT_MS) as session:
                if day is not None:
                    key_of_day(session, day)
                seen = [ticket.seen for ticket in tickets]
                views = count_views(session, seen, self._visitors_per_hour) if seen else {}
                # The day's key comes first for all who write, then the totals: none waits for another in a circle.
                note_refusals(session, refusals)
            for ticket in tickets:
                ticket.views = views.get(ticket.seen.article_id)
                ticket.done.set()

    def _wipe(self, day: date) -> None:
        """The day has begun when nothing is left of the key before it, where it was stored."""
        with self._app.app_context():
            is_wiped = wipe("visitor_keys")
        if is_wiped:
            self._begun = day
        else:
            self._begin_at = time.monotonic() + TRY_AGAIN

    def _give_up(
        self, tickets: list[_Ticket], refusals: Counter[tuple[date, str]], day: date | None, error: Exception
    ) -> None:
        # The database's own sentence may hold a value: only the kind goes to the log.
        kind = type(getattr(error, "orig", None) or error).__name__
        log.error("%d views are given up: %s", len(tickets), kind)
        if not isinstance(error, SQLAlchemyError):
            log.error("this is a mistake in the program", exc_info=error)
        with self._wake:
            self._kept += refusals + Counter((ticket.seen.now.date(), LOST) for ticket in tickets)
            if day is not None:
                self._begin_at = time.monotonic() + TRY_AGAIN


def _seconds_to_midnight(now: datetime) -> float:
    return ((now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0) - now).total_seconds()


_writers: WeakSet[ViewWriter] = WeakSet()


def _begin_anew() -> None:
    for writer in _writers:
        writer._begin_anew()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_begin_anew)


def view_writer() -> ViewWriter:
    """The writer of the current application."""
    writer: ViewWriter = current_app.extensions["view_writer"]
    return writer
