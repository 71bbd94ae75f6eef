"""How much one network may do: counted by Flask-Limiter, in memory or in RATELIMIT_STORAGE_URI."""

from __future__ import annotations

import logging
from datetime import datetime

from flask import Flask, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError

from blogapp.config import Settings
from blogapp.visitors.identity import address_block

log = logging.getLogger(__name__)


def network() -> str:
    """The network that a request comes from: one household, school or office (/24, /64)."""
    return address_block(request.remote_addr, 24, 64)


def init_app(app: Flask, settings: Settings) -> None:
    app.config["RATELIMIT_ENABLED"] = settings.ratelimit_enabled
    app.config["RATELIMIT_STORAGE_URI"] = settings.ratelimit_storage_uri
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"wrap_exceptions": True}
    app.config["COMMENT_RATES"] = (
        RateLimitItemPerMinute(settings.comment_rate_per_minute),
        RateLimitItemPerHour(settings.comment_rate_per_hour),
    )
    app.config["SIGN_IN_RATES"] = (RateLimitItemPerMinute(10, 5),)
    app.config["PREVIEW_RATES"] = (RateLimitItemPerMinute(60),)
    # One for each application: a shared one would be switched on and off by whichever came last.
    app.config["LIMITER"] = Limiter(network, app=app)


def seconds_to_wait(rates: tuple[RateLimitItem, ...], purpose: str, now: datetime) -> int:
    """Count one more act of `purpose` by the request's network: 0, or the seconds until it may try again.

    An act that is refused does not count. Where the counts cannot be reached, people are not shut out.
    """
    limiter: Limiter = current_app.config["LIMITER"]
    if not limiter.enabled:
        return 0
    counts = limiter.limiter
    try:
        for rate in rates:
            if not counts.test(rate, purpose, network()):
                reset = counts.get_window_stats(rate, purpose, network()).reset_time
                return min(max(1, round(reset - now.timestamp())), rate.get_expiry())
        for rate in rates:
            counts.hit(rate, purpose, network())
    except StorageError as error:
        log.error("rate limits cannot be counted: %s", type(error.storage_error).__name__)
    return 0
