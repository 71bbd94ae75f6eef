"""The links in the header of every page to what the site has besides articles."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from blogapp.text.i18n import gettext

LINKS: dict[str, Callable[[], str]] = {
    "/archive": lambda: gettext("Archive"),
    "/search": lambda: gettext("Search"),
    "/feed.xml": lambda: gettext("Feed"),
}


def init_app(app: Flask) -> None:
    """Make `site_links()` available in templates: the endpoint and the translated text of each link. Call this after
    all blueprints are registered, because addresses that the site does not have are left out."""
    endpoints = {rule.rule: rule.endpoint for rule in app.url_map.iter_rules()}
    found = [(endpoints[path], label) for path, label in LINKS.items() if path in endpoints]
    app.jinja_env.globals["site_links"] = lambda: [(endpoint, label()) for endpoint, label in found]
