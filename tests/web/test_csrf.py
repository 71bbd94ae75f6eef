"""Forms are accepted only from the site's own pages and from clients that are not browsers."""

from __future__ import annotations

import pytest

from blogapp.web.csrf import is_own, origin_of

OWN = origin_of("https://blog.example.org/")


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_sec_fetch_site_same_origin_or_none_is_accepted(site: str) -> None:
    assert is_own(OWN, site, "https://elsewhere.example", None)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "nonsense"])
def test_other_values_of_sec_fetch_site_are_refused(site: str) -> None:
    assert not is_own(OWN, site, "https://blog.example.org", None)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://elsewhere.example",
        "http://blog.example.org",
        "https://blog.example.org:8443",
        "https://blog.example.org.evil.example",
        "https://evilblog.example.org",
        "https://blog.example.or",
        "https://user@blog.example.org",
        "https://blog.example.org:port",
        "https://[",
    ],
)
def test_foreign_origin_is_refused(origin: str) -> None:
    assert not is_own(OWN, None, origin, None)
    assert not is_own(OWN, None, None, origin + "/articles/x")


def test_older_browsers_are_checked_by_origin_then_by_referer() -> None:
    assert is_own(OWN, None, "https://blog.example.org", None)
    assert is_own(OWN, None, "https://blog.example.org:443", None)
    assert is_own(OWN, None, None, "https://blog.example.org/articles/x?y")
    assert not is_own(OWN, None, "null", "https://blog.example.org/")


def test_client_without_these_headers_is_accepted() -> None:
    assert is_own(OWN, None, None, None)
