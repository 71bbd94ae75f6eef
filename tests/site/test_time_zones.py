"""The time zone of the host, the default of the site's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blogapp.site.time_zones import time_zone_of_host


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    time_zone_of_host.cache_clear()
    yield
    time_zone_of_host.cache_clear()


@pytest.mark.parametrize(
    ("variable", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        (":America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("CET-1CEST", "UTC"),
        ("US/Eastern", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("America/Argentina", "UTC"),
        ("/etc/localtime", "UTC"),
        ("../../etc/passwd", "UTC"),
    ],
)
def test_time_zone_of_host_is_one_that_can_be_chosen(monkeypatch: pytest.MonkeyPatch, variable: str, zone: str) -> None:
    monkeypatch.setenv("TZ", variable)
    assert time_zone_of_host() == zone
