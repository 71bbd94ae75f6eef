"""The page on which owners change the settings of the site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import for_owners
from blogapp.owners.forms import SettingsForm, site_values
from blogapp.site.settings import VARIABLES, change_site, current_site
from blogapp.values import frozen

bp = for_owners(Blueprint("owner_settings", __name__, url_prefix="/owner/settings"))


@frozen
class DataPanel:
    """A part of the section "Data", which a feature registers: the fragment `template`, which starts with an `h3`, and
    a function of the session and of the message to show in it (empty for none) that returns its variables."""

    template: str
    variables: Callable[[Session, str], dict[str, Any]]
    order: int


def init_app(app: Flask, render_articles: Callable[[], None]) -> None:
    """`render_articles` is called when the typography has changed."""
    app.extensions["data_panels"] = []
    app.extensions["render_articles"] = render_articles


def add_data_panel(app: Flask, panel: DataPanel) -> None:
    app.extensions["data_panels"].append(panel)
    app.extensions["data_panels"].sort(key=lambda each: each.order)


@bp.get("")
def edit() -> str:
    return settings_page()


@bp.post("")
def update() -> Response | tuple[str, int]:
    form = SettingsForm(request.form)
    before = current_site()
    form.leave_out(before.fixed)
    if not form.validate():
        return settings_page(form), 422
    with write_transaction(Changes.EVERYTHING) as session:
        change_site(session, form.settings())
    if current_site().typography != before.typography:
        current_app.extensions["render_articles"]()
    return redirect(url_for("owner_settings.edit", notice="saved"), 303)


def settings_page(form: SettingsForm | None = None, errors: Mapping[str, str] | None = None) -> str:
    """The page with all settings; `errors` has messages for sections of "Data", by their templates."""
    site, session = current_site(), db.session()
    form = form or SettingsForm(data=site_values(site))
    panels: list[DataPanel] = current_app.extensions["data_panels"]
    form.leave_out(site.fixed)
    return render_template(
        "owners/settings.html",
        form=form,
        failed=bool(form.errors or errors),
        fixed=[(VARIABLES[name], getattr(site, name)) for name in VARIABLES if name in site.fixed],
        panels=[(panel.template, panel.variables(session, (errors or {}).get(panel.template, ""))) for panel in panels],
        notice=request.args.get("notice", ""),
    )
