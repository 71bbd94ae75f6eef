"""The bar that a signed-in owner sees above every page, and the owner's first page.

Both are made of what the features register when the application is created, so that nothing is linked before it exists
and this package needs to know no feature:

    bar.add_link(app, bar.Link("owner_comments.index", lambda: gettext("Comments"), order=20, count=count_waiting))
    bar.add_panel(app, bar.Panel("comments/_owner_panel.html", latest_waiting, order=20))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, request, url_for
from sqlalchemy.orm import Session
from werkzeug.local import LocalProxy

from blogapp.db.base import db
from blogapp.owners.models import Owner
from blogapp.owners.sessions import signed_in_owner
from blogapp.text.i18n import gettext
from blogapp.values import frozen

BAR = "blogapp.owner_bar"
# The `order` of the link to the editor.
NEW_ARTICLE = 10


@frozen
class Link:
    """A link in the bar. `label` returns the translated text; `count` the number shown with it (0 shows none), in one
    query of an index, because every page that an owner opens calls it. Links are sorted by `order`: new article 10,
    comments 20, statistics 30, settings 40."""

    endpoint: str
    label: Callable[[], str]
    order: int
    count: Callable[[Session], int] | None = None


@frozen
class Panel:
    """A section of the owner's first page: the fragment `template`, which starts with an `h2`, and a function that
    returns its variables, or None to leave the section out."""

    template: str
    variables: Callable[[Session], dict[str, Any] | None]
    order: int


@frozen
class ShownLink:
    """`name` is the endpoint; a response can replace the count by its id, `owner-count-<name>`. `label` is called by
    the template, after it has set the language of the bar."""

    name: str
    address: str
    label: Callable[[], str]
    count: int | None
    is_current: bool


@frozen
class Bar:
    owner: Owner
    links: list[ShownLink]


def init_app(app: Flask) -> None:
    """Make `owner_bar` available in templates: the bar, or something false if no owner is signed in."""
    app.extensions["owner_links"], app.extensions["owner_panels"] = [], []
    add_link(app, Link("owner_settings.edit", lambda: gettext("Settings"), order=40))
    # Evaluated only when a template uses it, so that an error page does not query a database that has failed.
    app.context_processor(lambda: {"owner_bar": LocalProxy(current_bar)})


def add_link(app: Flask, link: Link) -> None:
    app.extensions["owner_links"].append(link)
    app.extensions["owner_links"].sort(key=lambda each: each.order)


def add_panel(app: Flask, panel: Panel) -> None:
    app.extensions["owner_panels"].append(panel)
    app.extensions["owner_panels"].sort(key=lambda each: each.order)


def current_bar() -> Bar | None:
    """The bar of the owner who sent the current request. A request without an owner's cookie causes no query."""
    if BAR not in request.environ:
        session = db.session()
        owner = signed_in_owner(session)
        request.environ[BAR] = owner and Bar(owner, _links(session))
    bar: Bar | None = request.environ[BAR]
    return bar


def _links(session: Session) -> list[ShownLink]:
    links: list[Link] = current_app.extensions["owner_links"]
    return [
        ShownLink(
            link.endpoint,
            url_for(link.endpoint),
            link.label,
            link.count(session) if link.count else None,
            link.endpoint == request.endpoint,
        )
        for link in links
    ]


def first_address() -> str:
    """Where an owner begins after the setup: the editor of a new article, if there is one, else the first page."""
    links: list[Link] = current_app.extensions["owner_links"]
    is_editor = bool(links) and links[0].order <= NEW_ARTICLE
    return url_for(links[0].endpoint if is_editor else "owner_dashboard.show")


def panels(session: Session) -> list[tuple[str, dict[str, Any]]]:
    """The template and the variables of each section of the owner's first page."""
    registered: list[Panel] = current_app.extensions["owner_panels"]
    found = [(panel.template, panel.variables(session)) for panel in registered]
    return [(template, variables) for template, variables in found if variables is not None]
