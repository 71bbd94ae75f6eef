"""Wait for a PostgreSQL server that has not started yet."""

from __future__ import annotations

import logging
import time

from sqlalchemy import make_url

from blogapp.db.secret_key import connect
from blogapp.db.start import is_lasting

CONNECT_SECONDS = 5
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


def wait_for_server(database_url: str, seconds: float) -> bool:
    """Wait at most `seconds` until the PostgreSQL server can be reached. Returns whether it can."""
    end = time.monotonic() + seconds
    is_logged = False
    while not is_reachable(database_url):
        if time.monotonic() > end:
            return False
        if not is_logged:
            url = make_url(database_url)
            log.warning("Waiting up to %d seconds for PostgreSQL at %s.", seconds, url.host or "a local socket")
            is_logged = True
        time.sleep(RETRY_SECONDS)
    return True


def is_reachable(database_url: str) -> bool:
    """Whether the server answers. Also true if it can be expected never to answer otherwise, because DATABASE_URL is
    invalid: the start reports that."""
    import psycopg

    try:
        connect(database_url, CONNECT_SECONDS).close()
    except psycopg.Error as error:
        return is_lasting(str(error))
    return True
