"""The production and the development server with a short deadline for request bodies, for tests that wait for it."""

from __future__ import annotations

import sys

from flask import Flask

from blogapp import create_app as create
from blogapp.web import request_bodies, server

BODY_SECONDS = 2.0


def create_app() -> Flask:
    """The application for `flask run`."""
    request_bodies.BODY_SECONDS = BODY_SECONDS
    return create()


if __name__ == "__main__":
    request_bodies.BODY_SECONDS = BODY_SECONDS
    server.main(*sys.argv[1:2])
