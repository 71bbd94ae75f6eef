"""Warm up a server: answer a reader before it forks its workers.

The first page builds what all later requests use: compiled statements, functions that build URLs, parts of pages.
Built before the fork, it is in memory that all workers share. Otherwise each worker builds its own, in gaps of the
memory that it shared until then, and takes three megabytes more.
"""

from __future__ import annotations

import logging
import sys
from functools import partial
from wsgiref.util import setup_testing_defaults

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock
from blogapp.articles.reading import newest_slug
from blogapp.db.base import db
from blogapp.web.immediate import Environ, Preparation

log = logging.getLogger(__name__)

# What a process has read last, for error pages during an outage. A worker must not show what the main process has read:
# it may be weeks old when the worker replaces another, and the owner may have withdrawn it since.
READ_LAST = ("last_site", "last_menu")


def init_app(app: Flask, prepare: Preparation) -> None:
    """`prepare` corrects the environment of a request, as it does for those that a server receives."""
    if sys.platform == "linux":  # elsewhere workers are not forked, and share nothing
        app.extensions["preloads"].append(partial(warm_up, app, prepare))


def warm_up(app: Flask, prepare: Preparation) -> None:
    """Render the newest article, or the front page if there is none, and disconnect from the database. What fails here
    fails again, with a message, for the first reader; it does not prevent the start."""
    if not app.extensions["database_was_reached"]:
        return
    read_last = {name: app.extensions[name] for name in READ_LAST}
    path = "/"
    try:
        # In a request, because statements outside of one have no time limit on PostgreSQL.
        with app.request_context(_environ(path, prepare)):
            slug = newest_slug(db.session(), clock.now())
        if slug is not None:
            path = f"/articles/{slug}"
        with app.request_context(_environ(path, prepare)):
            # Without the functions that Flask calls before a request: one starts a thread, which workers would lack.
            app.process_response(app.make_response(app.dispatch_request()))
    except SQLAlchemyError:  # an outage, or an outdated schema
        pass
    except Exception:
        log.exception("%s could not be rendered before the workers were started", path)
    finally:
        app.extensions.update(read_last)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()  # the workers must not share a connection


def _environ(path: str, prepare: Preparation) -> Environ:
    """The environment of a reader's request for `path`."""
    environ: Environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "HTTP_ACCEPT_ENCODING": "br"}
    setup_testing_defaults(environ)
    prepare(environ)
    environ["PATH_INFO"] = path  # below the path of SITE_URL, which may look like a part of this one
    return environ
