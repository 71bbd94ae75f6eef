"""The settings of the site: from the environment, else from the database, where the owner's browser stores them, else
their defaults.

They are read in the snapshot of the page (`query_cache`), so a page never shows an old title with a new content
version. A cached page needs no query: a change raises all content versions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Flask, current_app, has_request_context, request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.local import LocalProxy

from blogapp.db.base import db
from blogapp.db.query_cache import cached_result
from blogapp.db.transactions import insert_for
from blogapp.setting_values import one_of, whole_number
from blogapp.settings import LOCALES, LOOKS, Settings
from blogapp.site.footer import FooterLink, parse_links
from blogapp.site.models import SiteSetting
from blogapp.site.time_zones import time_zone_of_host
from blogapp.text.pictures import Copy, copy_of_height
from blogapp.values import frozen
from blogapp.web.errors import DATABASE_FAILED

log = logging.getLogger(__name__)

STORED = select(SiteSetting.name, SiteSetting.value)

SITE = "blogapp.site"
SETUP_DONE_AT = "setup_done_at"
# In a database that was created in the place of one that is missing. A restore deletes it.
REPLACES_MISSING = "replaces_missing_database"
# A random UUID from which the ids of feeds and their entries are derived.
FEED_ID = "feed_id"
LOGO = "logo"
# Pages show it 44 pixels high (static/css/base.css), and screens have up to three pixels for each.
LOGO_HEIGHT = 132
# The settings that an environment variable overrides, and its name.
VARIABLES = {
    "title": "SITE_TITLE",
    "description": "SITE_DESCRIPTION",
    "locale": "SITE_LOCALE",
    "time_zone": "SITE_TIME_ZONE",
    "look": "SITE_LOOK",
    "typography": "SITE_TYPOGRAPHY",
    "comment_moderation": "COMMENT_MODERATION",
    "comment_close_days": "COMMENT_CLOSE_DAYS",
    "comment_closed": "COMMENT_CLOSED",
}
LONGEST = {"title": 100, "description": 300, "about": 3_000}
MODERATION = ("open", "first", "all")
MOST_CLOSE_DAYS = 36_500


def _limited(name: str) -> Callable[[str], str]:
    def parse(stored: str) -> str:
        if len(stored) > LONGEST[name] or (name == "title" and not stored.strip()):
            raise ValueError
        return stored

    return parse


def _switch(stored: str) -> bool:
    return one_of("True", "False")(stored) == "True"


def _zone(stored: str) -> str:
    try:
        ZoneInfo(stored)  # cached, unlike the list of all names
    except (OSError, KeyError):  # `Europe` is a folder
        raise ValueError from None
    return stored


def _logo(stored: str) -> str:
    if stored and copy_of_height(stored, LOGO_HEIGHT) is None:
        raise ValueError
    return stored


def _feed_id(stored: str) -> str:
    return stored and str(UUID(stored))


def _footer_links(stored: str) -> str:
    parse_links(stored)
    return stored


# Read the stored text of each setting, by the same rules as the form; they raise ValueError.
PARSERS: dict[str, Callable[[str], Any]] = {
    "title": _limited("title"),
    "description": _limited("description"),
    "locale": one_of(*LOCALES),
    "time_zone": _zone,
    "look": one_of(*LOOKS),
    "typography": _switch,
    "comment_moderation": one_of(*MODERATION),
    "comment_close_days": whole_number(0, MOST_CLOSE_DAYS),
    "comment_closed": _switch,
    "about": _limited("about"),
    "footer_links": _footer_links,
    LOGO: _logo,
    FEED_ID: _feed_id,
}


@frozen
class Site:
    """The settings in effect. `fixed` names those that the environment sets, so that the browser cannot change them;
    `is_set_up` says whether the first setup is done; `feed_id` is empty before that. `replaces_missing`: the setup is
    not done because the database was created in the place of one that is missing. Only the browser sets `logo`, the
    path of a picture (text/pictures.py), empty for none; `about`, in Markdown; and `footer_links`, one link on each
    line (footer.py)."""

    title: str
    description: str
    locale: str
    time_zone: str
    look: str
    typography: bool
    comment_moderation: str
    comment_close_days: int
    comment_closed: bool
    fixed: frozenset[str]
    is_set_up: bool = False
    replaces_missing: bool = False
    feed_id: str = ""
    logo: str = ""
    about: str = ""
    footer_links: str = ""

    @property
    def logo_file(self) -> Copy | None:
        """The file that pages show as the logo."""
        return copy_of_height(self.logo, LOGO_HEIGHT)

    @property
    def footer(self) -> list[FooterLink]:
        """The links that the owner has put into the footer of each page."""
        return parse_links(self.footer_links)


def init_app(app: Flask, settings: Settings) -> None:
    """Make `site` and `site_title` available in templates."""
    app.extensions["site"] = Site(
        title=settings.site_title,
        description=settings.site_description,
        locale=settings.site_locale,
        time_zone=settings.site_time_zone or time_zone_of_host(),
        look=settings.site_look,
        typography=settings.site_typography,
        comment_moderation=settings.comment_moderation,
        comment_close_days=settings.comment_close_days,
        comment_closed=settings.comment_closed,
        fixed=frozenset(name for name, variable in VARIABLES.items() if settings.sources[variable] != "default"),
    )
    # Until the database has been read, error pages do not link to the setup.
    app.extensions["last_site"] = replace(app.extensions["site"], is_set_up=True)
    app.extensions["unusable_settings"] = set()
    # Evaluated only when a template uses them.
    app.jinja_env.globals["site"] = LocalProxy(current_site)
    app.jinja_env.globals["site_title"] = LocalProxy(lambda: current_site().title)


def current_site() -> Site:
    """The settings of the site, read once in a request. If the database cannot be read, those that were read last, so
    that error pages can be shown."""
    if not has_request_context():
        return read_site(db.session())
    if SITE not in request.environ:
        if DATABASE_FAILED in request.environ:
            return last_site()
        try:
            request.environ[SITE] = current_app.extensions["last_site"] = read_site(db.session())
        except SQLAlchemyError:
            request.environ[DATABASE_FAILED] = True
            raise
    site: Site = request.environ[SITE]
    return site


def last_site() -> Site:
    """The settings that this process has read last."""
    site: Site = current_app.extensions["last_site"]
    return site


def site_zone() -> ZoneInfo:
    """The time zone of dates that readers see, and in which the owner reads and writes times."""
    return ZoneInfo(current_site().time_zone)


def current_locale() -> str:
    """The language of the site: en, fr or he."""
    return current_site().locale


def read_site(session: Session) -> Site:
    """The settings in the session's snapshot. One whose stored value cannot be used has its default."""
    default: Site = current_app.extensions["site"]
    stored = cached_result(session, "settings", lambda: dict(session.connection().execute(STORED).all()))
    # Most requests find the same settings as the one before.
    parsed: tuple[Site, dict[str, str], Site] | None = current_app.extensions.get("parsed_site")
    if parsed is None or parsed[0] is not default or parsed[1] != stored:
        parsed = current_app.extensions["parsed_site"] = default, stored, _parse(default, stored)
    return parsed[2]


def _parse(default: Site, stored: dict[str, str]) -> Site:
    changed: dict[str, Any] = {}
    for name in stored.keys() & PARSERS.keys() - default.fixed:
        try:
            changed[name] = PARSERS[name](stored[name])
        except ValueError:
            _report_once(name)
    is_set_up = SETUP_DONE_AT in stored
    replaces_missing = REPLACES_MISSING in stored and not is_set_up
    return replace(default, is_set_up=is_set_up, replaces_missing=replaces_missing, **changed)


def _report_once(name: str) -> None:
    reported: set[str] = current_app.extensions["unusable_settings"]
    if name not in reported:
        reported.add(name)
        log.warning("The stored value of the setting %s cannot be used; its default is.", name)


def unusable_settings(session: Session) -> list[str]:
    """The names of the stored settings whose values cannot be used, also of those that the environment overrides."""
    names = []
    for name, value in session.execute(select(SiteSetting.name, SiteSetting.value).order_by(SiteSetting.name)):
        try:
            PARSERS.get(name, str)(value)
        except ValueError:
            names.append(name)
    return names


def chosen_in_browser() -> dict[str, str]:
    """The settings that were made in the browser, by their environment variables. Empty if the database cannot be
    read."""
    default: Site = current_app.extensions["site"]
    try:
        present = read_site(db.session())
    except SQLAlchemyError:
        return {}
    names = [name for name in VARIABLES if getattr(present, name) != getattr(default, name)]
    return {VARIABLES[name]: str(getattr(present, name)) for name in names}


def change_site(session: Session, values: Mapping[str, str]) -> None:
    """Store settings, by their names in `Site`; those that the environment sets are left as they are. A write
    transaction with `Changes.EVERYTHING` must be open, because every page shows the title."""
    fixed = current_app.extensions["site"].fixed
    for name in sorted(values.keys() - fixed):
        insert = insert_for(session, SiteSetting).values(name=name, value=values[name])
        session.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": values[name]}))
    if has_request_context():
        request.environ.pop(SITE, None)
