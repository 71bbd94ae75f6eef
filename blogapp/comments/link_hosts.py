"""The hosts that a comment links to, as they are stored and searched for."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HREF = re.compile(r'href="(https?://[^"]+)"', re.IGNORECASE)


def hosts_of(body_html: str, author_url: str) -> set[str]:
    """The hosts of the links in a comment and of its author's link, in lower case and in ASCII (IDNA)."""
    return set(filter(None, map(_host, [*HREF.findall(body_html), author_url])))


def searchable(hosts: set[str]) -> str:
    """The hosts and the domains that they belong to, each between spaces, so that one condition finds a host and all
    its subdomains: ` blog.example.org example.org `."""
    names = {".".join(labels[start:]) for host in hosts if (labels := host.split(".")) for start in range(len(labels))}
    kept = sorted(name for name in names if "." in name or name in hosts)
    return f" {' '.join(kept)} " if kept else ""


def as_host(typed: str) -> str:
    """The host that an owner has typed, alone or as a part of an address; empty if it is none."""
    return _host(typed if "//" in typed else f"//{typed}")


def _host(address: str) -> str:
    try:
        host = (urlsplit(address).hostname or "").strip(".")
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except ValueError:  # an invalid address, or a name that IDNA does not allow
        return ""
