"""The application for a tested server: like `app.py`, with its data in the test's folder. Its first setup, to which an
empty blog leads its readers, is closed, unless BLOGAPP_TEST_SETUP is set."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from blogapp import clock, create_app
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.site.setup import close_setup

app = create_app(os.environ, Path(os.environ["BLOGAPP_TEST_FOLDER"]))

if not os.environ.get("BLOGAPP_TEST_SETUP"):
    with app.app_context():
        with suppress(SQLAlchemyError), write_transaction() as session:
            close_setup(session, clock.now())
        db.session.remove()
        db.engine.dispose()  # a server that forks after this must not share a connection
