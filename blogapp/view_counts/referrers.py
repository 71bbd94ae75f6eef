"""Referrers: the host of the link that led to an article, never its path; hosts of referrer spam are dropped."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")


def read_hosts(path: Path) -> frozenset[str]:
    """Read a list of hosts, one per line, as public lists of referrer spam are written; `#` begins a comment. Raises
    OSError and UnicodeDecodeError."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(host.lower() for line in lines if (host := line.split("#")[0].strip()))


SPAMMERS = read_hosts(Path(__file__).parent / "referrer-spam.txt")


def host_of(claimed: str, own_host: str, spammers: Collection[str] = SPAMMERS) -> str:
    """Return the host in `claimed` without `www.`; "" if it is no host name, an IP address, the blog's own host, or a
    known spammer or a subdomain of one."""
    host = claimed.strip().lower().removeprefix("www.").rstrip(".")
    if not HOST.fullmatch(host) or host == own_host.lower().removeprefix("www."):
        return ""
    labels = host.split(".")
    if any(".".join(labels[start:]) in spammers for start in range(len(labels) - 1)):
        return ""
    return host
