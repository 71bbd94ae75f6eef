"""The beginning of a UTC day: data that was made with the previous day's key is deleted.

`create_app` registers the functions that delete it, so this package imports no feature and does not depend on the
order of imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session


class AtNewDay(Protocol):
    """A function that is called in the write transaction that creates the key of a new day."""

    def __call__(self, session: Session, *, day: date, previous: date | None) -> None:
        """`day` begins; `previous` is the last day before it that had a key, if there was one."""


class AfterNewDay(Protocol):
    """A function that each server process calls when `day` has begun, outside of transactions. It must not wait."""

    def __call__(self, app: Flask, *, day: date) -> None: ...


def init_app(app: Flask, at_new_day: Sequence[AtNewDay], after_new_day: Sequence[AfterNewDay] = ()) -> None:
    """Register the functions that `begin_day` and `day_has_begun` call, in this order."""
    app.extensions["at_new_day"] = tuple(at_new_day)
    app.extensions["after_new_day"] = tuple(after_new_day)


def begin_day(session: Session, day: date, previous: date | None) -> None:
    """Call the registered functions. This runs once a day, in the transaction that creates its key (`key_of_day`)."""
    actions: tuple[AtNewDay, ...] = current_app.extensions["at_new_day"]
    for act in actions:
        act(session, day=day, previous=previous)


def day_has_begun(app: Flask, day: date) -> None:
    """Call the functions that are not part of the transaction. This runs once a day in each process, and after its
    start."""
    actions: tuple[AfterNewDay, ...] = app.extensions["after_new_day"]
    for act in actions:
        act(app, day=day)
