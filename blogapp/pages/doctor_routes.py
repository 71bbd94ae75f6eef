"""The owner's page "Health of this blog": the checks of `flask doctor`, and what arrived with the present request.

The visitor's address is shown to the owner whose own it is, and stored nowhere.
"""

from __future__ import annotations

import os
from datetime import date, datetime

from flask import Blueprint, current_app, render_template, request

from blogapp import clock
from blogapp.db.base import db
from blogapp.owners.access import for_owners
from blogapp.pages.doctor import Finding, Value, examine, examine_arrival
from blogapp.settings import Settings
from blogapp.site.storage import current_storage
from blogapp.text import i18n
from blogapp.web.proxy import arrival_of

bp = for_owners(Blueprint("owner_doctor", __name__, url_prefix="/owner/doctor"))


@bp.get("")
def show() -> str:
    settings: Settings = current_app.extensions["storage_settings"]
    arrival = arrival_of(request.environ)
    findings = list(examine(db.session(), settings, current_storage(), os.environ, clock.now()))
    arrived = list(examine_arrival(settings, arrival))
    return render_template(
        "owners/doctor.html",
        is_fine=all(each.is_fine for each in (*findings, *arrived)),
        findings=_translated(findings),
        arrival=arrival,
        arrived=_translated(arrived),
        trusted_proxies=settings.trusted_proxies,
        site_url=settings.site_url,
    )


def _translated(findings: list[Finding]) -> list[tuple[str, bool, str]]:
    """The name, whether it is fine, and the text of each finding."""
    return [(i18n.gettext(each.name), each.is_fine, each.text(i18n.gettext, _shown)) for each in findings]


def _shown(value: Value) -> str:
    if isinstance(value, int):
        return i18n.number(value)
    if isinstance(value, datetime):
        return i18n.local_moment(value)
    if isinstance(value, date):
        return i18n.day(value)
    return i18n.gettext(value) if value else ""  # the cause of a fault has a translation
