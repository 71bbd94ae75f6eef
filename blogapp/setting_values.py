"""Parse and check the values of settings.

Each parser takes the text of an environment variable and raises ValueError with the end of a sentence that begins with
the variable's name: `must be on or off`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from blogapp.hardware import available_cores, available_memory, fitting_workers

# A part of a host name has at most 63 characters (RFC 1035, section 2.3.4); Werkzeug rejects a longer one.
LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST = re.compile(
    rf"(?P<name>{LABEL}(\.{LABEL})*\.?|\[[0-9A-Fa-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}))?"
)
# The path of SITE_URL, or X-Forwarded-Prefix: characters that need no quoting in a URL, and no `.` or `..`.
PREFIX = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*")


def text(raw: str) -> str:
    return raw.strip()


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            raise ValueError(f"must be a whole number from {least} to {most}") from None
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return parse


def workers(raw: str) -> int:
    """The number of worker processes."""
    if raw.strip().lower() == "auto":
        return fitting_workers(available_cores(), available_memory())
    try:
        return whole_number(1, 64)(raw)
    except ValueError as error:
        raise ValueError(f"{error}, or auto") from None


def switch(raw: str) -> bool:
    word = raw.strip().lower()
    if word in {"1", "on", "true", "yes"}:
        return True
    if word in {"0", "off", "false", "no"}:
        return False
    raise ValueError("must be on or off")


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.strip() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw.strip()

    return parse


def time_zone(raw: str) -> str:
    if raw and raw not in available_timezones():
        raise ValueError("must be the name of a time zone such as Europe/Paris, or UTC")
    return raw


def secret_key(raw: str) -> str:
    if raw and len(raw) < 16:
        raise ValueError("must have at least 16 characters")
    return raw


def token(raw: str) -> str:
    """A secret that is sent in a header field, where only ASCII is certain."""
    if not raw.isascii():
        raise ValueError("must have ASCII characters only")
    return secret_key(raw)


def code(raw: str) -> str:
    """A code that somebody types."""
    if raw and len("".join(raw.split()).replace("-", "")) < 10:
        raise ValueError("must have at least 10 letters and digits")
    return raw


def ip(raw: str) -> str:
    try:
        return str(ip_address(raw))
    except ValueError:
        raise ValueError("must be an IP address such as 127.0.0.1 or 0.0.0.0") from None


def site_url(raw: str) -> str:
    """The site's public URL without a trailing slash; scheme and host in lower case."""
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


def web_address(raw: str) -> str:
    """A URL of another site, or nothing."""
    try:
        parts = urlsplit(raw)
    except ValueError:
        parts = urlsplit("")
    if raw and (parts.scheme not in {"http", "https"} or not is_host(parts.netloc) or not raw.isprintable()):
        raise ValueError("must be an address such as https://hub.example.org/")
    return raw


def rate_limit_store(raw: str) -> str:
    """The address of a store that the library `limits` knows."""
    if raw == "memory://":  # creating this store starts a thread
        return raw
    wrong = ValueError("must be memory:// or the address of a store such as redis://localhost:6379")
    scheme = raw.partition(":")[0]
    # For another kind of program; and a store that prints a traceback of its own if its library is not installed.
    if scheme.startswith(("async+", "mongodb")):
        raise wrong
    try:
        storage_from_string(raw)
    # Each store raises errors of its own. Their messages may contain the address, which may hold a password.
    except Exception as error:
        if isinstance(error, ConfigurationError) and "prerequisite" in str(error):
            raise ValueError(
                "names a store whose library is not installed. For Redis and Valkey: uv sync --extra redis, and an "
                "address that begins with redis://"
            ) from None
        if scheme.endswith("+cluster"):  # unlike the others, it is connected to when it is created
            raise ValueError("names a cluster that cannot be reached; it must run when the blog starts") from None
        raise wrong from None
    return raw


def is_prefix(text: str) -> bool:
    """Whether `text` is a path below which the site can be served, such as `/blog`."""
    return len(text) <= 255 and PREFIX.fullmatch(text) is not None


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


def database_url(raw: str) -> str:
    """SQLAlchemy's URL of the database. Hosting providers use `postgres://`; the driver is psycopg 3."""
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


def folder(raw: str) -> Path | None:
    if not raw:
        return None
    try:
        path = Path(raw).expanduser()
        if path.exists() and not path.is_dir():
            raise ValueError("must be a folder")
        return path.resolve()
    except RuntimeError:
        raise ValueError(
            "must be a folder; it names a user who does not exist, or symbolic links that form a loop"
        ) from None
    except OSError as error:
        raise ValueError(f"must be a folder that can be used ({error.strerror})") from None


def readable_file(raw: str) -> Path | None:
    if not raw:
        return None
    try:
        Path(raw).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        raise ValueError("must name a text file that can be read, or nothing") from None
    return Path(raw)
