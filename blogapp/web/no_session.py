"""Switch off Flask's session: nothing uses it, and Flask derives a signing key for it in every request."""

from __future__ import annotations

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin


class NoSession(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> None:
        """Flask then uses a session that cannot be written to."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """There is nothing to save."""


def init_app(app: Flask) -> None:
    app.session_interface = NoSession()
