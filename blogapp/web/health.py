"""What a host needs to know of a running site: is the process up, can it serve; and whom of its proxies to believe."""

from __future__ import annotations

import logging
import re

from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from blogapp.db.base import db
from blogapp.db.migrate import is_current


def init_app(app: Flask, trusted_proxies: int) -> None:
    if trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies, x_host=trusted_proxies
        )
    logging.getLogger("werkzeug").addFilter(without_address)

    @app.get("/healthz")
    def healthz() -> Response:
        return _plain("ok", 200)

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            db.session.execute(text("SELECT 1"))
            current = is_current()
        except SQLAlchemyError:
            return _plain("the database does not answer", 503)
        return _plain("ok", 200) if current else _plain("the schema is not current: flask db upgrade", 503)


def without_address(record: logging.LogRecord) -> bool:
    """Cut the visitor's address from the development server's log lines; no log of ours holds one."""
    if isinstance(record.msg, str):
        record.msg = re.sub(r"^[0-9a-fA-F.:]+ - - ", "", record.msg)
    return True


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
