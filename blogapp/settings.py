"""Read the settings from the environment, and from the file `.env` beside the program. The application does not start
with invalid values and prints a message for each.

Each setting is declared once, as a field of `Settings`, with its meaning, its default and its parser. `flask settings`
prints these declarations, so it cannot differ from what the program reads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url

from blogapp import setting_values
from blogapp.hosts import host_in

# As in pyproject.toml, which a server need not have.
VERSION = "0.1.0"
ROOT = Path(__file__).parent.parent
ENV_FILE = ROOT / ".env"
SECRET_KEY_FILE = "secret-key"
LOCALES = ("en", "fr", "he")
LOOKS = ("paper", "slate", "garden", "print")

# Small plans of PostgreSQL allow 20 connections in all. During an update old and new workers are connected at the same
# time, but the old ones then do not use all of theirs.
SERVER_CONNECTIONS = 16
# A worker needs one for its request, one to count views, and one for a request that takes longer.
LEAST_CONNECTIONS = 3


class SettingsError(SystemExit):
    """A setting is invalid. A SystemExit, so that any server that loads the app prints the message and no traceback."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(f"blogapp cannot start: {sentence}")


def setting(meaning: str, default: str, parse: Callable[[str], Any], secret: bool = False) -> dict[str, Any]:
    """Declare a setting: its meaning, its default as text, its parser, and whether to mask its value."""
    return {"meaning": meaning, "default": default, "parse": parse, "secret": secret}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, parsed. The environment variable of each is its name in upper case; `sources` maps it to where the
    value comes from."""

    secret_key: str = field(
        metadata=setting(
            "signs cookies and keyed digests; if empty, a random key is created and kept: in the data folder, with "
            "PostgreSQL in the database",
            "",
            setting_values.secret_key,
            secret=True,
        )
    )
    database_url: str = field(
        metadata=setting(
            "postgresql://..., or empty for SQLite in the data folder", "", setting_values.database_url, secret=True
        )
    )
    database_prepared_statements: bool = field(
        metadata=setting(
            "whether PostgreSQL keeps prepared statements; off behind a pooler in transaction mode, such as PgBouncer",
            "on",
            setting_values.switch,
        )
    )
    data_dir: Path = field(
        metadata=setting("the folder for the SQLite database and the secret key", "", setting_values.folder)
    )
    site_title: str = field(metadata=setting("the name at the top of every page", "Carnet", setting_values.text))
    site_description: str = field(
        metadata=setting("one sentence about the site, for search engines and feeds", "", setting_values.text)
    )
    site_time_zone: str = field(
        metadata=setting(
            "the time zone in which the owner enters times, such as Europe/Paris; by default the computer's",
            "",
            setting_values.time_zone,
        )
    )
    site_look: str = field(
        metadata=setting(
            "the colours and type of the site: paper, slate, garden or print", "paper", setting_values.one_of(*LOOKS)
        )
    )
    site_typography: bool = field(
        metadata=setting(
            "whether articles and titles get the quotation marks, apostrophes, dashes and spaces of their language",
            "on",
            setting_values.switch,
        )
    )
    site_url: str = field(
        metadata=setting(
            "the site's public address, such as https://example.org/blog; recommended behind a proxy",
            "",
            setting_values.site_url,
        )
    )
    websub_hub: str = field(
        metadata=setting(
            "the address of a WebSub hub that feeds name, such as https://pubsubhubbub.appspot.com/",
            "",
            setting_values.web_address,
        )
    )
    site_locale: str = field(
        metadata=setting(
            "the language of the front page and of error pages: en, fr or he", "en", setting_values.one_of(*LOCALES)
        )
    )
    comment_moderation: str = field(
        metadata=setting(
            "which comments await approval: open (none), first (those of new commenters), all",
            "open",
            setting_values.one_of("open", "first", "all"),
        )
    )
    comment_edit_minutes: int = field(
        metadata=setting(
            "minutes in which authors can edit or delete their own comment",
            "15",
            setting_values.whole_number(0, 100_000),
        )
    )
    comment_close_days: int = field(
        metadata=setting(
            "days after which comments on an article are closed; 0 for never",
            "0",
            setting_values.whole_number(0, 36_500),
        )
    )
    comment_closed: bool = field(
        metadata=setting(
            "whether comments are closed on all articles, except on those that are kept open",
            "off",
            setting_values.switch,
        )
    )
    comment_rate_per_minute: int = field(
        metadata=setting("comments that one network may post in a minute", "5", setting_values.whole_number(1, 100_000))
    )
    comment_rate_per_hour: int = field(
        metadata=setting("comments that one network may post in an hour", "30", setting_values.whole_number(1, 100_000))
    )
    view_rate_per_hour: int = field(
        metadata=setting(
            "new visitors of one network whose views are counted in an hour",
            "300",
            setting_values.whole_number(1, 1_000_000),
        )
    )
    referrer_spam_file: Path | None = field(
        metadata=setting(
            "a text file of host names, one a line, that are left out of the referrer report",
            "",
            setting_values.readable_file,
        )
    )
    ratelimit_enabled: bool = field(
        metadata=setting("whether comments and counted visitors are limited per network", "on", setting_values.switch)
    )
    ratelimit_storage_uri: str = field(
        metadata=setting(
            "where the limits are counted; memory:// counts in each process",
            "memory://",
            setting_values.rate_limit_store,
            secret=True,
        )
    )
    trusted_proxies: int = field(
        metadata=setting(
            "number of reverse proxies in front whose X-Forwarded-* headers are trusted; 1 by default on a known host",
            "0",
            setting_values.whole_number(0, 10),
        )
    )
    host: str = field(
        metadata=setting(
            "the IP address that make serve listens on; 0.0.0.0 for all interfaces", "127.0.0.1", setting_values.ip
        )
    )
    port: int = field(
        metadata=setting("the port of make run and make serve", "8000", setting_values.whole_number(1, 65_535))
    )
    web_concurrency: int = field(
        metadata=setting(
            "worker processes of make serve, or auto: as many as there are cores, at least 2, if they fit into memory; "
            "with PostgreSQL at most 5, which share 16 connections",
            "auto",
            setting_values.workers,
        )
    )
    access_log: str = field(
        metadata=setting(
            "a line for each request in the log of make serve: off, text or json",
            "off",
            setting_values.one_of("off", "text", "json"),
        )
    )
    setup_code: str = field(
        metadata=setting(
            "the code for the first setup in the browser; by default one that the server prints when it starts",
            "",
            setting_values.code,
            secret=True,
        )
    )
    reset_code: str = field(
        metadata=setting(
            "a code with which an owner who has lost the password can choose a new one; each value works once",
            "",
            setting_values.code,
            secret=True,
        )
    )
    metrics_token: str = field(
        metadata=setting(
            "serves /metrics for Prometheus to requests with the header Authorization: Bearer and this token",
            "",
            setting_values.token,
            secret=True,
        )
    )
    sources: Mapping[str, str]

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None on PostgreSQL."""
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(make_url(self.database_url).database or "")


def environment() -> dict[str, str]:
    """The environment variables, and those of the file `.env` that are not among them. Tests and programs that must not
    read the file set FLASK_SKIP_DOTENV, as for Flask."""
    return {**_env_file(), **os.environ}


def _env_file() -> dict[str, str]:
    if os.environ.get("FLASK_SKIP_DOTENV") or not ENV_FILE.is_file():
        return {}
    from dotenv.parser import parse_stream

    try:
        with ENV_FILE.open(encoding="utf-8") as file:
            bindings = list(parse_stream(file))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{ENV_FILE} must be a text file in UTF-8 that can be read.") from None
    values: dict[str, str] = {}
    for each in bindings:
        before = each.original.string[: -len(each.original.string.lstrip())]  # blank lines
        line = each.original.line + before.count("\n")
        if each.error or (each.key and each.value is None):  # the library leaves the line out
            raise SettingsError(f"{ENV_FILE}: line {line} is not of the form NAME=value.")
        if each.key and each.value is not None:
            # Flask reads the file for its commands, and would replace the name by a value that may be empty.
            if "${" in each.value:
                raise SettingsError(
                    f"{ENV_FILE}: line {line} has ${{, which is not possible there. Write the whole value, without the "
                    "name of another variable; in DATABASE_URL, write $ as %24."
                )
            values[each.key] = each.value
    return values


SETTINGS = {each.name.upper(): each.metadata for each in fields(Settings) if each.metadata}


def read_setting(environ: Mapping[str, str], name: str) -> Any:
    """The parsed value of one setting. Raises SettingsError."""
    raw = environ.get(name, "").strip()
    try:
        raw.encode()
    except UnicodeEncodeError:  # other bytes are surrogates, with which no page can be sent
        raise SettingsError(f"{name} must be text in UTF-8.") from None
    default = SETTINGS[name]["default"]
    if name == "TRUSTED_PROXIES" and host_in(environ):
        default = "1"
    try:
        return SETTINGS[name]["parse"](raw or default)
    except ValueError as error:
        raise SettingsError(f"{name} {error}.") from None


def parse_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The parsed values of all settings. Raises SettingsError with a line for each invalid variable."""
    values: dict[str, Any] = {}
    errors: list[SettingsError] = []
    for name in SETTINGS:
        try:
            values[name] = read_setting(environ, name)
        except SettingsError as error:
            errors.append(error)
    if errors:
        raise SettingsError("\n".join(error.sentence for error in errors))
    is_auto = environ.get("WEB_CONCURRENCY", "").strip().lower() in {"", "auto"}
    if is_auto and values["DATABASE_URL"].startswith("postgresql"):
        values["WEB_CONCURRENCY"] = min(values["WEB_CONCURRENCY"], SERVER_CONNECTIONS // LEAST_CONNECTIONS)
    return values


def read_settings(environ: Mapping[str, str], data_folder: Path) -> Settings:
    """Parse `environ`. A missing folder for SQLite, and a missing secret key for it, are created in DATA_DIR (default:
    `data_folder`). With PostgreSQL, a missing key is left empty: it is kept in the database.

    Raises SettingsError with a message for each invalid variable.
    """
    in_file = _env_file()
    values = parse_settings(environ)
    sources: dict[str, str] = {}
    for name in SETTINGS:
        sources[name] = "environment" if environ.get(name, "").strip() else "default"
        # Flask's commands copy the file into the environment.
        if sources[name] == "environment" and in_file.get(name) == environ[name]:
            sources[name] = ".env"
    if sources["DATA_DIR"] == ".env":  # the same folder for a command that is started elsewhere
        values["DATA_DIR"] = (ENV_FILE.parent / Path(environ["DATA_DIR"].strip()).expanduser()).resolve()
    data_folder = values["DATA_DIR"] = values["DATA_DIR"] or data_folder
    if not values["SECRET_KEY"] and values["DATABASE_URL"].startswith("postgresql"):
        sources["SECRET_KEY"] = "database"  # from which create_app() reads it
    elif not values["SECRET_KEY"]:
        values["SECRET_KEY"], sources["SECRET_KEY"] = _kept_secret_key(data_folder)
    if not values["DATABASE_URL"]:
        values["DATABASE_URL"] = _sqlite_in(data_folder)
    elif values["DATABASE_URL"].startswith("sqlite:///"):
        values["DATABASE_URL"] = _sqlite_at(make_url(values["DATABASE_URL"]).database or "", data_folder)
    return Settings(sources=sources, **{name.lower(): value for name, value in values.items()})


def _kept_secret_key(data_folder: Path) -> tuple[str, str]:
    """A random key and the name of the file that stores it, which only this user can read; created if missing."""
    path = data_folder / SECRET_KEY_FILE
    draft = data_folder / f"secret-key.{os.getpid()}"
    try:
        data_folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            # link() fails if the file exists: if two processes start at the same time, both use the first one's key.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        return path.read_text(encoding="ascii").strip(), str(path)
    except OSError:
        raise SettingsError(
            f"SECRET_KEY is not set, and no key can be stored in {data_folder}. Set DATA_DIR to a folder that can be "
            "written. Otherwise set SECRET_KEY to a long random text, and DATABASE_URL to a database elsewhere."
        ) from None
    finally:
        with contextlib.suppress(OSError):  # on a full disk, too
            draft.unlink()


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
    """The URL of the SQLite file at `path`, which is relative to the data folder."""
    file = data_folder / path
    try:
        if file.is_dir():
            raise SettingsError(f"DATABASE_URL must name a file, and {file} is a folder.")
        if not file.parent.is_dir():
            raise SettingsError(f"DATABASE_URL names a file in {file.parent}, and there is no such folder.")
    except OSError as error:
        raise SettingsError(f"DATABASE_URL names {file}, which cannot be used ({error.strerror}).") from None
    return _sqlite_url(file)


def _sqlite_url(file: Path) -> str:
    """The SQLAlchemy URL of a file, built so that %20 and the like in its path are not decoded."""
    return URL.create("sqlite", database=str(file)).render_as_string()
