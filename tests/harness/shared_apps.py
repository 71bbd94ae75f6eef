"""Applications that several tests use, one after another."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from flask import Flask

from blogapp.db.base import db
from blogapp.db.change_marker import ChangeMarker
from blogapp.db.content_versions import reader_for
from blogapp.db.query_cache import QueryCache
from blogapp.db.transactions import WriteState
from blogapp.web.page_cache import PageCache

# What an application has read last, which tests may change: `reset` forgets it.
READ_LAST = {"last_site", "last_menu", "parsed_site"}


def reset(app: Flask) -> None:
    """Forget what an earlier test has left in the memory of a shared application."""
    marker: ChangeMarker = app.extensions["writing"].marker
    for file in (marker._file, marker._written):
        if file is not None:
            os.close(file)
    ChangeMarker.__init__(marker, marker._path)
    marker.finish_removal(marker.begin_removal())
    cache: PageCache = app.extensions["page_cache"]
    versions = reader_for(app, app.extensions["database_file"])
    PageCache.__init__(cache, cache._app, versions, marker, cache._private, cache._stale_max_age)
    QueryCache.__init__(app.extensions["query_cache"])
    app.extensions["view_writer"].reset()
    app.extensions["setup"].is_done = False
    if limiter := app.extensions["rate_limiter"]:
        limiter.storage.reset()
    app.extensions["last_site"] = replace(app.extensions["site"], is_set_up=True)
    app.extensions["last_menu"] = []
    app.extensions.pop("parsed_site", None)
    app.extensions["unusable_settings"].clear()


def changeable(app: Flask) -> list[Any]:
    """Return what tests may change in an application. A shared one is used again if this is the same after a test."""
    writing: WriteState = app.extensions["writing"]
    functions = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    with app.app_context():
        in_use = db.engine.pool.checkedout()  # type: ignore[attr-defined]
    return [
        dict(app.config),
        {name: value for name, value in app.extensions.items() if name not in READ_LAST},
        dict(app.jinja_env.globals),
        [{name: list(each) for name, each in kind.items()} for kind in functions],
        dict(app.view_functions),
        app.wsgi_app,
        app.extensions["view_writer"]._thread,
        writing.fault,
        writing.queue._free,
        in_use,
    ]
