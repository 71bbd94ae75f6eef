"""The page on which owners change the settings of the site."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners.access import for_owners
from blogapp.owners.forms import SettingsForm, site_values
from blogapp.site.settings import VARIABLES, change_site, current_site

bp = for_owners(Blueprint("owner_settings", __name__, url_prefix="/owner/settings"))


@bp.get("")
def edit() -> str:
    return _page(SettingsForm(data=site_values(current_site())))


@bp.post("")
def update() -> Response | tuple[str, int]:
    form = SettingsForm(request.form)
    form.leave_out(current_site().fixed)
    if not form.validate():
        return _page(form), 422
    with write_transaction(Changes.EVERYTHING) as session:
        change_site(session, form.settings())
    return redirect(url_for("owner_settings.edit", notice="saved"), 303)


def _page(form: SettingsForm) -> str:
    site = current_site()
    form.leave_out(site.fixed)
    return render_template(
        "owners/settings.html",
        form=form,
        fixed=[(VARIABLES[name], getattr(site, name)) for name in VARIABLES if name in site.fixed],
        is_saved=request.args.get("notice") == "saved",
    )
