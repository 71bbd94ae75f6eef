"""What a host asks a running site: `/healthz` (the process is up) and `/readyz` (it can serve)."""

from __future__ import annotations

import logging
import re

from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from blogapp.db.base import db
from blogapp.db.migrate import is_current
from blogapp.web.headers import MARK, security_fields
from blogapp.web.immediate import Answer, Environ

PLAIN = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]


def healthz(environ: Environ) -> Answer | None:
    """Says that the process is up, from the event loop: it answers even while all threads are busy."""
    if environ["PATH_INFO"] != "/healthz":
        return None
    return Answer(200, [*security_fields(environ["wsgi.url_scheme"]), MARK, *PLAIN], b"ok\n")


def init_app(app: Flask) -> None:
    logging.getLogger("werkzeug").addFilter(without_address)

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            db.session.execute(text("SELECT 1"))
            current = is_current()
        except SQLAlchemyError:
            return _plain("the database does not answer", 503)
        return _plain("ok", 200) if current else _plain("the schema is not current: flask db upgrade", 503)


def without_address(record: logging.LogRecord) -> bool:
    """Remove the visitor's address from the development server's log lines: no log of ours has one."""
    if isinstance(record.msg, str):
        record.msg = re.sub(r"^[0-9a-fA-F.:]+ - - ", "", record.msg)
    return True


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
