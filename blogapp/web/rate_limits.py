"""Rate limits per network, counted by the library `limits` in memory or in the store at RATELIMIT_STORAGE_URI.

In memory, each process counts separately; so it is while the store does not answer. Sign-in has limits of its own, in
the database (owners/attempts.py).
"""

from __future__ import annotations

import hmac
import logging
import time
from datetime import datetime

from flask import Flask, current_app, request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from blogapp import clock
from blogapp.settings import Settings
from blogapp.web.networks import address_block

log = logging.getLogger(__name__)

# The bits of an address that identify a network: about one household, school or office.
IPV4_BITS = 24
IPV6_BITS = 64

# Counters that a process keeps in memory, about 500 bytes each. When this many exist, new networks share one counter
# until older ones expire, so that requests from many networks cannot fill the memory.
COUNTERS_AT_MOST = 20_000
EVERYBODY_ELSE = "everybody else"

# Seconds to connect to a Redis or Valkey, and to wait for each of its answers: if it has stopped or hangs, a request
# takes at most 100 ms longer. The process then counts in memory for RETRY_SECONDS before it asks again.
STORE_TIMEOUT = 0.05
RETRY_SECONDS = 5.0


def init_app(app: Flask, settings: Settings) -> None:
    app.config["RATELIMIT_ENABLED"] = settings.ratelimit_enabled
    app.config["RATELIMIT_STORAGE_URI"] = settings.ratelimit_storage_uri
    app.config["COMMENT_RATES"] = (
        RateLimitItemPerMinute(settings.comment_rate_per_minute),
        RateLimitItemPerHour(settings.comment_rate_per_hour),
    )
    app.config["PREVIEW_RATES"] = (RateLimitItemPerMinute(60),)
    # Generous, because a search runs with every pause while a reader types, and a school is one network.
    app.config["SEARCH_RATES"] = (RateLimitItemPerMinute(120), RateLimitItemPerHour(2_000))
    app.extensions["rate_limiter"] = RateLimiter(settings.ratelimit_storage_uri) if settings.ratelimit_enabled else None


class RateLimiter:
    """Counts in the store at `storage_uri`, and in memory while the store does not answer."""

    def __init__(self, storage_uri: str) -> None:
        self._store = FixedWindowRateLimiter(_storage(storage_uri))
        self._memory = FixedWindowRateLimiter(MemoryStorage())
        self._retry_at = 0.0  # time.monotonic()

    @property
    def storage(self) -> Storage:
        """The store that counts at this moment."""
        return self._current().storage

    def seconds_to_wait(self, rates: tuple[RateLimitItem, ...], purpose: str, who: str, now: datetime) -> int:
        limiter = self._current()
        try:
            return _seconds_to_wait(limiter, rates, purpose, who, now)
        except StorageError as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            log.error(
                "the store of the rate limits does not answer (%s); this process counts in memory and asks again in "
                "%d seconds",
                type(error.storage_error).__name__,
                RETRY_SECONDS,
            )
            return _seconds_to_wait(self._memory, rates, purpose, who, now)

    def _current(self) -> FixedWindowRateLimiter:
        return self._store if time.monotonic() >= self._retry_at else self._memory


def _storage(storage_uri: str) -> Storage:
    timeouts = {}
    if storage_uri.startswith(("redis", "valkey")):
        timeouts = {"socket_timeout": STORE_TIMEOUT, "socket_connect_timeout": STORE_TIMEOUT}
    return storage_from_string(storage_uri, wrap_exceptions=True, **timeouts)  # type: ignore[return-value]


def network() -> str:
    """A keyed digest of the network that the request comes from. The store of the counters may be readable by others,
    so it must not contain IP addresses."""
    block = address_block(request.remote_addr, IPV4_BITS, IPV6_BITS)
    key: str = current_app.config["SECRET_KEY"]
    return hmac.digest(key.encode(), f"rate limit\n{block}".encode(), "sha256")[:16].hex()


def seconds_to_wait(rates: tuple[RateLimitItem, ...], purpose: str, now: datetime) -> int:
    """Count one action of `purpose` by the request's network. Returns 0, or the seconds until it may try again.

    A refused action is not counted.
    """
    limiter: RateLimiter | None = current_app.extensions["rate_limiter"]
    return limiter.seconds_to_wait(rates, purpose, network(), now) if limiter else 0


def _seconds_to_wait(
    limiter: FixedWindowRateLimiter, rates: tuple[RateLimitItem, ...], purpose: str, network: str, now: datetime
) -> int:
    who = _counter(limiter, rates, purpose, network)
    for rate in rates:
        if not limiter.test(rate, purpose, who):
            if not _outlasts_window(limiter, rate, purpose, who):
                return _seconds_left(limiter, rate, purpose, who, now)
            limiter.clear(rate, purpose, who)
    for rate in rates:
        if not limiter.hit(rate, purpose, who):  # another thread reached the limit first
            return _seconds_left(limiter, rate, purpose, who, now)
    return 0


def _counter(limiter: FixedWindowRateLimiter, rates: tuple[RateLimitItem, ...], purpose: str, network: str) -> str:
    storage = limiter.storage
    if isinstance(storage, MemoryStorage) and len(storage.storage) >= COUNTERS_AT_MOST:
        is_counted = any(storage.get(rate.key_for(purpose, network)) for rate in rates)
        return network if is_counted else EVERYBODY_ELSE
    return network


def _outlasts_window(limiter: FixedWindowRateLimiter, rate: RateLimitItem, purpose: str, who: str) -> bool:
    """Whether a counter ends later than it can: the clock was set back, and the network would wait that much longer."""
    return limiter.get_window_stats(rate, purpose, who).reset_time - clock.now().timestamp() > rate.get_expiry() + 1


def _seconds_left(limiter: FixedWindowRateLimiter, rate: RateLimitItem, purpose: str, who: str, now: datetime) -> int:
    reset = limiter.get_window_stats(rate, purpose, who).reset_time
    return min(max(1, round(reset - now.timestamp())), rate.get_expiry())


def rate_limit_storage() -> str:
    """Where the counters are: in the process's `memory`, in a `store` such as Redis, or "" if limits are off."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return ""
    uri: str = current_app.config["RATELIMIT_STORAGE_URI"]
    return "memory" if uri.startswith("memory:") else "store"
