"""The first page of the owner's room."""

from __future__ import annotations

from flask import Blueprint, render_template

from blogapp.db.base import db
from blogapp.owners import bar
from blogapp.owners.access import current_owner, for_owners

bp = for_owners(Blueprint("owner_dashboard", __name__, url_prefix="/owner"))


@bp.get("")
def show() -> str:
    return render_template("owners/dashboard.html", owner=current_owner(), panels=bar.panels(db.session()))
