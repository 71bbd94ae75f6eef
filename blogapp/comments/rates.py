"""Rate limits per network for comments, edits and likes."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from blogapp.comments.permissions import Author
from blogapp.comments.refusals import TooMany
from blogapp.text.i18n import gettext
from blogapp.web.rate_limits import seconds_to_wait

# Attempts include forms with errors, so they are limited less strictly than comments.
ATTEMPTS_PER_COMMENT = 6
LIKE_RATES = (RateLimitItemPerMinute(20), RateLimitItemPerHour(200))
EDIT_RATES = (RateLimitItemPerMinute(10), RateLimitItemPerHour(60))


def check_attempt(author: Author) -> None:
    """Count one submitted comment form, valid or not. Raises TooMany."""
    rates: tuple[RateLimitItem, ...] = current_app.config["COMMENT_RATES"]
    attempts = tuple(type(rate)(rate.amount * ATTEMPTS_PER_COMMENT, rate.multiples) for rate in rates)
    _check(attempts, "comment attempt", author, _too_many_comments)


def check_comment(author: Author) -> None:
    """Count one comment, also a repeat from a browser without a cookie. Raises TooMany; a repeat then gets the first
    answer anyway."""
    _check(current_app.config["COMMENT_RATES"], "comment", author, _too_many_comments)


def check_edit(author: Author) -> None:
    """Count one submitted edit form, valid or not. Raises TooMany."""
    _check(EDIT_RATES, "edit", author, lambda: gettext("Too many changes from your network. Try again in a minute."))


def check_like(author: Author) -> None:
    """Count one like that is added or removed. Raises TooMany."""
    _check(LIKE_RATES, "like", author, lambda: gettext("Too many requests from your network. Try again in a minute."))


def _check(rates: tuple[RateLimitItem, ...], purpose: str, author: Author, message: Callable[[], str]) -> None:
    if not author.is_owner and (wait := seconds_to_wait(rates, purpose, author.now)):
        raise TooMany(message(), wait)


def _too_many_comments() -> str:
    return gettext("Too many comments from your network. Try again in a minute.")
