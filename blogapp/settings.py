"""Environment -> typed settings. A wrong or missing value stops the start with a sentence.

Each setting is declared once, in `SETTINGS`, with its meaning, its default and its parser; `flask settings` prints
that table, so what it says cannot differ from what the program reads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


class SettingsError(SystemExit):
    """A setting is wrong. A SystemExit, so that any server that loads the app ends with the sentence, not a trace."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"blogapp cannot start: {sentence}")


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, what it means, the text used when it is not set, and how to read it."""

    name: str
    meaning: str
    default: str
    parse: Callable[[str], Any]
    secret: bool = False


def _text(raw: str) -> str:
    return raw.strip()


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            raise ValueError(f"must be a whole number from {least} to {most}") from None
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return parse


def _switch(raw: str) -> bool:
    word = raw.strip().lower()
    if word in {"1", "on", "true", "yes"}:
        return True
    if word in {"0", "off", "false", "no"}:
        return False
    raise ValueError("must be on or off")


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw.strip()

    return parse


def _site_url(raw: str) -> str:
    address = raw.strip().rstrip("/")
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise ValueError("must be an address such as https://blog.example.org, without a path")
    return address


def _database_url(raw: str) -> str:
    """SQLAlchemy's address of the database. Hosts hand out `postgres://`, which means psycopg 3 here."""
    address = raw.strip()
    for prefix in ("postgres://", "postgresql://"):
        if address.startswith(prefix):
            address = "postgresql+psycopg://" + address[len(prefix) :]
    if address.startswith("postgresql+psycopg://"):
        _check_postgresql_url(address)
    elif address.startswith("sqlite:///"):
        _check_sqlite_url(address)
    elif address:
        raise ValueError("must begin with postgresql:// or sqlite:///")
    return address


def _check_postgresql_url(address: str) -> None:
    if address.count("@") > 1:
        raise ValueError(
            "has more than one @: in a user name or password, write @ as %40, : as %3A, / as %2F and % as %25"
        )
    try:
        url = make_url(address)
    except (ValueError, ArgumentError):
        raise ValueError("must have a number as its port, such as postgresql://user:password@host:5432/name") from None
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    if not (url.database or "dbname" in url.query):
        raise ValueError("must end with the name of a database, such as postgresql://user:password@host/name")


def _check_sqlite_url(address: str) -> None:
    path = address.removeprefix("sqlite:///")
    if "?" in path or path.startswith("file:"):
        raise ValueError("must be the path of a file, such as sqlite:////srv/blog/blog.sqlite3, without parameters")
    if not path or path == ":memory:":
        raise ValueError(
            "must name a file, such as sqlite:////srv/blog/blog.sqlite3; each process would have its own database in "
            "memory"
        )


def _folder(raw: str) -> Path | None:
    if not raw:
        return None
    path = Path(raw).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("must be a folder")
    return path.resolve()


def _readable_list(raw: str) -> Path | None:
    if not raw:
        return None
    try:
        Path(raw).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        raise ValueError("must name a text file that can be read, or nothing") from None
    return Path(raw)


LOCALES = ("en", "fr", "he")

SETTINGS = (
    Setting(
        "SECRET_KEY",
        "signs what must not be forged; made and kept in the data folder where there is one",
        "",
        _text,
        secret=True,
    ),
    Setting("DATABASE_URL", "postgresql://..., or empty for SQLite in the data folder", "", _database_url, secret=True),
    Setting("DATA_DIR", "the folder for the SQLite database, the secret key and generated files", "", _folder),
    Setting("SITE_TITLE", "the name at the top of every page", "Carnet", _text),
    Setting("SITE_URL", "the site's public address, if the proxy does not pass its host on", "", _site_url),
    Setting("SITE_LOCALE", "the language of the front page and of errors", "en", _one_of(*LOCALES)),
    Setting(
        "COMMENT_MODERATION",
        "who waits for approval: open (nobody), first (newcomers), all",
        "open",
        _one_of("open", "first", "all"),
    ),
    Setting(
        "COMMENT_EDIT_MINUTES",
        "how long a comment can be edited and withdrawn by its author",
        "15",
        _whole_number(0, 100_000),
    ),
    Setting(
        "COMMENT_CLOSE_DAYS",
        "days after which an article takes no more comments; 0 for never",
        "0",
        _whole_number(0, 36_500),
    ),
    Setting(
        "COMMENT_RATE_PER_MINUTE", "comments that one address may post in a minute", "5", _whole_number(1, 100_000)
    ),
    Setting("COMMENT_RATE_PER_HOUR", "comments that one address may post in an hour", "30", _whole_number(1, 100_000)),
    Setting(
        "VIEW_RATE_PER_HOUR",
        "new readers that one network may bring in an hour and have counted",
        "300",
        _whole_number(1, 1_000_000),
    ),
    Setting(
        "REFERRER_SPAM_FILE",
        "a file of hosts, one in a line, that are not listed among those that readers come from",
        "",
        _readable_list,
    ),
    Setting("RATELIMIT_ENABLED", "whether comments and new readers are limited per address", "on", _switch),
    Setting(
        "RATELIMIT_STORAGE_URI",
        "where the limits are counted; memory:// counts in each process",
        "memory://",
        _text,
        secret=True,
    ),
    Setting("TRUSTED_PROXIES", "how many proxies stand in front and are believed", "0", _whole_number(0, 10)),
    Setting("PORT", "the port of make run and make serve", "8000", _whole_number(1, 65_535)),
)


@dataclass(frozen=True)
class Settings:
    """Every setting, parsed; `sources` tells for each environment name where its value came from."""

    secret_key: str
    database_url: str
    data_dir: Path
    site_title: str
    site_url: str
    site_locale: str
    comment_moderation: str
    comment_edit_minutes: int
    comment_close_days: int
    comment_rate_per_minute: int
    comment_rate_per_hour: int
    view_rate_per_hour: int
    referrer_spam_file: Path | None
    ratelimit_enabled: bool
    ratelimit_storage_uri: str
    trusted_proxies: int
    port: int
    sources: Mapping[str, str]

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None on PostgreSQL."""
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))


def read_settings(environ: Mapping[str, str], data_folder: Path) -> Settings:
    """Parse `environ`; create what a new machine lacks (a secret key, a place for SQLite) in DATA_DIR, which is
    `data_folder` unless it is set.

    Raises SettingsError with one sentence that names the variable.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        raw = environ.get(setting.name, "").strip()
        try:
            values[setting.name] = setting.parse(raw or setting.default)
        except ValueError as error:
            raise SettingsError(f"{setting.name} {error}.") from None
        sources[setting.name] = "environment" if raw else "default"
    data_folder = values["DATA_DIR"] = values["DATA_DIR"] or data_folder
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"], sources["SECRET_KEY"] = _kept_secret_key(data_folder)
    if not values["DATABASE_URL"]:
        values["DATABASE_URL"] = _sqlite_in(data_folder)
    elif values["DATABASE_URL"].startswith("sqlite:///"):
        values["DATABASE_URL"] = _sqlite_at(values["DATABASE_URL"].removeprefix("sqlite:///"), data_folder)
    if len(values["SECRET_KEY"]) < 16:
        raise SettingsError("SECRET_KEY must have at least 16 characters.")
    return Settings(sources=sources, **{name.lower(): value for name, value in values.items()})


def _kept_secret_key(data_folder: Path) -> tuple[str, str]:
    """A random key, made once and kept in a file that only this user can read; and that file's name."""
    path = data_folder / "secret-key"
    draft = data_folder / f"secret-key.{os.getpid()}"
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            # link() fails where the name is taken: of two processes that start at once, one wins, whole.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text(encoding="ascii").strip(), str(path)
    except OSError:
        raise SettingsError(
            f"there is no SECRET_KEY, and none can be kept in {data_folder}. Set SECRET_KEY to a long random text."
        ) from None


def _sqlite_in(data_folder: Path) -> str:
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise SettingsError(
            f"there is no DATABASE_URL, and the folder {data_folder} for SQLite cannot be created. "
            "Set DATA_DIR to a folder that can be written, or DATABASE_URL to a PostgreSQL address."
        ) from None
    return f"sqlite:///{data_folder / 'blog.sqlite3'}"


def _sqlite_at(path: str, data_folder: Path) -> str:
    """The address of the SQLite file at `path`; a relative one lies in the data folder."""
    file = data_folder / path
    if file.is_dir():
        raise SettingsError(f"DATABASE_URL must name a file, and {file} is a folder.")
    if not file.parent.is_dir():
        raise SettingsError(f"DATABASE_URL names a file in {file.parent}, and there is no such folder.")
    return f"sqlite:///{file}"
