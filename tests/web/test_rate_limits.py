"""Rate limits per network: exact under concurrency, bounded in memory, without stored addresses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage

from blogapp import clock
from blogapp.settings import SettingsError, read_settings
from blogapp.web import rate_limits
from blogapp.web.rate_limits import seconds_to_wait
from tests.conftest import SECRET_KEY, eventually
from tests.harness.redis import Redis

pytestmark = pytest.mark.settings(RATELIMIT_ENABLED="on", TRUSTED_PROXIES="1")

RATES = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))


@pytest.fixture
def storage(app: Flask) -> MemoryStorage:
    storage: MemoryStorage = app.extensions["rate_limiter"].storage
    return storage


def act(app: Flask, address: str = "192.0.2.1", purpose: str = "comment") -> int:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        return seconds_to_wait(RATES, purpose, clock.now())


def test_network_is_limited_to_the_rate(app: Flask) -> None:
    waits = [act(app) for _ in range(7)]
    assert waits[:5] == [0] * 5
    assert all(1 <= wait <= 60 for wait in waits[5:])
    assert act(app, "192.0.2.200") > 0  # the same /24
    assert act(app, "192.0.3.1") == 0
    assert act(app, purpose="like") == 0


def test_concurrent_requests_do_not_exceed_the_rate(app: Flask) -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: act(app), range(100)))
    assert waits.count(0) == 5


def test_number_of_counters_is_limited(app: Flask, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "COUNTERS_AT_MOST", 20)
    assert act(app) == 0
    waits = [act(app, f"2001:db8:0:{number:x}::1") for number in range(100)]
    assert len(storage.storage) <= 24
    assert waits[:9] == [0] * 9
    assert waits[-1] > 0  # networks that come later share one counter
    assert act(app) == 0  # a network that has a counter keeps it


def test_no_address_is_stored(app: Flask, client: FlaskClient, storage: MemoryStorage) -> None:
    for address in ("192.0.2.77", "2001:db8:1:2::5"):
        client.post("/comments/preview", data={"body": "Hello"}, headers={"X-Forwarded-For": address})
    kept = " ".join(storage.storage)
    assert kept.count("preview") == 2
    assert "192.0.2" not in kept
    assert "2001:db8" not in kept


@pytest.mark.settings(RATELIMIT_ENABLED="off")
def test_limits_can_be_turned_off(app: Flask) -> None:
    assert [act(app) for _ in range(20)] == [0] * 20


@pytest.mark.parametrize("uri", ["nonsense", "memcache://", "memcached://:secret@localhost:1", "http://example.org"])
def test_invalid_storage_uri_is_reported_without_its_password(app: Flask, uri: str) -> None:
    with pytest.raises(SettingsError, match="RATELIMIT_STORAGE_URI") as error:
        read_settings({"SECRET_KEY": SECRET_KEY, "RATELIMIT_STORAGE_URI": uri}, Path(app.instance_path))
    assert "secret" not in str(error.value)


NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def redis() -> Iterator[Redis]:
    server = Redis()
    yield server
    server.stop()


def test_processes_share_the_counters_of_a_store(redis: Redis) -> None:
    one, two = rate_limits.RateLimiter(redis.url), rate_limits.RateLimiter(redis.url)
    waits = [each.seconds_to_wait(RATES, "comment", "a", NOW) for each in (one, two, one, two, one, two)]
    assert waits[:5] == [0] * 5
    assert waits[5] > 0


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_limits_are_counted_in_memory_while_the_store_is_gone(
    redis: Redis, fault: signal.Signals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = rate_limits.RateLimiter(redis.url)
    assert limiter.seconds_to_wait(RATES, "comment", "a", NOW) == 0
    redis.send(fault)
    monkeypatch.setattr(rate_limits, "RETRY_SECONDS", 3600.0)
    waits = [limiter.seconds_to_wait(RATES, "comment", "a", NOW) for _ in range(7)]
    assert waits[:5] == [0] * 5
    assert all(1 <= wait <= 60 for wait in waits[5:])
    assert caplog.text.count("does not answer") == 1  # the next actions do not wait for the store


def test_store_counts_again_when_it_answers(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "RETRY_SECONDS", 0.0)
    limiter = rate_limits.RateLimiter(redis.url)
    redis.send(signal.SIGSTOP)
    assert limiter.seconds_to_wait(RATES, "comment", "a", NOW) == 0
    redis.send(signal.SIGCONT)
    eventually(lambda: limiter.seconds_to_wait(RATES, "comment", "b", NOW) > 0, True)
    other = rate_limits.RateLimiter(redis.url)
    assert other.seconds_to_wait(RATES, "comment", "b", NOW) > 0


def test_limits_recover_after_the_clock_was_set_back(app: Flask, storage: MemoryStorage) -> None:
    assert [act(app) for _ in range(6)][-1] > 0
    for key in storage.expirations:
        storage.expirations[key] += 3600  # the counter ends this much later on the new clock
    assert act(app) == 0
