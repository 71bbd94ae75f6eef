"""Clean every argument and form field of a request, so that the database can store it.

PostgreSQL cannot store a NUL character, and no database can store half of a surrogate pair. Both are removed from
arguments and form fields, except from secrets, which are compared as they were sent and never stored. The response to a
path that contains one is 404. Numbers are read by `converters.whole_number` and `<id:...>`, which know the range of a
column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, abort, request
from werkzeug.datastructures import ImmutableMultiDict, iter_multi_items

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# Fields whose value is compared as it was sent, never stored, and never sent back in a page (except the setup
# code in its own form). SIGN_IN_SECRETS come
# with the fields of another form, which a session that has ended has interrupted (owners/access.py).
SIGN_IN_PASSWORD, SIGN_IN_PASSKEY = SIGN_IN_SECRETS = ("sign_in_password", "sign_in_passkey")
SECRET_FIELDS = (
    "password", "present_password", "passkey", "credential", "setup_code", "reset_code", *SIGN_IN_SECRETS
)  # fmt: skip


class Arguments(ImmutableMultiDict[str, str]):
    """The arguments or form fields of a request, as the database can store them."""

    def __init__(self, mapping: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        items = ((storable(name), value) for name, value in iter_multi_items(mapping or ()))
        super().__init__([(name, value if name in SECRET_FIELDS else storable(value)) for name, value in items])


class CleanRequest(Request):
    parameter_storage_class = Arguments

    def _get_file_stream(self, *args: Any, **options: Any) -> IO[bytes]:
        """Where Werkzeug stores an uploaded file: in memory, because the body is there already and a host may have no
        disk."""
        return BytesIO()


def init_app(app: Flask) -> None:
    app.request_class = CleanRequest

    @app.before_request
    def refuse_unstorable_path() -> None:
        if UNSTORABLE.search(request.path):
            abort(404)


def storable(value: Any) -> Any:
    """Return `value` without the characters that a database cannot store; files are returned unchanged."""
    return UNSTORABLE.sub("", value) if isinstance(value, str) else value
