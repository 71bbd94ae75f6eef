"""Determine the site's public URL and the visitor's IP address, also behind reverse proxies.

With SITE_URL, every request is handled as a request for that URL, regardless of its Host field, so that links, cookies
and redirects are correct and no page or cache entry contains another host. Without SITE_URL, the host is taken from the
request if it is a valid host name, and the path below which the site is served from X-Forwarded-Prefix. Only the last
TRUSTED_PROXIES entries of the X-Forwarded-* fields are trusted, and only if they are valid.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from blogapp.setting_values import is_host, is_prefix
from blogapp.values import frozen
from blogapp.web.immediate import Environ, Preparation
from blogapp.web.request_bodies import REFUSAL

# In the environment of a request: its scheme and host before SITE_URL replaced them.
ARRIVED = "blogapp.arrived"
FIELDS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")
# Addresses that no reader in the internet has, but proxies often do.
LOCAL_NETWORKS = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@frozen
class Arrival:
    """What the server sees of a request. `address` is the visitor's, empty if unknown; `scheme` and `host` are those
    before SITE_URL replaced them. `field` is the first field of a proxy, empty without one; `entries` counts the
    addresses in X-Forwarded-For, or else Forwarded."""

    address: str
    scheme: str
    host: str
    field: str
    entries: int

    @property
    def is_local(self) -> bool:
        """Whether the address is one of a private network or of this computer."""
        if not self.address:
            return False
        address = ip_address(self.address)
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in LOCAL_NETWORKS)


def arrival_of(environ: Environ) -> Arrival:
    """What arrived with a request that `prepare_for` has prepared, for the owner who sent it."""
    scheme, host = environ.get(ARRIVED) or (environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""))
    field = next((each for each in FIELDS if environ.get(each)), "")
    addresses: str = environ.get("HTTP_X_FORWARDED_FOR") or environ.get("HTTP_FORWARDED") or ""
    return Arrival(
        address_in(environ.get("REMOTE_ADDR") or ""),
        scheme,
        host,
        field.removeprefix("HTTP_").replace("_", "-").title(),
        sum(1 for each in addresses.split(",") if each.strip()),
    )


def prepare_for(site_url: str, trusted_proxies: int) -> Preparation:
    """Return a function that corrects the WSGI environment of a request in place."""
    site = urlsplit(site_url)

    def prepare(environ: Environ) -> None:
        if trusted_proxies:
            values = forwarded(environ, trusted_proxies)
            apply(environ, values)
            # A proxy that does not set this field passes on what the client has sent, so SITE_URL takes precedence.
            prefix = values.get("prefix", "").rstrip("/")
            if prefix and not site_url and is_prefix(prefix):
                set_prefix(environ, prefix)
        if site_url:
            environ[ARRIVED] = environ["wsgi.url_scheme"], environ.get("HTTP_HOST", "")
            environ["wsgi.url_scheme"], environ["HTTP_HOST"] = site.scheme, site.netloc
            set_prefix(environ, site.path)
        elif "HTTP_HOST" in environ and not is_host(environ["HTTP_HOST"]):
            environ[REFUSAL] = 400
            environ["HTTP_HOST"] = "localhost"  # for the error page

    return prepare


def forwarded(environ: Environ, proxies: int) -> dict[str, str]:
    """The values `for`, `proto`, `host` and `prefix` set by the outermost of the trusted proxies; empty or missing if
    not set."""
    if "HTTP_X_FORWARDED_FOR" not in environ and "HTTP_FORWARDED" in environ:
        return fields_of(entry(environ["HTTP_FORWARDED"], proxies))  # RFC 7239
    return {
        name: entry(environ.get(f"HTTP_X_FORWARDED_{name.upper()}", ""), proxies)
        for name in ("for", "proto", "host", "prefix")
    }


def apply(environ: Environ, values: dict[str, str]) -> None:
    if values.get("for"):
        environ["REMOTE_ADDR"] = address_in(values["for"])
    if (scheme := values.get("proto", "").lower()) in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme
    if is_host(values.get("host", "")):
        environ["HTTP_HOST"] = values["host"]


def entry(field: str, number: int) -> str:
    """The entry of a comma-separated field that is the `number`th from its end; empty if there is none."""
    entries = [each.strip() for each in field.split(",")]
    return entries[-number] if len(entries) >= number else ""


def fields_of(element: str) -> dict[str, str]:
    """`for=192.0.2.1;proto=https` as a dictionary."""
    pairs = (pair.partition("=") for pair in element.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def address_in(text: str) -> str:
    """The IP address in one entry of X-Forwarded-For, which may have a port (`203.0.113.7:5000`, `[2001:db8::1]:443`)
    or a zone; empty for `unknown`, `_hidden` and everything else that is not an address."""
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def set_prefix(environ: dict[str, Any], prefix: str) -> None:
    """Serve the site below `prefix`, whether or not the proxy has removed it from the path."""
    environ["SCRIPT_NAME"] = prefix
    path = environ["PATH_INFO"]
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        environ["PATH_INFO"] = path[len(prefix) :] or "/"
