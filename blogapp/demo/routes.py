"""The owner's button that removes the demo content."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blogapp.articles.publishing import lock_articles
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.demo.removal import find_demo, has_demo, remove_demo
from blogapp.owners import bar
from blogapp.owners.access import for_owners

bp = for_owners(Blueprint("demo_content", __name__, url_prefix="/owner/demo"))


def init_app(app: Flask) -> None:
    """Offer the removal on the owner's first page while there is demo content."""
    app.register_blueprint(bp)
    bar.add_panel(app, bar.Panel("demo/_panel.html", _panel, order=5))


def _panel(session: Session) -> dict[str, Any] | None:
    return {} if has_demo(session) else None


@bp.get("/removal")
def confirm() -> str:
    return render_template("demo/removal.html", found=find_demo(db.session()))


@bp.post("/removal")
def remove() -> Response:
    with write_transaction(Changes.EVERYTHING) as session:
        lock_articles(session)
        remove_demo(session)
    return redirect(url_for("owner_dashboard.show", notice="demo"), 303)
