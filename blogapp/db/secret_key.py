"""The secret key of a blog on PostgreSQL whose host sets no SECRET_KEY: it is created once and kept in the database,
because the disk of a hosting platform does not last."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Text, make_url
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.db.base import Model
from blogapp.settings import SettingsError

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
ONLY = 1


class StoredSecretKey(Model):
    """The key, in the row ONLY. Backups and exports leave this table out."""

    __tablename__ = "secret_keys"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(Text)


def kept_key(database_url: str, key_file: Path) -> str:
    """The key in the database; if it has none, that of `key_file`, where earlier versions kept it, or a new one is
    stored. While the table does not exist, that is, for the first `flask db upgrade`, the key is not stored.

    Raises SettingsError if the database does not answer and the file does not exist.
    """
    import psycopg

    in_file = _read(key_file)
    try:
        with connect(database_url, CONNECT_SECONDS) as connection:
            return _stored(connection) or _store(connection, in_file or secrets.token_urlsafe(32))
    except psycopg.errors.UndefinedTable:
        return in_file or secrets.token_urlsafe(32)
    except psycopg.Error as error:
        if in_file:
            return in_file
        password = make_url(database_url).password
        message = " ".join(str(error).split())[:300].replace(str(password or "\0"), "***")
        raise SettingsError(
            f"SECRET_KEY is not set, and the database, where it is kept, cannot be used: {message}. Check "
            "DATABASE_URL, or set SECRET_KEY to a long random text."
        ) from None


def connect(database_url: str, seconds: int) -> psycopg.Connection:
    """A connection to PostgreSQL without SQLAlchemy. Raises psycopg.Error if none is possible within `seconds`."""
    import psycopg

    url = make_url(database_url)
    # Not as a URL: SQLAlchemy does not encode a space in a password, and libpq's error message would have the password.
    _, options = url.get_dialect()().create_connect_args(url)
    return psycopg.connect(**{"connect_timeout": seconds, **options})


def _stored(connection: psycopg.Connection) -> str | None:
    row = connection.execute("SELECT key FROM secret_keys WHERE id = %s", [ONLY]).fetchone()
    return row[0] if row else None


def _store(connection: psycopg.Connection, key: str) -> str:
    """Another process may store its key at the same time: the first one is kept."""
    connection.execute("INSERT INTO secret_keys (id, key) VALUES (%s, %s) ON CONFLICT DO NOTHING", [ONLY, key])
    return _stored(connection) or key


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
