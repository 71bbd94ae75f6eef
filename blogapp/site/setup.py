"""The first setup of the blog: it is open until it is done once, and then stays closed for good."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for, write_transaction
from blogapp.site.models import SiteSetting
from blogapp.site.settings import FEED_ID, REPLACES_MISSING, SETUP_DONE_AT

CODE_LENGTH = 12
GROUP = 4


def close_setup(session: Session, now: datetime) -> bool:
    """Close the setup; returns whether it was open. If two transactions do this at the same time, the second one waits
    for the first, and gets False. A write transaction with `Changes.EVERYTHING` must be open."""
    done = _add_once(session, SETUP_DONE_AT, now.isoformat())
    _add_once(session, FEED_ID, str(uuid4()))
    return done


def note_missing_database() -> None:
    """Store that this database was created in the place of one that is missing (`Site.replaces_missing`)."""
    with write_transaction() as session:
        _add_once(session, REPLACES_MISSING, "True")


def _add_once(session: Session, name: str, value: str) -> bool:
    """Store a setting, unless it exists; returns whether it was new."""
    insert = insert_for(session, SiteSetting).values(name=name, value=value)
    added = session.execute(insert.on_conflict_do_nothing(index_elements=["name"]).returning(SiteSetting.name))
    return added.first() is not None


def derived_code(secret_key: str) -> str:
    """The one-time setup code, such as ABCD-EFGH-JKLM. It is derived from the secret key, so that all processes, and
    the same one after a restart, have the same code without storing it."""
    digest = hmac.digest(secret_key.encode(), b"setup code", "sha256")
    letters = base64.b32encode(digest).decode()[:CODE_LENGTH]
    return "-".join(letters[start : start + GROUP] for start in range(0, CODE_LENGTH, GROUP))


def is_setup_code(typed: str, code: str) -> bool:
    """Whether the typed code is `code`, regardless of case, hyphens and spaces."""
    return hmac.compare_digest(_plain(typed), _plain(code))


def _plain(code: str) -> bytes:
    return "".join(code.split()).replace("-", "").upper().encode(errors="replace")
