"""Domain errors, and the one place that turns any error into a response: a page or a fragment."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, current_app, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp.db.base import db
from blogapp.db.faults import BUSY, UNREACHABLE, UNWRITABLE, Fault, describe, fault_of, trace
from blogapp.db.schema import CURRENT, schema_state
from blogapp.text.i18n import LOCALE, gettext, set_locale
from blogapp.web.arguments import SECRET_FIELDS, SIGN_IN_SECRETS
from blogapp.web.htmx import is_htmx
from blogapp.web.page_cache import page_from_cache

log = logging.getLogger(__name__)

# Seconds after which a client should try again, by the kind of a database fault.
RETRY_AFTER = {UNREACHABLE: 10, BUSY: 2, UNWRITABLE: 60}
SCHEMA_RETRY_AFTER = 60
# The WSGI environment's key that is set once the database has failed in a request, so that the error page does not
# query it again.
DATABASE_FAILED = "blogapp.database_failed"

Answer = Response | tuple[str, int, dict[str, str]]


class DomainError(Exception):
    """The request violates a rule of the blog. `status` is the HTTP status; the message is already translated."""

    status = 500


class NotFound(DomainError):
    """The object does not exist, or this visitor may not see it."""

    status = 404


class NotAllowed(DomainError):
    """The object belongs to another author, or its edit window has ended."""

    status = 403


class Conflict(DomainError):
    """The object was changed or closed after the visitor loaded the page."""

    status = 409


def init_app(app: Flask, page_language: Callable[[], str | None]) -> None:
    """`page_language` finds the language of the page that is requested; None for the site's."""
    app.extensions["page_language"] = page_language

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

    @app.errorhandler(SQLAlchemyError)
    def on_database_error(error: SQLAlchemyError) -> Answer:
        request.environ[DATABASE_FAILED] = True
        fault = fault_of(error)
        if fault is not None:
            log.error("%s: %s", fault.cause, describe(error))
            return answer_fault(fault)
        db.session.rollback()
        if not _schema_is_current():
            log.error("the schema is not current (%s); run: flask db upgrade", describe(error))
            return (*answer(503), {"Retry-After": str(SCHEMA_RETRY_AFTER)})
        log.error("%s %s failed\n%s", request.method, request.endpoint, trace(error))
        return (*answer(500), {})


def answer_fault(fault: Fault) -> Answer:
    """Return the cached page if the database cannot be read, else 503 with a message and Retry-After."""
    page = page_from_cache() if fault.kind != UNWRITABLE else None
    if page is not None:
        return Response(page.body, page.status, page.fields)
    return (*answer(503, explain_fault(fault)), {"Retry-After": str(RETRY_AFTER[fault.kind])})


def use_page_language() -> None:
    """Use the language of the requested page for the rest of a request that failed before it was set."""
    if LOCALE in request.environ or DATABASE_FAILED in request.environ:
        return
    find: Callable[[], str | None] = current_app.extensions["page_language"]
    if (language := find()) is not None:
        set_locale(language)


def answer(status: int, sentence: str = "", title: str = "") -> tuple[str, int]:
    """A page or fragment for the error `status`, with a message that says what to do next."""
    use_page_language()
    usual_title, advice = explain(status)
    title = title or usual_title
    if is_htmx():
        return render_template("errors/_error.html", title=title, advice=sentence or advice), status
    fields = _fields_to_send_again() if status == 503 else []
    page = render_template("errors/error.html", status=status, title=title, advice=sentence or advice, fields=fields)
    return page, status


def _fields_to_send_again() -> list[tuple[str, str]]:
    """The fields of a form that could not be saved. The page offers to send them again, so that no text is lost. A form
    with a secret cannot be sent again, except one that was sent together with the owner's sign-in."""
    if request.method != "POST" or any(name in request.form for name in SECRET_FIELDS if name not in SIGN_IN_SECRETS):
        return []
    return [(name, value) for name, value in request.form.items(multi=True) if name not in SIGN_IN_SECRETS]


def _schema_is_current() -> bool:
    try:
        return schema_state() == CURRENT
    except SQLAlchemyError:
        return True  # unknown, so the original error is reported


def explain_fault(fault: Fault) -> str:
    """The message for visitors about a database fault."""
    if fault.kind == BUSY:
        return gettext("The site is busy. Try again in a few seconds.")
    if fault.kind == UNWRITABLE:
        return gettext("Nothing can be saved at the moment. You can still read the site.")
    return gettext("The database cannot be reached. Try again in a moment.")


def explain(status: int) -> tuple[str, str]:
    """The title and the message for visitors, for any HTTP error status."""
    if status == 404:
        return gettext("Page not found"), gettext("This page does not exist or has been moved.")
    if status == 403:
        return gettext("Request refused"), gettext("The request came from another site. Reload the page and try again.")
    if status == 405:
        return gettext("Method not allowed"), gettext(
            "This address does not accept this kind of request. Go back and try again."
        )
    if status == 409:
        return gettext("This page has changed"), gettext("Go back, reload the page and try again.")
    if status == 410:
        return gettext("No longer available"), gettext("The author has withdrawn this page.")
    if status == 413:
        title = gettext("Request too large")
        if is_htmx():  # the form is still there
            return title, gettext("What you sent is too large. Shorten it and send it again.")
        return title, gettext(
            "What you sent is too large. Your browser keeps your text: go back, shorten it and send it again."
        )
    if status == 429:
        return gettext("Too many requests"), gettext("Too many requests from your network. Try again in a minute.")
    if status == 503:
        return gettext("Temporarily unavailable"), gettext("Try again in a moment.")
    if status >= 500:
        return gettext("Something went wrong"), gettext("The error has been logged. Try again in a moment.")
    return gettext("Bad request"), gettext("The request is invalid. Go back, check what you entered and try again.")
