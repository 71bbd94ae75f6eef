"""Where readers come from: the host of the link, never its path, and without those who send no readers."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})")


def read_hosts(path: Path) -> frozenset[str]:
    """A list of hosts, one in a line, as those lists that people keep together are written; `#` begins a remark.
    Raises OSError and UnicodeDecodeError."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(host.lower() for line in lines if (host := line.split("#")[0].strip()))


SPAMMERS = read_hosts(Path(__file__).parent / "referrer-spam.txt")


def host_of(claimed: str, own_host: str, spammers: Collection[str] = SPAMMERS) -> str:
    """The host that `claimed` names, as one would say it (without `www.`); "" for none, an odd one, an address in
    numbers, the blog's own, or one that is known for spam, itself or by the domain above it."""
    host = claimed.strip().lower().removeprefix("www.").rstrip(".")
    if not HOST.fullmatch(host) or host == own_host.lower().removeprefix("www."):
        return ""
    labels = host.split(".")
    if any(".".join(labels[start:]) in spammers for start in range(len(labels) - 1)):
        return ""
    return host
