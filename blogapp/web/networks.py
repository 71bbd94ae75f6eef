"""Networks: the part of an IP address that limits and visitor digests use."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def address_block(address: str | None, ipv4_bits: int, ipv6_bits: int) -> str:
    """The network of an address, such as `192.0.2.0/24`; "unknown" if `address` is not an IP address."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = ipv4_bits if parsed.version == 4 else ipv6_bits
    dropped = parsed.max_prefixlen - bits
    return f"{type(parsed)(int(parsed) >> dropped << dropped)}/{bits}"  # a third of the time of `ip_network()`
