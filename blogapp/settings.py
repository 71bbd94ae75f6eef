"""Read the settings from the environment. A wrong value stops the start with a sentence for each.

Each setting is declared once, as a field of `Settings`, with its meaning, its default and its parser. `flask settings`
prints these declarations, so it cannot differ from what the program reads.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

LOCALES = ("en", "fr", "he")
# A part of a host name has at most 63 characters (RFC 1035, section 2.3.4); Werkzeug refuses a longer one.
LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST = re.compile(
    rf"(?P<name>{LABEL}(\.{LABEL})*\.?|\[[0-9A-Fa-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}))?"
)
# The path of SITE_URL: characters that need no quoting in an address, and no `.` or `..`.
PREFIX = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*")


class SettingsError(SystemExit):
    """A setting is wrong. A SystemExit, so that any server that loads the app prints the sentence and no traceback."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(f"blogapp cannot start: {sentence}")


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


def _secret_key(raw: str) -> str:
    if raw and len(raw) < 16:
        raise ValueError("must have at least 16 characters")
    return raw


def _ip_address(raw: str) -> str:
    try:
        return str(ip_address(raw))
    except ValueError:
        raise ValueError("must be an IP address such as 127.0.0.1 or 0.0.0.0") from None


def _site_url(raw: str) -> str:
    """The site's public address without a slash at its end; scheme and host in lower case."""
    if not raw:
        return ""
    wrong = ValueError("must be an address such as https://example.org or https://example.org/blog")
    try:
        parts = urlsplit(raw.rstrip("/"))
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not is_host(parts.netloc) or not PREFIX.fullmatch(parts.path):
        raise wrong
    if parts.query or parts.fragment or "?" in raw or "#" in raw:
        raise wrong
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def is_host(text: str) -> bool:
    """Whether `text` is a host name or an IP address, with a port or without."""
    match = HOST.fullmatch(text) if len(text) <= 255 else None
    if match is None or int(match["port"] or 0) > 65_535:
        return False
    if match["name"].startswith("["):
        try:
            IPv6Address(match["name"][1:-1])
        except ValueError:
            return False
    return True


def _database_url(raw: str) -> str:
    """SQLAlchemy's address of the database. Hosting providers give `postgres://`; the driver is psycopg 3."""
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
    if "%00" in path or "\0" in path:
        raise ValueError("must be the path of a file, without NUL characters")
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


def setting(meaning: str, default: str, parse: Callable[[str], Any], secret: bool = False) -> dict[str, Any]:
    """Declare a setting: what it means, the text used when it is not set, and how to read it."""
    return {"meaning": meaning, "default": default, "parse": parse, "secret": secret}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, parsed. The environment variable of each is its name in capitals; `sources` has the place where
    each value comes from, by that name."""

    secret_key: str = field(
        metadata=setting(
            "signs cookies and keyed digests; if empty, a random key is created and kept in the data folder",
            "",
            _secret_key,
            secret=True,
        )
    )
    database_url: str = field(
        metadata=setting("postgresql://..., or empty for SQLite in the data folder", "", _database_url, secret=True)
    )
    data_dir: Path = field(metadata=setting("the folder for the SQLite database and the secret key", "", _folder))
    site_title: str = field(metadata=setting("the name at the top of every page", "Carnet", _text))
    site_url: str = field(
        metadata=setting(
            "the site's public address, such as https://example.org/blog; recommended behind a proxy",
            "",
            _site_url,
        )
    )
    site_locale: str = field(
        metadata=setting("the language of the front page and of error pages: en, fr or he", "en", _one_of(*LOCALES))
    )
    comment_moderation: str = field(
        metadata=setting(
            "which comments await approval: open (none), first (those of new commenters), all",
            "open",
            _one_of("open", "first", "all"),
        )
    )
    comment_edit_minutes: int = field(
        metadata=setting(
            "minutes in which authors can edit or delete their own comment", "15", _whole_number(0, 100_000)
        )
    )
    comment_close_days: int = field(
        metadata=setting(
            "days after which comments on an article are closed; 0 for never", "0", _whole_number(0, 36_500)
        )
    )
    comment_rate_per_minute: int = field(
        metadata=setting("comments that one network may post in a minute", "5", _whole_number(1, 100_000))
    )
    comment_rate_per_hour: int = field(
        metadata=setting("comments that one network may post in an hour", "30", _whole_number(1, 100_000))
    )
    view_rate_per_hour: int = field(
        metadata=setting(
            "new visitors of one network whose views are counted in an hour", "300", _whole_number(1, 1_000_000)
        )
    )
    referrer_spam_file: Path | None = field(
        metadata=setting(
            "a text file of host names, one a line, that are left out of the referrer report", "", _readable_list
        )
    )
    ratelimit_enabled: bool = field(
        metadata=setting("whether comments and counted visitors are limited per network", "on", _switch)
    )
    ratelimit_storage_uri: str = field(
        metadata=setting(
            "where the limits are counted; memory:// counts in each process", "memory://", _text, secret=True
        )
    )
    trusted_proxies: int = field(
        metadata=setting(
            "number of reverse proxies in front whose X-Forwarded-* headers are trusted", "0", _whole_number(0, 10)
        )
    )
    host: str = field(
        metadata=setting(
            "the IP address that make serve listens on; 0.0.0.0 for all interfaces", "127.0.0.1", _ip_address
        )
    )
    port: int = field(metadata=setting("the port of make run and make serve", "8000", _whole_number(1, 65_535)))
    web_concurrency: int = field(metadata=setting("worker processes of make serve", "2", _whole_number(1, 64)))
    sources: Mapping[str, str]

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None on PostgreSQL."""
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(make_url(self.database_url).database or "")


SETTINGS = {each.name.upper(): each.metadata for each in fields(Settings) if each.metadata}


def read_setting(environ: Mapping[str, str], name: str) -> Any:
    """The parsed value of one setting. Raises SettingsError."""
    raw = environ.get(name, "").strip()
    try:
        return SETTINGS[name]["parse"](raw or SETTINGS[name]["default"])
    except ValueError as error:
        raise SettingsError(f"{name} {error}.") from None


def read_settings(environ: Mapping[str, str], data_folder: Path) -> Settings:
    """Parse `environ`; create a secret key and the folder for SQLite, if they are missing, in DATA_DIR, which is
    `data_folder` unless it is set.

    Raises SettingsError with a sentence for each wrong variable.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    errors: list[SettingsError] = []
    for name in SETTINGS:
        try:
            values[name] = read_setting(environ, name)
        except SettingsError as error:
            errors.append(error)
        sources[name] = "environment" if environ.get(name, "").strip() else "default"
    if errors:
        raise SettingsError(" ".join(error.sentence for error in errors))
    data_folder = values["DATA_DIR"] = values["DATA_DIR"] or data_folder
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"], sources["SECRET_KEY"] = _kept_secret_key(data_folder)
    if not values["DATABASE_URL"]:
        values["DATABASE_URL"] = _sqlite_in(data_folder)
    elif values["DATABASE_URL"].startswith("sqlite:///"):
        values["DATABASE_URL"] = _sqlite_at(make_url(values["DATABASE_URL"]).database or "", data_folder)
    return Settings(sources=sources, **{name.lower(): value for name, value in values.items()})


def _kept_secret_key(data_folder: Path) -> tuple[str, str]:
    """A random key, created once and stored in a file that only this user can read; and that file's name."""
    path = data_folder / "secret-key"
    draft = data_folder / f"secret-key.{os.getpid()}"
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            # link() fails if the file exists: when two processes start at once, both use the first one's complete key.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text(encoding="ascii").strip(), str(path)
    except OSError:
        raise SettingsError(
            f"SECRET_KEY is not set, and no key can be stored in {data_folder}. Set SECRET_KEY to a long random text."
        ) from None


def _sqlite_in(data_folder: Path) -> str:
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise SettingsError(
            f"DATABASE_URL is not set, and the folder {data_folder} for SQLite cannot be created. "
            "Set DATA_DIR to a folder that can be written, or DATABASE_URL to a PostgreSQL address."
        ) from None
    return _sqlite_url(data_folder / "blog.sqlite3")


def _sqlite_at(path: str, data_folder: Path) -> str:
    """The address of the SQLite file at `path`; a relative one lies in the data folder."""
    file = data_folder / path
    if file.is_dir():
        raise SettingsError(f"DATABASE_URL must name a file, and {file} is a folder.")
    if not file.parent.is_dir():
        raise SettingsError(f"DATABASE_URL names a file in {file.parent}, and there is no such folder.")
    return _sqlite_url(file)


def _sqlite_url(file: Path) -> str:
    """SQLAlchemy's address of a file, in whose path it decodes %20 and the like."""
    return URL.create("sqlite", database=str(file)).render_as_string()
