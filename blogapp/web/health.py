"""Health checks for the host: `/healthz` (the process is up) and `/readyz` (it can serve)."""

from __future__ import annotations

import logging

from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from blogapp.db.faults import describe, fault_of, trace
from blogapp.db.schema import BEHIND, schema_state
from blogapp.db.writable import write_fault
from blogapp.web.headers import MARK, security_fields
from blogapp.web.immediate import Answer, Environ

PLAIN = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]

log = logging.getLogger(__name__)


def healthz(environ: Environ) -> Answer | None:
    """Report that the process is up. Called in the event loop, so it responds even while all threads are busy."""
    if environ["PATH_INFO"] != "/healthz":
        return None
    return Answer(200, [*security_fields(environ["wsgi.url_scheme"]), MARK, *PLAIN], b"ok\n")


def init_app(app: Flask) -> None:
    @app.get("/readyz")
    def readyz() -> Response:
        problem = readiness_problem()
        return _plain(problem, 503) if problem else _plain("ok", 200)


def readiness_problem() -> str:
    """Why the site cannot serve pages or save data, as a message for the owner; empty if it can."""
    try:
        # A newer schema is no problem: while machines are updated one after another, the older ones serve with it.
        if schema_state() == BEHIND:
            return "the schema is not current: flask db upgrade"
        fault = write_fault()
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None:
            log.error("the database cannot be read\n%s", trace(error))
            return f"the database cannot be read: {describe(error)}"
        return f"the database does not answer: {fault.cause}"
    return f"the database cannot be written: {fault.cause}" if fault else ""


def _plain(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
