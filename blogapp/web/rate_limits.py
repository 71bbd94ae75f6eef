"""How much one network may do: counted by Flask-Limiter, in memory or in RATELIMIT_STORAGE_URI."""

from __future__ import annotations

import hmac
import logging
from datetime import datetime

from flask import Flask, current_app, request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError

from blogapp.settings import Settings, SettingsError
from blogapp.web.networks import address_block

log = logging.getLogger(__name__)


# How much of an address a limit goes by: one household, school or office.
IPV4_BITS = 24
IPV6_BITS = 64


def network() -> str:
    """What stands for the network that a request comes from: counts may lie in a store that others see, and an
    address has no business there."""
    block = address_block(request.remote_addr, IPV4_BITS, IPV6_BITS)
    key: str = current_app.config["SECRET_KEY"]
    return hmac.digest(key.encode(), f"rate limit\n{block}".encode(), "sha256")[:16].hex()


def place_of_counts() -> str:
    """Where the counts lie: `memory` of the process, a `store` beside it, or nowhere ("") since there are no limits."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return ""
    uri: str = current_app.config["RATELIMIT_STORAGE_URI"]
    return "memory" if uri.startswith("memory:") else "store"


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
    try:
        app.config["LIMITER"] = Limiter(network, app=app)
    except ConfigurationError as error:
        # The library's own sentence names the address, and that may hold a password.
        if "prerequisite" in str(error):
            raise SettingsError(
                "RATELIMIT_STORAGE_URI names a store whose library is not installed. For Redis and Valkey: "
                "uv sync --extra redis."
            ) from None
        raise SettingsError(
            "RATELIMIT_STORAGE_URI must be memory:// or the address of a store such as redis://localhost:6379."
        ) from None


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
