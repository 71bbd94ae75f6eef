"""Visitors can be recognized for one day only."""

from __future__ import annotations

import pytest

from blogapp.visitors.identity import hash_token, network_of, new_token, visitor_digest
from blogapp.web.networks import address_block


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("", "unknown"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_address_is_reduced_to_its_network(address: str | None, block: str) -> None:
    assert address_block(address, 24, 48) == block


def test_visitor_digest_depends_on_network_browser_and_day() -> None:
    key = b"k" * 32
    one = visitor_digest(key, network_of("192.0.2.1"), "Firefox")
    assert one == visitor_digest(key, network_of("192.0.2.200"), "Firefox")
    assert one != visitor_digest(key, network_of("192.0.3.1"), "Firefox")
    assert one != visitor_digest(key, network_of("192.0.2.1"), "Chrome")
    assert one != visitor_digest(b"l" * 32, network_of("192.0.2.1"), "Firefox")


def test_token_is_long_and_stored_as_its_hash() -> None:
    token = new_token()
    assert len(token) == 43
    assert token != new_token()
    assert token.encode() not in hash_token(token)
