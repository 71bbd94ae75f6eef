"""Domain errors, and the one place where any error becomes an answer: a page in the site's design, or a fragment."""

from __future__ import annotations

import logging

from flask import Flask, Response, render_template
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp.db.base import db
from blogapp.db.migrate import is_current
from blogapp.text.i18n import gettext
from blogapp.web.htmx import is_htmx
from blogapp.web.page_cache import page_on_standby

log = logging.getLogger(__name__)


class DomainError(Exception):
    """A rule of the blog says no. `status` is the HTTP status, `N_(...)` messages are translated when shown."""

    status = 500


class NotFound(DomainError):
    """There is no such thing, or it is not shown to this visitor."""

    status = 404


class NotAllowed(DomainError):
    """The thing is somebody else's, or the time for it is over."""

    status = 403


class Conflict(DomainError):
    """The thing has changed, or is closed, since the visitor saw it."""

    status = 409


def init_app(app: Flask) -> None:
    @app.errorhandler(DomainError)
    def on_domain_error(error: DomainError) -> tuple[str, int]:
        return answer(error.status, str(error))

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> WerkzeugResponse | tuple[str, int, dict[str, str]]:
        status = error.code or 500
        if status < 400:
            return error.get_response()
        headers = {
            name: value for name, value in error.get_headers() if name.lower() not in {"content-type", "content-length"}
        }
        return (*answer(status), headers)

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(PoolTimeoutError)
    def on_database_away(error: SQLAlchemyError) -> Response | tuple[str, int, dict[str, str]]:
        # The database's own sentence may hold an address or a value: only the kind goes to the log.
        log.error("the database does not answer: %s", type(getattr(error, "orig", None) or error).__name__)
        return page_on_standby() or (*answer(503), {"Retry-After": "10"})

    @app.errorhandler(ProgrammingError)
    def on_unknown_table(error: ProgrammingError) -> tuple[str, int, dict[str, str]]:
        db.session.rollback()
        if is_current():
            raise error
        log.error("the schema is not current; run: flask db upgrade")
        return (*answer(503), {"Retry-After": "60"})


def answer(status: int, sentence: str = "") -> tuple[str, int]:
    """The error `status` in words that say what to do next, as page or fragment."""
    title, advice = explain(status)
    template = "errors/_error.html" if is_htmx() else "errors/error.html"
    return render_template(template, status=status, title=title, advice=sentence or advice), status


def explain(status: int) -> tuple[str, str]:
    """A title and a sentence for people, for any HTTP error status."""
    if status == 404:
        return gettext("Nothing here"), gettext("This address leads nowhere. The article may have moved.")
    if status == 403:
        return gettext("Not allowed"), gettext(
            "The site cannot accept this from where it came. Reload the page and try again."
        )
    if status == 405:
        return gettext("Not this way"), gettext(
            "This address cannot be used like that. Go back to the article and use its buttons."
        )
    if status == 409:
        return gettext("It has changed"), gettext("Somebody was faster. Go back, reload the page and try again.")
    if status == 413:
        return gettext("Too much at once"), gettext(
            "What you sent is too large. Go back, shorten it and send it again."
        )
    if status == 429:
        return gettext("A little slower, please"), gettext(
            "Too much came from your network. Wait a moment, then try again."
        )
    if status == 503:
        return gettext("Back in a moment"), gettext(
            "The site cannot reach its data. Nothing is lost; try again in a moment."
        )
    if status >= 500:
        return gettext("Our mistake"), gettext(
            "Something went wrong on our side. It has been noted; try again in a moment."
        )
    return gettext("That did not work"), gettext(
        "The site could not understand this. Go back, check what you entered and try again."
    )
