"""The access log: one line for each request on standard output, as text or as JSON (setting ACCESS_LOG).

A line has the time, the method, the path, the status, the milliseconds, the bytes of the body and an id: the proxy's
`X-Request-Id`, or a random one. It never has an IP address, a query string, an e-mail address, the secret part of an
address, or a control character.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import quote

from blogapp import clock

# The part after these is a secret: whoever has the address may see the page. "/moderate/" is reserved for links in
# e-mails to owners; there is no such route yet.
SECRET_PATHS = re.compile(r"^(.*?/(?:drafts|moderate)/).+")
EMAIL = re.compile(r"[^/@\s]+(@|%40)[^/\s]+", re.IGNORECASE)
METHOD = re.compile(r"[A-Z]{1,16}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONGEST_PATH = 500

Write = Callable[[str, str, int, float, int, str], None]


def access_log(style: str) -> Write | None:
    """A function that writes the line of a request: (method, path, status, seconds, bytes, request id). None if `style`
    is `off`; else it is `text` or `json`."""
    if style == "off":
        return None
    line_of = _json if style == "json" else _text

    def write(method: str, path: str, status: int, seconds: float, size: int, request_id: str) -> None:
        line = line_of(clock.now(), _method(method), _path(path), status, seconds * 1000, size, _id(request_id))
        with suppress(OSError):  # nobody reads the log any more
            # In one call, so that the lines of several processes are not mixed.
            os.write(sys.stdout.fileno(), f"{line}\n".encode())

    return write


def _text(now: datetime, method: str, path: str, status: int, ms: float, size: int, request_id: str) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}Z {method} {path} {status} {ms:.1f}ms {size}B {request_id}"


def _json(now: datetime, method: str, path: str, status: int, ms: float, size: int, request_id: str) -> str:
    return json.dumps(
        {
            "time": f"{now:%Y-%m-%dT%H:%M:%S}Z",
            "method": method,
            "path": path,
            "status": status,
            "ms": round(ms, 1),
            "bytes": size,
            "request_id": request_id,
        }
    )


def _method(method: str) -> str:
    return method if METHOD.fullmatch(method) else "-"


def _path(path: str) -> str:
    masked = EMAIL.sub("(e-mail)", SECRET_PATHS.sub(r"\1(secret)", path[:LONGEST_PATH]))
    return quote(masked, safe="/~!$&'()*+,;=:@", errors="replace")


def _id(request_id: str) -> str:
    return request_id if REQUEST_ID.fullmatch(request_id) else secrets.token_hex(8)
