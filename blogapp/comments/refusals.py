"""Reasons why a comment or an edit cannot be saved. The form is displayed again with the typed text."""

from __future__ import annotations

from datetime import datetime

from blogapp.text.i18n import gettext, local_moment
from blogapp.web.errors import DomainError


class Refused(DomainError):
    """The form cannot be saved as it is. The message is displayed beside `field`, or above the form if it is empty;
    `retry_after` is in seconds, 0 if trying again does not help."""

    field = ""
    retry_after = 0


class Invalid(Refused):
    """Some fields are invalid; the form has their messages."""

    status = 422


class TooMany(Refused):
    """The visitor's network has sent too many requests."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotSaved(Refused):
    """The database is busy or cannot be written."""

    status = 503

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NameTaken(Refused):
    """The name is too similar to the owner's, and the owner is not signed in."""

    status = 422
    field = "author_name"

    def __init__(self) -> None:
        super().__init__(gettext("This name is too similar to the site owner's. Please choose another one."))


class ParentGone(Refused):
    """The parent comment is not published, or belongs to another article."""

    status = 409

    def __init__(self) -> None:
        super().__init__(gettext("The comment you are replying to is no longer available. Your text is kept below."))


class Banned(Refused):
    """The browser or its network is banned until `until` (None: for ever)."""

    status = 403

    def __init__(self, until: datetime | None) -> None:
        sentence = gettext("Comments from your browser or network are not accepted. Your text is kept below.")
        if until is not None:
            sentence = gettext(
                "Comments from your browser or network are not accepted until %(moment)s. Your text is kept below."
            )
            sentence %= {"moment": local_moment(until)}
        super().__init__(sentence)


class Locked(Refused):
    """The thread takes no more replies."""

    status = 409

    def __init__(self) -> None:
        super().__init__(gettext("This thread is locked. Your text is kept below."))


class Closed(Refused):
    """Comments on the article are closed."""

    status = 409

    def __init__(self) -> None:
        super().__init__(gettext("Comments are closed. Your text is kept below."))
