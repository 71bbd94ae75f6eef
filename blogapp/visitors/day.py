"""The beginning of a UTC day: what was made with the key of the day before is deleted.

`create_app` registers what ends with a day. So this package imports no feature, and the order of imports is of no
matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from flask import Flask, current_app
from sqlalchemy.orm import Session


class AtNewDay(Protocol):
    """Something to do in the write transaction that makes the key of a new day."""

    def __call__(self, session: Session, *, day: date, previous: date | None) -> None:
        """`day` begins; `previous` is the last day before it that had a key, if there was one."""


def init_app(app: Flask, at_new_day: Sequence[AtNewDay]) -> None:
    """Register what `begin_day` does, in this order."""
    app.extensions["at_new_day"] = tuple(at_new_day)


def begin_day(session: Session, day: date, previous: date | None) -> None:
    """Do all that is registered. Called once a day, by the transaction that makes the day's key (`key_of_day`)."""
    actions: tuple[AtNewDay, ...] = current_app.extensions["at_new_day"]
    for act in actions:
        act(session, day=day, previous=previous)
